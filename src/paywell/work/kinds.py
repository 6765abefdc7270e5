"""The kinds of long work. Rooms above register theirs in their AppConfig.ready."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import timedelta
from typing import ClassVar, TypeVar

from paywell.work.models import Work, WorkItem
from paywell.work.types import Finished, Finishing, Item, Result

KindClass = TypeVar("KindClass", bound="type[Kind]")


class Kind:
    """How one kind of work is planned, done and finished.

    `do` is one step: at most `batch` items. With `in_transaction`, what it writes and the mark that the items are
    done commit together, so a crash can never do an item twice or mark what was not done. Without it (rendering,
    or a call of a processor, which no transaction may hold) a step that crashed is run again: then whatever it
    causes elsewhere has to be keyed by `WorkItem.id`. A step takes well under a minute.

    A UserError of `do` skips the item with its message; any other error leaves the item for another try, and after
    three it counts as failed and the work goes on.
    """

    name: ClassVar[str]
    #: The permission (accounts.Permission's value) without which nobody sees this kind of work nor its files.
    needs: ClassVar[str]
    batch: ClassVar[int] = 1
    in_transaction: ClassVar[bool] = True
    #: How long its files are kept.
    keep_files: ClassVar[timedelta] = timedelta(days=7)

    def plan(self, work: Work) -> Iterable[Item]:
        """What there is to do, in order. Reads only. May run again after a crash, before anything is done."""
        raise NotImplementedError

    def do(self, work: Work, items: Sequence[WorkItem]) -> Sequence[Result]:
        """Do the items; one result for each, in their order."""
        raise NotImplementedError

    def finish(self, work: Work) -> Finished | Finishing:
        """After the last item. Reads only: what it gives is stored by the room. May run again after a crash.

        What takes long is a generator that returns what came of it: at each `yield` the lease is prolonged, a
        cancellation is heard, and the worker may turn to something else. From one to the next takes seconds.
        """
        return Finished()

    def release(self) -> None:
        """When a work of this kind has ended in any way: let go of what steps kept, such as processes."""


_kinds: dict[str, Kind] = {}


def work_kind(name: str, *, needs: str) -> Callable[[KindClass], KindClass]:
    """Register a subclass of Kind under `name`. `needs` is the permission's value."""

    def decorate(kind: KindClass) -> KindClass:
        kind.name, kind.needs = name, needs
        _kinds[name] = kind()
        return kind

    return decorate


def get_kind(name: str) -> Kind:
    """Raises KeyError for a kind that this version does not know."""
    return _kinds[name]


def list_kinds() -> tuple[Kind, ...]:
    return tuple(_kinds.values())
