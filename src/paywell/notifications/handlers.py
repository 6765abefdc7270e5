"""One handler for each kind of event that somebody hears of by e-mail. `payments.payment_declined` is none of them:
the person saw the answer on the screen, and an e-mail of it would say more than it should."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

from paywell.accounts.models import Invitation
from paywell.clients.models import Contact
from paywell.core.prepared import Prepared
from paywell.documents.models import IssuedDocument
from paywell.invoicing.models import Invoice, InvoiceLine
from paywell.ledger.queries import get_line_balances
from paywell.notifications import messages, recipients
from paywell.notifications.outside import mail_outside, mail_receipt_outside, mail_refund_outside, or_tell_desk
from paywell.notifications.send import Mail, send_all
from paywell.outbox.models import OutboxEvent
from paywell.payments.models import Attempt, Channel, PayLink, Review

#: What was paid outside the practice's own desk is news to staff.
_FROM_OUTSIDE = (Channel.PORTAL, Channel.LINK)

_ATTEMPT = Prepared(
    lambda practice, attempt: Attempt.objects.select_related(
        "practice", "contact__user", "account__practice", "pay_link__invoice"
    ).filter(practice_id=practice, id=attempt)
)


def on_invitation_created(event: OutboxEvent) -> None:
    invitation = (
        Invitation.objects.select_related("practice")
        .filter(practice_id=event.practice_id, id=event.payload["invitation_id"])
        .first()
    )
    if invitation is None:
        return
    invited = recipients.get_invited(invitation)
    message = messages.invitation(invitation.practice, invitation)
    send_all(event, invitation.practice, [Mail(to, message) for to in invited])


def on_invoice_issued(event: OutboxEvent) -> None:
    invoice = (
        Invoice.objects.select_related("practice", "account__practice")
        .filter(practice_id=event.practice_id, id=event.payload["invoice_id"])
        .first()
    )
    if invoice is None:
        return
    if invoice.voided_at is not None:
        send_all(event, invoice.practice, [])
        return
    message = messages.invoice_issued(invoice.practice)
    mails = [Mail(to, message) for to in recipients.get_invoice_readers(invoice)]
    lines = find_owed_lines(invoice)
    if lines:
        mails += mail_outside(invoice.account, lines, "invoice_link")
        mails = or_tell_desk(invoice.account, mails, message)
    send_all(event, invoice.practice, mails)


def on_document_issued(event: OutboxEvent) -> None:
    """Staff issued a superbill, a statement or an estimate: that something waits, never what."""
    row = (
        IssuedDocument.objects.select_related("practice", "account__practice")
        .filter(practice_id=event.practice_id, id=event.payload["document_id"])
        .first()
    )
    if row is not None:
        message = messages.invoice_issued(row.practice)
        send_all(event, row.practice, [Mail(to, message) for to in recipients.get_document_readers(row)])


def on_pay_links_sent(event: OutboxEvent) -> None:
    """What was revoked or paid meanwhile is left out; with nothing left nothing is sent."""
    contact = (
        Contact.objects.select_related("practice", "user")
        .filter(practice_id=event.practice_id, id=event.payload["contact_id"])
        .first()
    )
    wanted = event.payload["link_ids"].split(",")
    links = list(
        PayLink.objects.filter(
            practice_id=event.practice_id, id__in=wanted, revoked_at=None, invoice__voided_at=None
        ).order_by("invoice__issued_on", "id")
    )
    if contact is None or not links:
        return
    message = messages.pay_links(contact.practice, links)
    send_all(event, contact.practice, [Mail(recipients.get_link_reader(contact, links), message)])


def on_payment_succeeded(event: OutboxEvent) -> None:
    """A payment that a restore has rebuilt is left out: its receipt may have gone out before; staff decide."""
    attempt = _get_attempt(event)
    if attempt is None or "rebuilt" in event.payload:
        return
    receipt, news = messages.receipt_waits(attempt.practice), messages.payment_came_in(attempt.practice)
    mails = [Mail(to, receipt) for to in recipients.get_payer(attempt)]
    if attempt.channel == Channel.LINK:
        lines, clients = _paid_lines(attempt)
        mails += [Mail(to, receipt) for to in recipients.get_payers(attempt.account, clients)]
        mails += mail_receipt_outside(attempt.account, lines, attempt.pay_link)
    if attempt.channel in _FROM_OUTSIDE:
        mails += [Mail(to, news) for to in recipients.get_assigned_staff(attempt)]
    send_all(event, attempt.practice, mails)


def on_receipt_wanted(event: OutboxEvent) -> None:
    """Staff want the payer of a rebuilt payment to hear of its receipt, perhaps once more."""
    attempt = _get_attempt(event)
    if attempt is not None:
        message = messages.receipt_waits(attempt.practice)
        send_all(event, attempt.practice, [Mail(to, message) for to in recipients.get_payer(attempt)])


def on_refund_done(event: OutboxEvent) -> None:
    attempt = _get_attempt(event)
    if attempt is None or "rebuilt" in event.payload:
        return
    message = messages.refund_made(attempt.practice)
    mails = [Mail(to, message) for to in recipients.get_payer(attempt)]
    if attempt.channel == Channel.LINK:
        lines, clients = _paid_lines(attempt)
        mails += [Mail(to, message) for to in recipients.get_payers(attempt.account, clients)]
        mails += mail_refund_outside(attempt, lines)
    send_all(event, attempt.practice, mails)


def on_review_opened(event: OutboxEvent) -> None:
    review = (
        Review.objects.select_related("practice")
        .filter(practice_id=event.practice_id, id=event.payload["review_id"])
        .first()
    )
    if review is None:
        return
    staff = recipients.get_billing_staff(review.practice) if review.closed_at is None else []
    message = messages.review_opened(review.practice)
    send_all(event, review.practice, [Mail(to, message) for to in staff])


#: Every kind that mails somebody.
HANDLERS: dict[str, Callable[[OutboxEvent], None]] = {
    "accounts.invitation_created": on_invitation_created,
    "documents.document_issued": on_document_issued,
    "invoicing.invoice_issued": on_invoice_issued,
    "payments.pay_links_sent": on_pay_links_sent,
    "payments.payment_succeeded": on_payment_succeeded,
    "payments.receipt_wanted": on_receipt_wanted,
    "payments.refund_done": on_refund_done,
    "payments.review_opened": on_review_opened,
}


def find_owed_lines(invoice: Invoice) -> list[InvoiceLine]:
    """Its lines on which something is owed, summed from the ledger."""
    lines = list(InvoiceLine.objects.filter(practice=invoice.practice_id, invoice=invoice, voided_at=None))
    owed = get_line_balances(practice_id=invoice.practice_id, line_ids=[line.id for line in lines])
    return [line for line in lines if owed.get(line.id, 0) > 0]


def _paid_lines(attempt: Attempt) -> tuple[list[InvoiceLine], set[UUID]]:
    """What the payment was for, and for which clients. Of one by link: nobody in particular made it."""
    lines = list(InvoiceLine.objects.filter(practice=attempt.practice_id, attempt_lines__attempt=attempt))
    return lines, {line.client_id for line in lines}


def _get_attempt(event: OutboxEvent) -> Attempt | None:
    return _ATTEMPT.first(practice=event.practice_id, attempt=UUID(event.payload["attempt_id"]))
