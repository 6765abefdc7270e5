"""Receipts are issued when the money moved, whether or not anybody opens them."""

from __future__ import annotations

from uuid import UUID

from paywell.billing.models import Entry
from paywell.core.prepared import Prepared
from paywell.documents.receipts import issue_hand_receipt, issue_receipt, issue_refund_receipt
from paywell.outbox.models import OutboxEvent
from paywell.payments.models import Attempt, AttemptState, Refund, RefundState

_ATTEMPT = Prepared(
    lambda practice, attempt: Attempt.objects.select_related(
        "practice", "account", "contact", "processor_account"
    ).filter(practice_id=practice, id=attempt)
)


def on_payment_succeeded(event: OutboxEvent) -> None:
    attempt = _ATTEMPT.first(practice=event.practice_id, attempt=UUID(event.payload["attempt_id"]))
    if attempt is not None and attempt.state == AttemptState.SUCCEEDED:
        issue_receipt(attempt)


def on_refund_done(event: OutboxEvent) -> None:
    rows = Refund.objects.select_related(
        "practice", "attempt__practice", "attempt__account", "attempt__contact", "attempt__processor_account"
    )
    refund = rows.filter(practice_id=event.practice_id, id=event.payload["refund_id"]).first()
    if refund is not None and refund.state == RefundState.DONE:
        issue_refund_receipt(refund)


def on_payment_recorded(event: OutboxEvent) -> None:
    rows = Entry.objects.select_related("practice", "account")
    entry = rows.filter(practice_id=event.practice_id, id=event.payload["entry_id"]).first()
    if entry is not None:
        issue_hand_receipt(entry)


HANDLERS = {
    "billing.payment_recorded": on_payment_recorded,
    "payments.payment_succeeded": on_payment_succeeded,
    "payments.refund_done": on_refund_done,
}
