"""The background process: what `paywell worker` does by the clock, on the simulation's time."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from tests.faults.agreed import keep_charging
from tests.faults.ports import EPOCH

if TYPE_CHECKING:
    from tests.faults.history import History

RECONCILE_S, SWEEP_S, DELIVER_S = 60.0, 3600.0, 2.0
#: In the quiet hours after the faults.
CALM_SWEEP_S = 2.7 * 3600

_OPEN = "('created', 'awaiting_action', 'submitting', 'processing', 'unknown')"
#: When something of each queue can next be taken up: for looking only when there is something to see.
_FREE = "MIN(CASE WHEN lease_until > {due} THEN lease_until ELSE {due} END)"
_DUE = f"""
    SELECT (SELECT {_FREE.format(due="next_try_at")} FROM outbox_outboxevent WHERE delivered_at IS NULL),
           (SELECT {_FREE.format(due="next_check_at")} FROM payments_attempt
             WHERE next_check_at IS NOT NULL AND state IN {_OPEN}),
           (SELECT MIN(next_check_at) FROM payments_refund
             WHERE next_check_at IS NOT NULL AND state IN ('sending', 'pending')),
           (SELECT MIN(received_at) FROM payments_storednotice WHERE done_at IS NULL)"""


class Workers:
    """One or two worker processes, and the jobs that were queued for them."""

    def __init__(self, history: History) -> None:
        self.history = history
        self.is_stopped = False  #: until a restore is through
        self.queue: list[tuple[Callable[[], Any], str]] = []
        self.next_sweep = history.plan.first_sweep_s
        self.swept_at = EPOCH
        self.names = [f"worker {number + 1}" for number in range(history.plan.workers)]
        has_agreements = history.plan.profile == "autopay"
        self.charging = [f"worker {each[7:]} charges" for each in self.names] if has_agreements else []

    def start(self) -> None:
        for name in self.names:
            self.history.loop.spawn(self._work, name, inside=True)
        for name in self.charging:
            self.history.loop.spawn(lambda: keep_charging(self.history), name, inside=True)

    def start_again(self, after: float, only: str = "") -> None:
        def start() -> None:
            if self.is_stopped:
                return
            for name in [only] if only else [*self.names, *self.charging]:
                work = (lambda: keep_charging(self.history)) if name in self.charging else self._work
                self.history.loop.spawn(work, name, inside=True)

        self.history.call_later(after, start)

    def is_quiet(self) -> bool:
        """Whether nothing is open here and nothing waits."""
        return not self.queue and all(at is None for at in self._due())

    def _work(self) -> None:
        from paywell.payments import jobs

        loop, plan = self.history.loop, self.history.plan
        next_reconcile = next_delivery = loop.now
        while True:
            if self.queue:
                work, name = self.queue.pop(0)
                self._run(work, name)
                continue
            outbox, attempts, refunds, notices = self._due()
            now = loop.now
            if plan.has_sweep and now >= self.next_sweep:
                self.swept_at = self.history.bank_now()
                self.next_sweep = now + (CALM_SWEEP_S if self.history.is_calm else SWEEP_S)
                self._run(jobs.sweep_all.func, "sweep")
                continue
            due = min((at for at in (attempts, refunds, notices and notices + 60) if at is not None), default=None)
            if plan.has_reconciler and due is not None and max(due, next_reconcile) <= now:
                next_reconcile = now + RECONCILE_S
                self._run(jobs.reconcile.func, "reconcile")
                continue
            if outbox is not None and max(outbox, next_delivery) <= now:
                next_delivery = now + DELIVER_S
                self._run(jobs.deliver_outbox.func, "outbox")
                continue
            # Whatever others do may leave work here: look again just after it.
            wake = [loop.next_at("worker") + 1.0, now + SWEEP_S]
            if plan.has_sweep:
                wake.append(self.next_sweep)
            if outbox is not None:
                wake.append(max(outbox, next_delivery))
            if due is not None and plan.has_reconciler:
                wake.append(max(due, next_reconcile))
            loop.pause(max(min(wake) - now, 0.5))

    def _run(self, work: Callable[[], Any], name: str) -> None:
        history = self.history
        history.say(f"begins {name}")
        try:
            work()
        except Exception as error:  # a job that fails is logged and comes again, as in the product's worker
            history.say(f"{name} failed: {error!r}")
            history.surprise(error, name)
        history.loop.pause(0.01)

    def _due(self) -> list[float | None]:
        (row,) = self.history.database.fetch(_DUE)
        return [self._seconds(value) for value in row]

    def _seconds(self, value: Any) -> float | None:
        if value is None:
            return None
        at = value if isinstance(value, datetime) else datetime.fromisoformat(value).replace(tzinfo=UTC)
        return (at - EPOCH - self.history.skew).total_seconds()
