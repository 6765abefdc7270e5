"""Compares a processor's own list with our attempts: the proof that nothing was missed.

Differences are settled; money that belongs to no attempt goes to suspense and before a person; what still lives
over there although it is closed here is fenced.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from itertools import islice
from typing import Final

from django.db.models import Q

from paywell.core import clock
from paywell.core.db import phase
from paywell.core.money import Money
from paywell.core.prepared import Prepared
from paywell.payments import booking, machine, processor_accounts
from paywell.payments.deposit_reviews import review_deposits
from paywell.payments.deposits import keep_fee, sweep_deposits
from paywell.payments.models import Attempt, AttemptState, ProcessorAccount
from paywell.payments.notice_alerts import check_clocks, check_silence
from paywell.payments.rebuilding import rebuild
from paywell.payments.returning import fence
from paywell.payments.reviews import open_review
from paywell.payments.settle import settle
from paywell.processors.contract import Capability, Outcome, ProcessorUnavailable, Verdict

_log = logging.getLogger("paywell.payments.sweep")

#: How far every sweep looks back, at least.
LOOK_BACK: Final = timedelta(hours=72)
#: And once a day, for late refunds and disputes.
LOOK_FAR_BACK: Final = timedelta(days=35)
#: A closed attempt's charge may be alive that long before it is fenced: the request may still be on its way.
FENCE_AFTER: Final = timedelta(hours=2)
_BATCH: Final = 100

_OF_BATCH = Prepared(
    lambda practice, account, references, charge_refs: Attempt.objects.filter(
        Q(reference__in=references) | Q(processor_ref__in=charge_refs, processor_account_id=account),
        practice_id=practice,
    ).select_related("processor_account")
)


def sweep_all() -> None:
    """Every account, also disconnected ones while something may still come from them."""
    now = clock.now()
    still = Q(is_active=True) | Q(disconnected_at__gte=now - LOOK_FAR_BACK)
    for account in ProcessorAccount.objects.filter(still):
        until = account.swept_until
        is_new_day = until is None or until.date() != now.date()
        since = now - (LOOK_FAR_BACK if is_new_day else LOOK_BACK)
        if until is not None:
            since = min(since, until)
        try:
            sweep(account, since)
            sweep_deposits(account, since)
            review_deposits(account, now - LOOK_FAR_BACK)
            check_silence(account, processor_accounts.make_processor(account))
            check_clocks(account)
        except ProcessorUnavailable:
            _log.warning(
                "sweep of %s was cut short; the next one begins where the last whole one ended", account.id
            )
        except Exception:
            _log.exception("sweep of %s failed", account.id)


def sweep(processor_account: ProcessorAccount, since: datetime) -> int:
    """Compare everything since then. Returns how many charges differed. Raises ProcessorUnavailable."""
    processor = processor_accounts.make_processor(processor_account)
    if Capability.LIST_SINCE not in processor.capabilities:
        return 0
    began = clock.now()
    differing = 0
    for batch in _batches(processor.list_since(since)):
        # One query for each batch; what one charge changes concerns no other.
        known = _find_attempts(processor_account, batch)
        for told in batch:
            attempt = known.get(told.reference) or known.get(told.processor_ref)
            differing += _compare(processor_account, attempt, told)
            if attempt is not None and told.fee is not None:
                keep_fee(attempt, told.fee)
    ProcessorAccount.objects.filter(pk=processor_account.pk).update(swept_until=began)
    return differing


def _compare(processor_account: ProcessorAccount, attempt: Attempt | None, told: Outcome) -> bool:
    """One charge of the list. Whether something had to be done."""
    if attempt is None:
        return rebuild(processor_account, told) is not None or _suspend_unmatched(processor_account, told)
    if _is_settled(attempt, told):
        return _fence_if_alive(attempt, told)
    settle(attempt_id=attempt.id, truth=told, cause="sweep")
    return True


def _is_settled(attempt: Attempt, told: Outcome) -> bool:
    """Whether the attempt stands as the list says: then nothing is written."""
    if told.verdict is Verdict.SUCCEEDED:
        if attempt.state != AttemptState.SUCCEEDED or told.money is None:
            return False
        same_charge = told.processor_ref == attempt.processor_ref and told.reference == attempt.reference
        return same_charge and told.money.minor == attempt.captured_minor and _has_same_parts(attempt, told)
    if attempt.state == AttemptState.SUCCEEDED:
        return told.verdict not in (Verdict.DECLINED, Verdict.CANCELED)
    if attempt.state in machine.OPEN:
        return told.verdict not in (Verdict.DECLINED, Verdict.CANCELED)
    return True


def _has_same_parts(attempt: Attempt, told: Outcome) -> bool:
    """Whether refunds and disputes add up to what is booked."""
    refunded = sum(each.money.minor for each in told.refunds if each.verdict is Verdict.SUCCEEDED)
    withheld = sum(each.withheld.minor for each in told.disputes)
    booked = list(attempt.disputes.values_list("withheld_minor", "status"))
    return (
        refunded == attempt.refunded_minor
        and withheld == sum(minor for minor, _ in booked)
        and sorted(each.status for each in told.disputes) == sorted(status for _, status in booked)
    )


def _fence_if_alive(attempt: Attempt, told: Outcome) -> bool:
    """A charge that could still take money although its attempt is closed."""
    is_alive = told.verdict in (Verdict.NEEDS_ACTION, Verdict.PENDING)
    if attempt.state not in machine.CLOSED_UNPAID or not is_alive:
        return False
    if attempt.closed_at is None or clock.now() - attempt.closed_at < FENCE_AFTER:
        return False
    fence(attempt=attempt, cause="fence")
    return True


def _suspend_unmatched(processor_account: ProcessorAccount, told: Outcome) -> bool:
    """Money at the processor that no attempt of ours explains: suspense at once, and a person."""
    if told.verdict is not Verdict.SUCCEEDED or told.money is None:
        return False
    if told.live_mode is not None and told.live_mode != processor_account.live_mode:
        return False
    with phase():
        change = booking.suspend_charge(processor_account, told)
        if change:
            open_review(
                practice_id=processor_account.practice_id,
                kind="unmatched_charge",
                about=f"{processor_account.id}:{told.processor_ref}",
                money=Money(told.money.minor, told.money.currency),
                processor_account_id=processor_account.id,
                detail=f"charge {told.processor_ref}",
            )
    return bool(change)


def _find_attempts(processor_account: ProcessorAccount, batch: list[Outcome]) -> dict[str, Attempt]:
    """The batch's attempts, by our reference and by theirs.

    Ours holds for the whole practice: the same account over there may have been connected here more than once.
    """
    references = [told.reference for told in batch if told.reference]
    charge_refs = [told.processor_ref for told in batch if told.processor_ref]
    found: dict[str, Attempt] = {}
    for attempt in _OF_BATCH(
        references=references,
        charge_refs=charge_refs,
        account=processor_account.id,
        practice=processor_account.practice_id,
    ):
        found[attempt.reference] = attempt
        if attempt.processor_ref:
            found[attempt.processor_ref] = attempt
    return found


def _batches(outcomes: Iterable[Outcome]) -> Iterator[list[Outcome]]:
    whole = iter(outcomes)
    while batch := list(islice(whole, _BATCH)):
        yield batch
