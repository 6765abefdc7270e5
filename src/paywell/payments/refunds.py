"""Refunds by staff, to the card that paid."""

from __future__ import annotations

from uuid import UUID

from django.db import OperationalError
from django.db.models import Sum

from paywell.accounts.types import Permission, StaffViewer
from paywell.audit.actions import record
from paywell.billing.entries import get_credit
from paywell.clients.models import BillingAccount
from paywell.core import clock
from paywell.core.closing import get_closing
from paywell.core.db import is_busy, lock, phase
from paywell.core.errors import NotAllowed, NotFoundForViewer
from paywell.core.ids import new_id
from paywell.core.money import Money
from paywell.payments import errors, processor_accounts
from paywell.payments.approvals import is_approved, needs_approval
from paywell.payments.booking import get_part_from_credit
from paywell.payments.models import Attempt, AttemptState, Dispute, Refund, RefundState
from paywell.payments.orders import charge_order, refund_order
from paywell.payments.refund_machine import RefundSaid
from paywell.payments.schedule import LOOK_AFTER, SETTLED_AFTER
from paywell.payments.settle import settle
from paywell.payments.settle_refunds import settle_refund
from paywell.processors.contract import Capability, Processor, Verdict

_GIVEN_UP = (RefundState.FAILED, RefundState.FAILED_LATE)


def refund_payment(
    *, viewer: StaffViewer, attempt: Attempt, amount: Money, reason: str, refund_id: UUID | None = None
) -> Refund:
    """Give back `amount` of a payment. The refund's row stands before the processor hears of it.

    `refund_id` is made with the form: sending the same form again returns the same refund and moves nothing.

    Raises NotAllowed for a role that may not, NotFoundForViewer for another practice's payment, UserError
    `not_refundable` (not paid, in dispute, not possible there) and `refund_above_captured`, and
    `needs_approval` above the practice's amount before another person approved it. What was refunded at the
    processor meanwhile is heard of first (`refund_not_heard` where it can't be asked), so that it counts.
    """
    if not viewer.may(Permission.REFUND):
        raise NotAllowed
    if attempt.practice_id != viewer.practice.id:
        raise NotFoundForViewer
    if get_closing() is not None:
        raise errors.not_refundable("Payments are paused for a short while. No money went back. Try again later.")
    processor = processor_accounts.make_processor(attempt.processor_account)
    refund_id = refund_id or new_id()
    if not Refund.objects.filter(pk=refund_id).exists():
        _refuse_unless_refundable(attempt, amount, processor)
        _bring_up_to_date(attempt, processor)
    refund, attempt, is_new = _place(viewer, attempt.id, amount, reason.strip(), processor, refund_id)
    if not is_new:
        return refund
    told = processor.refund(refund_order(refund, attempt))
    try:
        return settle_refund(refund_id=refund.id, told=told, said=RefundSaid.REFUND)
    except OperationalError as error:
        if not is_busy(error):
            raise
        return refund  # sent; the reconciler looks it up


def find_refund(*, viewer: StaffViewer, attempt: Attempt, refund_id: UUID) -> Refund | None:
    """The refund that was made by a form with this id, if it was sent before."""
    return Refund.objects.filter(practice=viewer.practice, attempt=attempt, pk=refund_id).first()


def _bring_up_to_date(attempt: Attempt, processor: Processor) -> None:
    """Take in what the processor did since: somebody may have refunded, or a dispute begun, in its own pages.

    What happens there between this look and the refund itself, the processor alone can refuse.
    """
    truth = processor.look_up(charge_order(attempt))
    if truth.verdict is Verdict.UNKNOWN:
        raise errors.refund_not_heard()
    settle(attempt_id=attempt.id, truth=truth, cause="read")


def _place(
    viewer: StaffViewer, attempt_id: UUID, amount: Money, reason: str, processor: Processor, refund_id: UUID
) -> tuple[Refund, Attempt, bool]:
    """Decide with the account held, and commit the row with its own random key. False: it stood there already."""
    with phase():
        lock(BillingAccount.objects.filter(attempts__id=attempt_id)).values_list("pk").get()
        attempt = lock(Attempt.objects.select_related("processor_account")).get(pk=attempt_id)
        before = Refund.objects.filter(pk=refund_id).first()
        if before is not None:
            if (before.attempt_id, before.amount_minor) != (attempt.id, amount.minor):
                raise errors.refund_form_reused()
            return before, attempt, False
        _refuse_unless_refundable(attempt, amount, processor)
        _refuse_used_credit(attempt, amount)
        if needs_approval(attempt, amount) and not is_approved(attempt, amount, refund_id):
            raise errors.needs_approval()
        now = clock.now()
        refund = Refund.objects.create(
            id=refund_id,
            practice_id=attempt.practice_id,
            attempt=attempt,
            amount_minor=amount.minor,
            currency=amount.currency,
            reason=reason[:200],
            actor_id=viewer.id,
            created_at=now,
            next_check_at=now + LOOK_AFTER[0],
        )
        record(
            practice_id=attempt.practice_id,
            actor_id=viewer.id,
            action="payments.refund_payment",
            target_kind="refund",
            target_id=refund.id,
        )
    return refund, attempt, True


def _refuse_unless_refundable(attempt: Attempt, amount: Money, processor: Processor) -> None:
    if attempt.state != AttemptState.SUCCEEDED:
        raise errors.not_refundable("Only a payment that is paid can be refunded.")
    if Dispute.objects.filter(practice_id=attempt.practice_id, attempt=attempt, status="open").exists():
        raise errors.not_refundable("This payment is in dispute. It can be refunded once the dispute is over.")
    if amount.currency != attempt.currency or amount.minor <= 0:
        raise errors.amount_not_positive()
    refunds = Refund.objects.filter(practice_id=attempt.practice_id, attempt=attempt).exclude(state__in=_GIVEN_UP)
    given = refunds.aggregate(total=Sum("amount_minor"))["total"] or 0
    left = Money(attempt.captured_minor - given, attempt.currency)
    if amount > left:
        raise errors.refund_above_captured(left)
    if amount.minor < attempt.captured_minor:
        _refuse_unless_partial_possible(attempt, processor)


def _refuse_used_credit(attempt: Attempt, amount: Money) -> None:
    """What the payment left over as credit may have paid for something else meanwhile: it can't go back twice."""
    part = get_part_from_credit(attempt, amount.minor)
    if part and part > get_credit(attempt.account).minor:
        raise errors.credit_is_used()


def _refuse_unless_partial_possible(attempt: Attempt, processor: Processor) -> None:
    if Capability.PARTIAL_REFUND not in processor.capabilities:
        raise errors.not_refundable("This processor refunds payments only in full.")
    is_fresh = attempt.closed_at is not None and clock.now() - attempt.closed_at < SETTLED_AFTER
    if is_fresh and Capability.PARTIAL_REFUND_BEFORE_SETTLEMENT not in processor.capabilities:
        raise errors.not_refundable(
            "This payment is not settled yet. Refund it in full now, or a part of it from tomorrow."
        )
