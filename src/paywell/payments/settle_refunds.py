"""Refunds and disputes of a payment, brought to what the processor says. Part of `settle`.

`sync_*` run inside its transaction. `settle_refund` is the same for the answer to one refund of our own.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from django.db.models import Q, Sum

from paywell.clients.models import BillingAccount
from paywell.core import clock
from paywell.core.db import lock, phase
from paywell.core.ids import new_reference
from paywell.core.money import Money
from paywell.ledger.models import AccountKind
from paywell.ledger.queries import get_account_balance
from paywell.outbox.actions import emit
from paywell.payments import booking
from paywell.payments.machine import GRACE_S
from paywell.payments.models import Attempt, Dispute, Origin, Refund, RefundState
from paywell.payments.refund_machine import RefundSaid, next_refund_state
from paywell.payments.reviews import open_review
from paywell.payments.schedule import LOOK_AFTER
from paywell.processors.contract import Disputed, Refunded, Verdict


def settle_refund(*, refund_id: UUID, told: Refunded, said: RefundSaid) -> Refund:
    """Bring one refund to what the processor answered. Idempotent."""
    with phase():
        lock(BillingAccount.objects.filter(attempts__refunds__id=refund_id)).values_list("pk").get()
        attempt = lock(Attempt.objects.filter(refunds__id=refund_id)).get()
        refund = lock(Refund.objects.all()).get(pk=refund_id)
        _bring(attempt, refund, told, said)
        _sum_up(attempt)
        attempt.save(update_fields=["refunded_minor"])
    return refund


def give_up_refund(*, refund_id: UUID) -> Refund:
    """No answer within the schedule: a person looks. It still counts against what can be refunded."""
    with phase():
        lock(BillingAccount.objects.filter(attempts__refunds__id=refund_id)).values_list("pk").get()
        refund = lock(Refund.objects.select_related("attempt")).get(pk=refund_id)
        if refund.state == RefundState.SENDING:
            refund.state = RefundState.IN_REVIEW
            refund.next_check_at = None
            refund.save(update_fields=["state", "next_check_at"])
            money = Money(refund.amount_minor, refund.currency)
            _review(refund.attempt, "refund_given_up", str(refund.id), money)
    return refund


def sync_refunds(attempt: Attempt, told: Sequence[Refunded]) -> None:
    """Every refund that the processor tells of; one made over there becomes a row of ours."""
    if not told:
        return
    refunds = list(lock(Refund.objects.filter(practice_id=attempt.practice_id, attempt=attempt)))
    for each in told:
        _bring(attempt, _find(refunds, each) or _adopt(attempt, each), each, RefundSaid.LOOK_UP)
    _sum_up(attempt)


def sync_disputes(attempt: Attempt, told: Sequence[Disputed]) -> None:
    """Every dispute that the processor tells of; its money follows what is withheld now."""
    if not told:
        return
    now = clock.now()
    for each in told:
        dispute, is_new = Dispute.objects.get_or_create(
            practice_id=attempt.practice_id,
            attempt=attempt,
            processor_ref=each.processor_ref,
            defaults={
                "amount_minor": each.money.minor,
                "currency": each.money.currency,
                "status": "open",
                "opened_at": each.at or now,
            },
        )
        booking.book_dispute(attempt, dispute, each.withheld)
        if is_new or dispute.status != each.status:
            _review(attempt, f"dispute_{each.status}", str(dispute.id), each.money)
        dispute.withheld_minor = each.withheld.minor
        dispute.status = each.status
        dispute.closed_at = None if each.status == "open" else (dispute.closed_at or now)
        dispute.save(update_fields=["withheld_minor", "status", "closed_at"])
    rows = Dispute.objects.filter(practice_id=attempt.practice_id, attempt=attempt)
    attempt.disputed = rows.filter(~Q(status="won")).exists()


def _find(refunds: list[Refund], told: Refunded) -> Refund | None:
    for refund in refunds:
        if told.processor_ref and refund.processor_ref == told.processor_ref:
            return refund
        if told.reference and refund.reference == told.reference:
            return refund
    return None


def _adopt(attempt: Attempt, told: Refunded) -> Refund:
    """A row for a refund made at the processor, or made here and lost by a restore: then it names ours."""
    was_ours = bool(told.reference)
    return Refund.objects.create(
        practice_id=attempt.practice_id,
        attempt=attempt,
        origin=Origin.HERE if was_ours else Origin.AT_PROCESSOR,
        reference=told.reference[:20] if was_ours else new_reference(),
        amount_minor=told.money.minor,
        currency=told.money.currency,
        processor_ref=told.processor_ref,
        is_void=told.is_void,
        created_at=told.at or clock.now(),
    )


def _bring(attempt: Attempt, refund: Refund, told: Refunded, said: RefundSaid) -> None:
    """One refund to what was said of it: state, ledger, news."""
    now = clock.now()
    if said is RefundSaid.LOOK_UP and now - refund.created_at >= timedelta(seconds=GRACE_S):
        said = RefundSaid.LOOK_UP_AFTER_GRACE
    before = RefundState(refund.state)
    after = next_refund_state(before, told.verdict, said)
    refund.processor_ref = refund.processor_ref or told.processor_ref
    refund.is_void = refund.is_void or told.is_void
    is_look_up = said is not RefundSaid.REFUND  # our call's own answer may be older than the news that it came back
    if before == RefundState.FAILED_LATE and told.verdict is Verdict.SUCCEEDED and is_look_up:
        _review(attempt, "refund_contradiction", str(refund.id), told.money)
    if after != before:
        _enter(attempt, refund, after, told)
        refund.state = after
        is_open = after in (RefundState.SENDING, RefundState.PENDING)
        refund.closed_at = None if is_open else now
        refund.next_check_at = now + LOOK_AFTER[0] if is_open else None
        refund.checks = 0
    refund.save()


def _enter(attempt: Attempt, refund: Refund, state: RefundState, told: Refunded) -> None:
    """What goes with a new state."""
    about = str(refund.id)
    if state == RefundState.DONE:
        if told.money.minor != refund.amount_minor:
            _review(attempt, "refund_amount_differs", about, told.money)
            refund.amount_minor = told.money.minor
        if booking.book_refund(attempt, refund):
            _review(attempt, "refund_above_captured", about, told.money)
        _review_credit(attempt, about)
        if refund.state == RefundState.FAILED:
            _review(attempt, "refund_done_after_all", about, told.money)
        is_rebuilt = refund.origin == Origin.HERE and refund.actor_id is None
        if is_rebuilt:
            _review(attempt, "refund_rebuilt", about, told.money)
        emit(
            practice_id=attempt.practice_id,
            kind="payments.refund_done",
            dedupe=f"refund_done:{refund.id}",
            payload={"refund_id": about, "attempt_id": str(attempt.id)}
            | ({"rebuilt": "yes"} if is_rebuilt else {}),
        )
    elif state == RefundState.FAILED_LATE:
        credit = booking.book_failed_refund(attempt, refund)
        _review(attempt, "refund_failed_late", about, Money(refund.amount_minor, refund.currency))
        if credit:
            _review(attempt, "failed_refund_is_credit", about, credit)
    elif state == RefundState.FAILED:
        _review(attempt, "refund_failed", about, Money(refund.amount_minor, refund.currency))


def _review_credit(attempt: Attempt, about: str) -> None:
    """A refund made at the processor may give back credit that has paid for something since: a person has to ask
    the payer for it, or take the use of the credit back."""
    below = get_account_balance(
        practice_id=attempt.practice_id,
        kind=AccountKind.CLIENT_CREDIT,
        owner_id=attempt.account_id,
        currency=attempt.currency,
    )
    if below > 0:
        _review(attempt, "credit_below_zero", about, Money(below, attempt.currency))


def _sum_up(attempt: Attempt) -> None:
    done = Refund.objects.filter(practice_id=attempt.practice_id, attempt=attempt, state=RefundState.DONE)
    attempt.refunded_minor = done.aggregate(total=Sum("amount_minor"))["total"] or 0


def _review(attempt: Attempt, kind: str, about: str, money: Money) -> None:
    open_review(
        practice_id=attempt.practice_id,
        kind=kind,
        about=about,
        money=money,
        attempt_id=attempt.id,
        processor_account_id=attempt.processor_account_id,
    )
