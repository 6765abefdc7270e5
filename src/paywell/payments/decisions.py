"""What a person decides about a payment that no look-up could settle. The processor is asked once more before."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from paywell.accounts.types import Permission, StaffViewer
from paywell.core.db import phase
from paywell.core.errors import NotAllowed
from paywell.outbox.actions import emit
from paywell.payments import booking, errors, machine, processor_accounts
from paywell.payments.models import Attempt, AttemptState, RefundState, Review
from paywell.payments.orders import charge_order, refund_order
from paywell.payments.refund_machine import RefundSaid
from paywell.payments.reviews import access_review, clean_note, close_review, find_refund_given_up
from paywell.payments.settle import Answer, decide_paid, decide_unpaid, settle_answers
from paywell.payments.settle_refunds import settle_refund
from paywell.processors.contract import Outcome, Verdict


class Decision(StrEnum):
    """What came of a payment, in a person's word."""

    NOTHING_MOVED = "nothing_moved"  #: no money: it has failed, its services can be paid again
    ACCEPT = "accept"  #: the money in suspense pays its services
    SEND_RECEIPT = "send_receipt"  #: a rebuilt payment: the payer is to hear of its receipt, perhaps once more
    NO_RECEIPT = "no_receipt"  #: a rebuilt payment: they have it already
    ASK_AGAIN = "ask_again"  #: a refund without an end: what the processor says of it now


#: The processor says that this charge does not exist or can't take money any more.
_DEAD: Final = frozenset({Verdict.DECLINED, Verdict.CANCELED, Verdict.ABSENT})


def list_decisions(review: Review) -> tuple[Decision, ...]:
    """What can be decided about the review's payment; nothing where it is settled, or where there is none."""
    if find_refund_given_up(review):
        return (Decision.ASK_AGAIN,)
    if review.kind == "payment_rebuilt":
        return (Decision.SEND_RECEIPT, Decision.NO_RECEIPT)
    state = AttemptState(review.attempt.state) if review.attempt else None
    if state == AttemptState.IN_REVIEW:
        return (Decision.NOTHING_MOVED, Decision.ACCEPT)
    return (Decision.ACCEPT,) if state in machine.CLOSED_UNPAID else ()


def decide_review(*, viewer: StaffViewer, review: Review, decision: Decision, note: str) -> Review:
    """Settle the review's payment as the person says, then close the review with their note.

    Needs the right to refund. Raises UserError `note_missing`, `note_too_long`, `not_decidable`; where the
    processor, asked afresh, says otherwise or nothing: `money_moved`, `may_still_move`, `not_acceptable`,
    `refund_still_unknown`.
    """
    if not viewer.may(Permission.REFUND):
        raise NotAllowed
    note = clean_note(note)
    review = access_review(viewer, review.id)
    if review.closed_at is not None:
        return review
    if decision not in list_decisions(review) or review.attempt is None:
        raise errors.not_decidable()
    if decision in (Decision.SEND_RECEIPT, Decision.NO_RECEIPT):
        if decision is Decision.SEND_RECEIPT:
            _ask_for_receipt(review.attempt)
        return close_review(viewer=viewer, review=review, note=note)
    if decision is Decision.ASK_AGAIN:
        _ask_about_refund(review)
        return close_review(viewer=viewer, review=review, note=note)
    truth = _look_up(review.attempt)
    if decision is Decision.ACCEPT:
        decide_paid(attempt_id=review.attempt.id, actor_id=viewer.id, truth=truth)
    else:
        _refuse_unless_dead(truth)
        decide_unpaid(attempt_id=review.attempt.id, actor_id=viewer.id, said=truth.verdict)
    return close_review(viewer=viewer, review=review, note=note)


def _ask_for_receipt(attempt: Attempt) -> None:
    with phase():
        emit(
            practice_id=attempt.practice_id,
            kind="payments.receipt_wanted",
            dedupe=f"receipt_wanted:{attempt.id}",
            payload={"attempt_id": str(attempt.id)},
        )


def _ask_about_refund(review: Review) -> None:
    """Whatever the processor says settles it; nothing clear leaves it as it is, and counted as under way."""
    refund = find_refund_given_up(review)
    if refund is None:
        return
    processor = processor_accounts.make_processor(refund.attempt.processor_account)
    told = processor.look_up_refund(refund_order(refund, refund.attempt))
    if settle_refund(refund_id=refund.id, told=told, said=RefundSaid.LOOK_UP).state == RefundState.IN_REVIEW:
        raise errors.refund_still_unknown()


def _look_up(attempt: Attempt) -> Outcome:
    """The truth, settled first as any other: money that moved lies in suspense afterwards."""
    attempt = Attempt.objects.select_related("processor_account").get(pk=attempt.pk)
    processor = processor_accounts.make_processor(attempt.processor_account)
    order = charge_order(attempt)
    truth = processor.look_up(order)
    if truth.verdict is Verdict.NEEDS_ACTION:
        processor.cancel(order)
        truth = processor.look_up(order)
    settle_answers(attempt_id=attempt.id, answers=[Answer(truth, "read")])
    return truth


def _refuse_unless_dead(truth: Outcome) -> None:
    """No money moved, or all of it went back at the processor, by refunds or by a dispute that was lost."""
    if truth.verdict is Verdict.SUCCEEDED and not booking.is_all_returned(truth):
        raise errors.money_moved()
    if truth.verdict is Verdict.SUCCEEDED:
        return
    if truth.verdict not in _DEAD:
        raise errors.may_still_move()
