"""After a restore from a back-up: the processors are ahead of the database. Brings it to what they say.

Payments are closed meanwhile (`core.closing`). The phases, in this order and each safe to repeat:

1. wait until no request from before the restore can still be on its way (INFLIGHT);
2. fence whatever could still take money: our open attempts, and live charges at the processor that no row tells of;
3. sweep from well before the back-up: settle what differs, rebuild attempts and refunds that are missing here.

Without the first two, a capture that was under way when the database was lost is paid a second time by a client
whose service looks open again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from paywell.core import clock
from paywell.core.errors import UserError
from paywell.core.money import Money
from paywell.payments import machine, processor_accounts
from paywell.payments.models import Attempt, Origin, ProcessorAccount, Refund
from paywell.payments.returning import fence
from paywell.payments.sweep import sweep
from paywell.processors.contract import Capability, ChargeOrder, Outcome, Processor, ProcessorUnavailable, Verdict

#: No request of before the restore arrives at a processor later than this: longer than any time-out on the way.
INFLIGHT: Final = timedelta(minutes=15)
#: How far before the back-up the processors' lists are read: what was committed just before may be missing in it.
OVERLAP: Final = timedelta(hours=24)
_ALIVE: Final = frozenset({Verdict.NEEDS_ACTION, Verdict.PENDING})
#: Answers to a fence after which the charge may be alive as before.
_NOT_FENCED: Final = frozenset({Verdict.UNKNOWN, Verdict.NOT_SENT, Verdict.NEEDS_ACTION})


@dataclass(slots=True)
class Restored:
    """What the phases did. `unasked`: processors that gave no whole answer; while there is one, stay closed."""

    since: datetime
    fenced: int = 0
    differing: int = 0
    rebuilt: list[UUID] = field(default_factory=list)  #: attempts
    rebuilt_refunds: int = 0
    unasked: list[str] = field(default_factory=list)


def reconcile_after_restore(
    *,
    backup_at: datetime,
    wait: Callable[[timedelta], None] = clock.wait,
    say: Callable[[str], None] = lambda _: None,
) -> Restored:
    """All phases. `backup_at`: when the back-up was made. `wait` lets time pass; `say` tells what is being done."""
    restored = Restored(backup_at - OVERLAP)
    before, refunds_before = set(_rebuilt_attempts()), _count_rebuilt_refunds()
    say(f"Waiting {INFLIGHT.seconds // 60} minutes for what may still be under way to the processors.")
    wait(INFLIGHT)
    for account in ProcessorAccount.objects.order_by("connected_at", "id"):
        say(f"Fencing and comparing {account.connector} {account.id}.")
        try:
            processor = processor_accounts.make_processor(account)
            restored.fenced += fence_live(account, processor, restored.since)
            if Capability.LIST_SINCE not in processor.capabilities:
                restored.unasked.append(f"{account.connector} {account.id} keeps no list")
                continue
            restored.differing += sweep(account, restored.since)
        except (ProcessorUnavailable, UserError):
            restored.unasked.append(f"{account.connector} {account.id} gave no whole answer")
    restored.rebuilt = [attempt_id for attempt_id in _rebuilt_attempts() if attempt_id not in before]
    restored.rebuilt_refunds = _count_rebuilt_refunds() - refunds_before
    return restored


def fence_live(account: ProcessorAccount, processor: Processor, since: datetime) -> int:
    """See to it that nothing of before can take money any more. Returns how much was alive.

    Raises ProcessorUnavailable where the list could not be read to its end, or where a charge that no row tells of
    may still be alive: no later sweep would fence it.
    """
    ours = Attempt.objects.filter(processor_account=account, state__in=machine.OPEN)
    fenced = 0
    for attempt in ours.select_related("processor_account"):
        fence(attempt=attempt, cause="fence")
        fenced += 1
    if Capability.LIST_SINCE in processor.capabilities:
        has_fence, alive = Capability.FENCE in processor.capabilities, 0
        for told in _list_alive(processor, since):
            answer = processor.cancel(_order_of(told))
            # What is pending comes to its end by itself, and the sweep that follows makes its row anew.
            alive += has_fence and told.verdict is Verdict.NEEDS_ACTION and answer.verdict in _NOT_FENCED
            fenced += 1
        if alive:
            raise ProcessorUnavailable(f"{alive} charges could not be fenced")
    return fenced


def _rebuilt_attempts() -> list[UUID]:
    rows = Attempt.objects.filter(rebuilt_at__isnull=False)
    return list(rows.order_by("created_at", "id").values_list("id", flat=True))


def _count_rebuilt_refunds() -> int:
    """Made here, but by nobody that this database knows of."""
    return Refund.objects.filter(origin=Origin.HERE, actor=None).count()


def _list_alive(processor: Processor, since: datetime) -> Iterator[Outcome]:
    yield from [told for told in processor.list_since(since) if told.verdict in _ALIVE]


def _order_of(told: Outcome) -> ChargeOrder:
    """Enough of an order to fence a charge that no row of ours tells of."""
    return ChargeOrder(
        reference=told.reference,
        money=told.money or Money(0),
        open_key="",
        submit_key="",
        return_url="",
        cancel_url="",
        label="",
        processor_ref=told.processor_ref,
        created_at=told.at,
    )
