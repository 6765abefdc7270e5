"""Reads of long work. They trust their caller to name the kinds that the viewer may see."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from uuid import UUID

from django.db.models import QuerySet, Sum

from paywell.core import clock
from paywell.work.models import ItemState, Work, WorkFile, WorkItem


def list_work(practice_id: UUID, *, kinds: Iterable[str], requested_by: UUID | None = None) -> QuerySet[Work]:
    """The practice's works of these kinds, newest first; only one person's where `requested_by` is given."""
    rows = Work.objects.filter(practice_id=practice_id, kind__in=list(kinds))
    if requested_by is not None:
        rows = rows.filter(requested_by=requested_by)
    return rows.order_by("-created_at", "-id")


def list_left_out(work: Work, limit: int = 200) -> list[WorkItem]:
    """Items that were skipped or failed, with the reason, in their order."""
    rows = work.items.filter(state__in=[ItemState.SKIPPED, ItemState.FAILED])
    return list(rows.order_by("position")[:limit])


def list_files(work: Work) -> QuerySet[WorkFile]:
    """The files that are still kept, without their content, in the order in which they were made."""
    rows = work.files.filter(expires_at__gt=clock.now())
    return rows.defer("content").order_by("created_at", "id")


def get_files_size(work: Work) -> int:
    """Bytes of all files that are still kept."""
    total: int | None = list_files(work).aggregate(n=Sum("size"))["n"]
    return total or 0


def read_files(work: Work) -> Iterator[WorkFile]:
    """The files one after the other, with their content: never all of them in memory."""
    for file_id in list_files(work).values_list("id", flat=True):
        yield WorkFile.objects.get(pk=file_id, practice_id=work.practice_id)
