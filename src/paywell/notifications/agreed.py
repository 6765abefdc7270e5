"""E-mails about what a client asked, agreed to or is offered: that something waits, and where; nothing more."""

from __future__ import annotations

from collections.abc import Callable

from paywell.agreements.models import Agreement, Charge, ChargeState, Plan
from paywell.billing.models import Entry, Question
from paywell.clients.access import access_portal
from paywell.clients.models import BillingAccount, Contact
from paywell.core.errors import NotFoundForViewer
from paywell.invoicing.models import InvoiceLine
from paywell.notifications import messages, recipients
from paywell.notifications.outside import mail_receipt_outside
from paywell.notifications.recipients import Recipient
from paywell.notifications.send import Mail, send_all
from paywell.outbox.models import OutboxEvent


def on_charge_ahead(event: OutboxEvent) -> None:
    """The day before a charge by AutoPay or a plan. Nothing is charged without it."""
    charge = _get_charge(event)
    if charge is None or charge.closed_at is not None:
        return
    send_all(
        event,
        charge.practice,
        [Mail(to, messages.charge_ahead(charge.practice)) for to in _payer(charge.agreement)],
    )


def on_charge_failed(event: OutboxEvent) -> None:
    charge = _get_charge(event)
    if charge is None:
        return
    mails = [Mail(to, messages.charge_failed(charge.practice)) for to in _payer(charge.agreement)]
    news = messages.review_opened(charge.practice)
    mails += [Mail(to, news) for to in recipients.get_billing_staff(charge.practice)]
    send_all(event, charge.practice, mails)


def on_charge_skipped(event: OutboxEvent) -> None:
    """Whoever expected a charge hears that it was not made; not who stopped it, nor who has no access any more."""
    charge = _get_charge(event)
    if charge is None or charge.state != ChargeState.SKIPPED:
        return
    agreement = charge.agreement
    is_own_doing = agreement.user_id in (agreement.held_by_id, agreement.ended_by_id)
    people = [] if is_own_doing or not _may_open(agreement) else _payer(agreement)
    send_all(event, charge.practice, [Mail(to, messages.charge_skipped(charge.practice)) for to in people])


def on_plan_offered(event: OutboxEvent) -> None:
    plan = Plan.objects.select_related("practice", "account").filter(
        practice_id=event.practice_id, id=event.payload["plan_id"], withdrawn_at=None
    ).first()  # fmt: skip
    if plan is not None:
        message = messages.plan_offered(plan.practice)
        send_all(event, plan.practice, [Mail(to, message) for to in recipients.get_account_readers(plan.account)])


def on_payment_recorded(event: OutboxEvent) -> None:
    """A payment by hand has a receipt like any other."""
    entry = Entry.objects.select_related("practice", "account__practice").filter(
        practice_id=event.practice_id, id=event.payload["entry_id"], reversed_at=None
    ).first()  # fmt: skip
    if entry is not None:
        message = messages.receipt_waits(entry.practice)
        mails = [Mail(to, message) for to in recipients.get_account_readers(entry.account)]
        lines = list(InvoiceLine.objects.filter(practice=entry.practice_id, entry_lines__entry=entry))
        send_all(event, entry.practice, mails + mail_receipt_outside(entry.account, lines))


def on_question_asked(event: OutboxEvent) -> None:
    question = _get_question(event)
    if question is not None and question.answered_at is None:
        message = messages.question_asked(question.practice)
        staff = recipients.get_billing_staff(question.practice)
        send_all(event, question.practice, [Mail(to, message) for to in staff])


def on_question_answered(event: OutboxEvent) -> None:
    question = _get_question(event)
    if question is not None:
        message = messages.question_answered(question.practice)
        people = recipients.get_contact(question.contact, [question.line.client_id])
        send_all(event, question.practice, [Mail(to, message) for to in people])


HANDLERS: dict[str, Callable[[OutboxEvent], None]] = {
    "agreements.charge_ahead": on_charge_ahead,
    "agreements.charge_failed": on_charge_failed,
    "agreements.charge_skipped": on_charge_skipped,
    "agreements.plan_offered": on_plan_offered,
    "billing.payment_recorded": on_payment_recorded,
    "billing.question_answered": on_question_answered,
    "billing.question_asked": on_question_asked,
}


def _payer(agreement: Agreement) -> list[Recipient]:
    contact: Contact = agreement.contact
    account: BillingAccount = agreement.account
    return recipients.get_contact(contact, list(account.clients.values_list("id", flat=True)))


def _may_open(agreement: Agreement) -> bool:
    """Whether the payer still has access to the account on which they would read more."""
    try:
        access_portal(agreement.user, agreement.account_id)
    except NotFoundForViewer:
        return False
    return True


def _get_charge(event: OutboxEvent) -> Charge | None:
    rows = Charge.objects.select_related(
        "practice", "agreement__contact__user", "agreement__account", "agreement__user"
    )
    return rows.filter(practice_id=event.practice_id, id=event.payload["charge_id"]).first()


def _get_question(event: OutboxEvent) -> Question | None:
    rows = Question.objects.select_related("practice", "contact__user", "line")
    return rows.filter(practice_id=event.practice_id, id=event.payload["question_id"]).first()
