"""Does long work in short steps: leased, each step in its own transaction, a few seconds at a time.

One worker process also looks up payments and delivers e-mails, so long work gives way after `BUDGET_S`. Whoever
has the lease proves it at the beginning of each transaction: a worker that was slow or was thought dead can mark
nothing any more.

A finish in pieces (`types.Finishing`) lives in the memory of the worker that began it, which keeps the lease
between its turns. Where that worker died, another one begins the finish anew once the lease is over.
"""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import timedelta
from typing import Final
from uuid import UUID

from django.db import connection
from django.db.models import F, Q, QuerySet
from django.db.models.functions import Coalesce
from django.utils.translation import gettext as _

from paywell.audit.actions import record
from paywell.core import clock
from paywell.core.db import lock, phase, scope_to_practice
from paywell.core.errors import NotAllowed, NotFoundForViewer, UserError
from paywell.core.ids import new_key
from paywell.work.kinds import Kind, get_kind
from paywell.work.models import OPEN_STATES, ItemState, Work, WorkFile, WorkItem, WorkState
from paywell.work.types import Done, Finished, Finishing, NewFile, Result, Skipped

_log = logging.getLogger("paywell.work")

#: How long the worker stays with long work before it looks at everything else again.
BUDGET_S: Final = 3.0
#: After it, another worker may take what one left without a word.
LEASE: Final = timedelta(minutes=2)
#: An item that failed this often counts as failed; planning or finishing that did ends the work.
TRIES: Final = 3
PAUSE: Final = timedelta(seconds=5)


#: Between two steps on SQLite: longer than whoever waits for its one pen sleeps between two tries.
REST_S: Final = 0.12
#: Finishes under way in this process, each with the lease under which it was begun.
_under_way: Final[dict[UUID, tuple[str, Finishing]]] = {}


class LeaseLost(Exception):
    """Another worker has the work now, or it has ended."""


class Canceled(Exception):
    """Somebody canceled it."""


def serve_due(budget_s: float = BUDGET_S) -> bool:
    """Work on what is due, in turn, until nothing is or the budget is used. True where more can be done at once."""
    deadline = time.monotonic() + budget_s
    while (work := _take_next()) is not None:
        _serve(work, deadline)
        if time.monotonic() >= deadline:
            return _due().exists()
    return False


def _due() -> QuerySet[Work]:
    now = clock.now()
    ours = [key for key, _finishing in _under_way.values()]
    free = Q(lease_until=None) | Q(lease_until__lte=now) | Q(lease_key__in=ours)
    return Work.objects.filter(free, state__in=OPEN_STATES, next_try_at__lte=now)


def _take_next() -> Work | None:
    """Lease the work that has waited longest."""
    _forget_lost()
    waiting = _due().order_by(F("served_at").asc(nulls_first=True), "created_at")
    for work_id, held in waiting.values_list("id", "lease_key")[:5]:
        now, key = clock.now(), held if work_id in _under_way else new_key()
        taken = _due().filter(pk=work_id, lease_key=held).update(
            lease_key=key, lease_until=now + LEASE, served_at=now, state=WorkState.RUNNING,
            started_at=Coalesce("started_at", now),
        )  # fmt: skip
        if taken:
            return Work.objects.get(pk=work_id)
    return None


def _forget_lost() -> None:
    """Let go of finishes whose lease another worker has now."""
    for work_id, (key, _finishing) in list(_under_way.items()):
        if not Work.objects.filter(pk=work_id, lease_key=key).exists():
            del _under_way[work_id]


def _serve(work: Work, deadline: float) -> None:
    """Steps of one work until it ends or the deadline is there.

    Afterwards its lease is free again, except between two pieces of its finish.
    """
    is_finishing = False
    with _scoped_to(work.practice_id):
        try:
            kind = get_kind(work.kind)
            if work.total is None:
                _plan(work, kind)
            while _step(work, kind):
                if time.monotonic() >= deadline:
                    return
                _rest()
            while not _finish(work, kind):
                if time.monotonic() >= deadline:
                    is_finishing = True
                    return
        except LeaseLost:
            _log.warning("work %s (%s) was taken over or ended", work.id, work.kind)
        except Canceled:
            _end(work, WorkState.CANCELED)
        except UserError as error:
            _end(work, WorkState.FAILED, problem=error.message)
        except (NotFoundForViewer, NotAllowed):
            _end(work, WorkState.FAILED, problem=_("The person who asked for it may not do this any more."))
        except Exception:
            _log.exception("work %s (%s) could not be planned or finished", work.id, work.kind)
            _try_again(work)
        finally:
            if not is_finishing:
                _under_way.pop(work.pk, None)
                Work.objects.filter(pk=work.pk, lease_key=work.lease_key).update(lease_key="", lease_until=None)
            if not Work.objects.filter(pk=work.pk, state__in=OPEN_STATES).exists():
                _release(work.kind)


def _release(name: str) -> None:
    with suppress(KeyError):
        get_kind(name).release()


def _rest() -> None:
    """Let others write. SQLite has no queue: whoever asks again at once would always be first."""
    if connection.vendor == "sqlite" and not connection.in_atomic_block:
        time.sleep(REST_S)


def _plan(work: Work, kind: Kind) -> None:
    """Write down what there is to do, all of it or nothing."""
    items = list(kind.plan(work))
    with phase():
        _hold(work)
        WorkItem.objects.bulk_create(
            WorkItem(
                practice_id=work.practice_id, work=work, position=position, subject_id=item.subject_id,
                label=item.label[:160], data=dict(item.data),
            )
            for position, item in enumerate(items)
        )  # fmt: skip
        Work.objects.filter(pk=work.pk).update(total=len(items))


def _step(work: Work, kind: Kind) -> bool:
    """Do the next items. False when none is left."""
    with phase():
        _hold(work)
        items = _next_items(work, kind)
        WorkItem.objects.filter(pk__in=[item.pk for item in items]).update(tries=F("tries") + 1)
    if not items:
        return False
    try:
        if kind.in_transaction:
            with phase():
                _hold(work)
                _mark(work, kind, items, kind.do(work, items))
        else:
            results = kind.do(work, items)
            with phase():
                _hold(work, even_if_canceled=True)
                _mark(work, kind, items, results)
    except (LeaseLost, Canceled, NotFoundForViewer, NotAllowed):
        raise
    except Exception as error:
        _set_back(work, kind, items, error)
    return True


def _next_items(work: Work, kind: Kind) -> list[WorkItem]:
    """The next batch; an item that failed before is tried alone, so that it holds up no other."""
    items = list(work.items.filter(state=ItemState.TODO).order_by("position")[: kind.batch])
    return items[:1] if items and items[0].tries else [item for item in items if not item.tries]


def _set_back(work: Work, kind: Kind, items: Sequence[WorkItem], error: Exception) -> None:
    """A step did not go through: skip with the reason, give up on an item, or leave it for another try."""
    if isinstance(error, UserError) and len(items) == 1:
        with phase():
            _hold(work, even_if_canceled=True)
            _mark(work, kind, items, [Skipped(error.message)])
        return
    _log.error("a step of work %s (%s) failed", work.id, work.kind, exc_info=error)
    for item in items:
        if item.tries + 1 >= TRIES:
            with phase():
                _hold(work, even_if_canceled=True)
                WorkItem.objects.filter(pk=item.pk).update(
                    state=ItemState.FAILED, words=_("This failed several times and was left out.")
                )
                Work.objects.filter(pk=work.pk).update(failed=F("failed") + 1)


def _mark(work: Work, kind: Kind, items: Sequence[WorkItem], results: Sequence[Result]) -> None:
    """Say in the database what became of the items, and keep their files."""
    if len(results) != len(items):
        raise ValueError(f"{kind.name} gave {len(results)} results for {len(items)} items")
    alike: dict[tuple[ItemState, str], list[UUID]] = {}
    for item, result in zip(items, results, strict=True):
        state = ItemState.DONE if isinstance(result, Done) else ItemState.SKIPPED
        alike.setdefault((state, result.words[:300]), []).append(item.pk)
        if isinstance(result, Done):
            _keep(work, kind, result.files)
    todo, marked = WorkItem.objects.filter(state=ItemState.TODO), Counter[ItemState]()
    for (state, words), ids in alike.items():
        marked[state] += todo.filter(pk__in=ids).update(state=state, words=words)
    if marked.total() != len(items):
        raise LeaseLost
    Work.objects.filter(pk=work.pk).update(
        done=F("done") + marked[ItemState.DONE], skipped=F("skipped") + marked[ItemState.SKIPPED]
    )


def _keep(work: Work, kind: Kind, files: Sequence[NewFile]) -> None:
    now = clock.now()
    WorkFile.objects.bulk_create(
        WorkFile(
            practice_id=work.practice_id, work=work, name=file.name, content_type=file.content_type,
            content=file.content, size=len(file.content), created_at=now, expires_at=now + kind.keep_files,
        )
        for file in files
    )  # fmt: skip


def _finish(work: Work, kind: Kind) -> bool:
    """All of the finish, or its next piece. True where that was the end."""
    finished = _get_finished(work, kind)
    with phase():
        _hold(work)
        if finished is None:
            return False
        if finished.replaces_item_files:
            WorkFile.objects.filter(work=work).delete()
        _keep(work, kind, finished.files)
        Work.objects.filter(pk=work.pk).update(summary=dict(finished.summary))
        _close(work, WorkState.DONE)
    return True


def _get_finished(work: Work, kind: Kind) -> Finished | None:
    """What came of the work; None after a piece that was not the last."""
    if work.pk not in _under_way:
        work.refresh_from_db(fields=["total", "done", "skipped", "failed", "cancel_requested_at"])
        begun = kind.finish(work)
        if isinstance(begun, Finished):
            return begun
        _under_way[work.pk] = (work.lease_key, begun)
    try:
        next(_under_way[work.pk][1])
    except StopIteration as ended:
        finished: Finished = ended.value
        return finished
    return None


def _end(work: Work, state: WorkState, *, problem: str = "") -> None:
    """End it before its end. What was done stays done."""
    with phase():
        try:
            _hold(work, even_if_canceled=True)
        except LeaseLost:
            return
        _close(work, state, problem=problem)


def _close(work: Work, state: WorkState, *, problem: str = "") -> None:
    Work.objects.filter(pk=work.pk).update(state=state, finished_at=clock.now(), problem=problem[:300])
    row = Work.objects.get(pk=work.pk)
    record(
        practice_id=work.practice_id, actor_id=None, action=f"work.{state}_work",
        target_kind="work", target_id=work.pk,
        detail={"kind": work.kind, "done": row.done, "skipped": row.skipped, "failed": row.failed},
    )  # fmt: skip


def _try_again(work: Work) -> None:
    """Planning or finishing failed for a reason that nobody at the desk can put right: later, or not at all."""
    tries = work.tries + 1
    if tries >= TRIES:
        _end(work, WorkState.FAILED, problem=_("It failed several times. The log of the installation says why."))
        return
    Work.objects.filter(pk=work.pk, lease_key=work.lease_key).update(
        tries=tries, next_try_at=clock.now() + PAUSE * tries
    )


def _hold(work: Work, *, even_if_canceled: bool = False) -> None:
    """Lock the work's row and prove that it is still ours; prolong the lease.

    Raises LeaseLost, or Canceled where somebody asked to stop.
    """
    mine = Work.objects.filter(pk=work.pk, lease_key=work.lease_key, state=WorkState.RUNNING)
    row = lock(mine).first()
    if row is None:
        raise LeaseLost
    if row.cancel_requested_at and not even_if_canceled:
        raise Canceled
    mine.update(lease_until=clock.now() + LEASE)


@contextmanager
def _scoped_to(practice_id: UUID) -> Iterator[None]:
    """Within the block the database shows this practice's rows only."""
    scope_to_practice(practice_id)
    try:
        yield
    finally:
        scope_to_practice(None)
