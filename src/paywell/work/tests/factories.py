"""A kind of work for tests, and a work that has ended with a file."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, ClassVar
from uuid import UUID

from paywell.core import clock
from paywell.core.ids import new_id
from paywell.work.actions import request_work
from paywell.work.kinds import Kind, work_kind
from paywell.work.models import Work, WorkFile, WorkItem, WorkState
from paywell.work.runner import serve_due
from paywell.work.types import Done, Finished, Finishing, Item, NewFile, Result


@work_kind("test_names", needs="see_money")
class Names(Kind):
    """Makes one small file for each name of `parameters`; what else it does is told by `behavior`."""

    behavior: ClassVar[Any] = None  #: called with each item before it is done

    def plan(self, work: Work) -> Iterable[Item]:
        return [Item(label=name, data={"name": name}) for name in work.parameters["names"]]

    def do(self, work: Work, items: Sequence[WorkItem]) -> Sequence[Result]:
        return [self._one(item) for item in items]

    def _one(self, item: WorkItem) -> Result:
        name = item.data["name"]
        result = self.behavior(item) if self.behavior else None
        return result or Done(files=[NewFile(f"{name}.txt", "text/plain", name.encode())])

    def finish(self, work: Work) -> Finished:
        return Finished(summary={"lines": [f"{work.done} names"]})


@work_kind("test_names_outside", needs="see_money")
class NamesOutside(Names):
    """The same, outside a transaction and three at a time."""

    in_transaction = False
    batch = 3


@work_kind("test_names_joined", needs="see_money")
class NamesJoined(Names):
    """Puts its files together in the end, one after the other; `behavior` is called with the name before each."""

    def do(self, work: Work, items: Sequence[WorkItem]) -> Sequence[Result]:
        return [Done() for _ in items]

    def finish(self, work: Work) -> Finishing:
        names = []
        for item in work.items.order_by("position"):
            if self.behavior:
                self.behavior(item)
            names.append(item.label)
            yield
        return Finished(files=[NewFile("all.txt", "text/plain", " ".join(names).encode())])


def ask_for(*names: str, practice_id: UUID | None = None, kind: str = "test_names", **others: Any) -> Work:
    return request_work(
        practice_id=practice_id or new_id(), kind=kind, title="Names", actor_id=others.pop("actor_id", None),
        parameters={"names": list(names)}, **others,
    )  # fmt: skip


def make_ended_work(practice_id: UUID, actor_id: UUID) -> tuple[Work, WorkFile]:
    """A work with one file, and another one that still waits its turn is none of its business."""
    now = clock.now()
    work = ask_for("ana", practice_id=practice_id, actor_id=actor_id)
    Work.objects.filter(pk=work.pk).update(state=WorkState.DONE, total=1, done=1, finished_at=now)
    file = WorkFile.objects.create(
        practice_id=practice_id, work=work, name="ana.txt", content_type="text/plain", content=b"ana", size=3,
        created_at=now, expires_at=now + Kind.keep_files,
    )  # fmt: skip
    work.refresh_from_db()
    return work, file


def serve_all() -> None:
    """Everything that is due, to its end."""
    while serve_due():
        pass
