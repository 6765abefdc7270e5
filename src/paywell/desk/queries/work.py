"""Long work as the desk shows it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import QuerySet

from paywell.accounts.models import Role, User
from paywell.accounts.types import Permission, StaffViewer
from paywell.core.paging import Page
from paywell.desk.types import paginate
from paywell.work.kinds import list_kinds
from paywell.work.models import Work, WorkFile, WorkItem
from paywell.work.queries import list_files, list_left_out, list_work

_TONES = {"queued": "wait", "running": "wait", "done": "good", "failed": "bad", "canceled": "info"}


@dataclass(frozen=True, slots=True)
class WorkRow:
    work: Work
    asked_by: str  #: empty for the system

    @property
    def tone(self) -> str:
        return "warn" if self.work.failed and not self.work.is_open else _TONES[self.work.state]

    @property
    def percent(self) -> int:
        return 100 * self.work.seen // self.work.total if self.work.total else 0

    @property
    def missed(self) -> int:
        """Items that were left out, for whatever reason."""
        return self.work.skipped + self.work.failed


@dataclass(frozen=True, slots=True)
class WorkPage:
    row: WorkRow
    left_out: tuple[WorkItem, ...]
    files: tuple[WorkFile, ...]


def works_of(viewer: StaffViewer) -> QuerySet[Work]:
    """Works of the kinds that the viewer's role may see; a clinician sees those that they asked for themselves."""
    kinds = [kind.name for kind in list_kinds() if viewer.may(Permission(kind.needs))]
    mine = viewer.id if viewer.role is Role.CLINICIAN else None
    return list_work(viewer.practice.id, kinds=kinds, requested_by=mine)


def list_works(viewer: StaffViewer, *, page: int = 1) -> Page[WorkRow]:
    """Newest first. Two queries."""
    return paginate(works_of(viewer), page, lambda works: list(_rows(works)))


def get_work_page(work: Work) -> WorkPage:
    """One work with what was left out of it and the files that came of it."""
    return WorkPage(next(iter(_rows([work]))), tuple(list_left_out(work)), tuple(list_files(work)[:200]))


def _rows(works: list[Work]) -> Iterable[WorkRow]:
    people = {work.requested_by for work in works if work.requested_by}
    names = {user.id: user.get_full_name() for user in User.objects.filter(id__in=people)}
    return (WorkRow(work, names.get(work.requested_by, "") if work.requested_by else "") for work in works)
