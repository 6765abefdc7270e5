"""Brings open attempts and refunds to the truth on a growing schedule, until a person has to look.

Every step takes a lease first, in one committed statement, so that two workers never ask at the same moment,
and sets the next look before the call, so that a crash costs one look and no more.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime
from uuid import UUID

from django.db.models import F, Q

from paywell.core import clock
from paywell.core.prepared import Prepared
from paywell.payments import machine, processor_accounts
from paywell.payments.models import Attempt, AttemptState, Refund, RefundState
from paywell.payments.orders import charge_order, refund_order
from paywell.payments.refund_machine import RefundSaid
from paywell.payments.returning import fence
from paywell.payments.schedule import GIVE_UP_AFTER, LEASE, find_next_look
from paywell.payments.settle import give_up, settle
from paywell.payments.settle_refunds import give_up_refund, settle_refund
from paywell.processors.contract import Verdict

_log = logging.getLogger("paywell.payments.reconcile")

_DUE = Prepared(
    lambda now, limit: (
        Attempt.objects.filter(_free(now), next_check_at__lte=now, state__in=machine.OPEN)
        .order_by("next_check_at")
        .values_list("id", flat=True)[:limit]
    )
)
_REFUNDS_DUE = Prepared(
    lambda now, limit: (
        Refund.objects.filter(next_check_at__lte=now, state__in=(RefundState.SENDING, RefundState.PENDING))
        .order_by("next_check_at")
        .values_list("id", flat=True)[:limit]
    )
)
_ATTEMPT = Prepared(lambda attempt: Attempt.objects.select_related("processor_account").filter(id=attempt))


def reconcile_due(limit: int = 50) -> int:
    """Look up what is due, most overdue first. One that fails does not keep the others. Returns how many."""
    now = clock.now()
    attempt_ids = _DUE(now=now, limit=limit)
    for attempt_id in attempt_ids:
        _safely(reconcile_attempt, attempt_id)
    refund_ids = _REFUNDS_DUE(now=now, limit=limit)
    for refund_id in refund_ids:
        _safely(reconcile_refund, refund_id)
    return len(attempt_ids) + len(refund_ids)


def reconcile_attempt(attempt_id: UUID, *, cause: str = "reconcile") -> Attempt:
    """One attempt: look up; fence what the payer left lying; give up after 72 hours."""
    attempt = _ATTEMPT.first(attempt=attempt_id)
    if attempt is None:
        raise Attempt.DoesNotExist
    if attempt.state not in machine.OPEN or not _lease(attempt):
        return attempt
    now = clock.now()
    if now - (attempt.submitted_at or attempt.created_at) >= GIVE_UP_AFTER:
        return give_up(attempt_id=attempt.id)
    if attempt.state == AttemptState.CREATED:
        # Its worker is gone, and nothing was sent that could take money.
        return fence(attempt=attempt, cause="expire")
    if attempt.state == AttemptState.AWAITING_ACTION and attempt.deadline_at <= now:
        return fence(attempt=attempt, cause="expire")
    truth = processor_accounts.make_processor(attempt.processor_account).look_up(charge_order(attempt))
    settled = settle(attempt_id=attempt.id, truth=truth, cause=cause)
    if _lies_reserved(settled, truth.verdict, has_step=truth.step is not None):
        return fence(attempt=attempt, cause="fence")
    return settled


def reconcile_refund(refund_id: UUID) -> Refund:
    """One refund that was sent and has no answer yet."""
    refund = Refund.objects.select_related("attempt__processor_account").get(pk=refund_id)
    now = clock.now()
    mine = Refund.objects.filter(pk=refund_id, next_check_at__lte=now)
    if not mine.update(next_check_at=find_next_look(refund.created_at, now), checks=F("checks") + 1):
        return refund
    if now - refund.created_at >= GIVE_UP_AFTER and refund.state == RefundState.SENDING:
        return give_up_refund(refund_id=refund_id)
    processor = processor_accounts.make_processor(refund.attempt.processor_account)
    told = processor.look_up_refund(refund_order(refund, refund.attempt))
    return settle_refund(refund_id=refund_id, told=told, said=RefundSaid.LOOK_UP)


def _lies_reserved(attempt: Attempt, verdict: Verdict, *, has_step: bool) -> bool:
    """Whether the charge is reserved over there, our call is over, and nobody will go on with it."""
    is_over = attempt.state in (AttemptState.SUBMITTING, AttemptState.UNKNOWN)
    return is_over and verdict is Verdict.NEEDS_ACTION and not has_step


def _lease(attempt: Attempt) -> bool:
    now = clock.now()
    mine = Attempt.objects.filter(_free(clock.now()), pk=attempt.pk, state=attempt.state)
    next_check_at = find_next_look(attempt.submitted_at or attempt.created_at, now)
    if attempt.state == AttemptState.AWAITING_ACTION and attempt.deadline_at > now:
        next_check_at = min(next_check_at, attempt.deadline_at)
    taken = mine.update(lease_until=now + LEASE, next_check_at=next_check_at, checks=F("checks") + 1)
    return bool(taken)


def _free(now: datetime) -> Q:
    return Q(lease_until=None) | Q(lease_until__lte=now)


def _safely(step: Callable[[UUID], object], row_id: UUID) -> None:
    try:
        step(row_id)
    except Exception:
        _log.exception("%s could not be reconciled; it is tried again", row_id)
