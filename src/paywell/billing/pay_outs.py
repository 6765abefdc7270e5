"""Credit paid out above the practice's amount: one person asks, another decides, and only then it is entered."""

from __future__ import annotations

from uuid import UUID

from django.db.models import QuerySet

from paywell.accounts.types import StaffViewer
from paywell.billing import errors, second_person
from paywell.billing.entries import EntryForm, clean_form, get_credit, make_entry, one_line
from paywell.billing.limits import PAY_OUT
from paywell.billing.models import Entry, EntryKind, Method, PayOutRequest
from paywell.clients.models import BillingAccount
from paywell.core.db import lock, phase
from paywell.core.money import Money


def request_pay_out(*, viewer: StaffViewer, account: BillingAccount, form: EntryForm) -> PayOutRequest:
    """Ask for it. The same form again gives the same request. Raises UserError as `make_entry` does."""
    second_person.refuse_unless_refunding(viewer, account.practice_id)
    on = clean_form(viewer, account, form)
    with phase():
        account = lock(BillingAccount.objects.filter(practice=viewer.practice, pk=account.pk)).get()
        before = second_person.find_asked(PAY_OUT, form.entry_id, account.id, form.amount)
        if before is not None:
            return before
        credit = get_credit(account)
        if form.amount > credit:
            raise errors.above_credit(credit)
        return second_person.ask(
            PAY_OUT, viewer, form.entry_id, form.amount, one_line(form.reason, 200), account=account,
            method=form.method or Method.CHECK, reference=one_line(form.reference, 40), on=on,
        )  # fmt: skip


def decide_pay_out(*, viewer: StaffViewer, request: PayOutRequest, is_approved: bool) -> Entry | None:
    """Another person's word; once approved, it is entered. None where it was declined.

    Whoever asked may only take it back. Raises UserError `own_request`, `request_over`; and what `make_entry` does
    (credit that was used meanwhile): then it stays approved and can be entered while its week lasts.
    """
    row = second_person.decide(PAY_OUT, viewer, request, is_approved=is_approved)
    if not is_approved:
        return None
    return make_entry(viewer=viewer, account=request.account, form=_form_of(row))


def list_open_pay_outs(viewer: StaffViewer) -> QuerySet[PayOutRequest]:
    """What waits for a second person: neither decided nor expired, nor entered."""
    return second_person.list_open(PAY_OUT, viewer)


def get_pay_out_stage(request: PayOutRequest) -> str:
    """Where a request stands, see `second_person.get_stage`."""
    return second_person.get_stage(PAY_OUT, request)


def access_pay_out(viewer: StaffViewer, pay_out_id: UUID) -> PayOutRequest:
    """One of the practice's, for whoever may refund. Raises NotFoundForViewer, with a security log line."""
    return second_person.access(PAY_OUT, viewer, pay_out_id)


def _form_of(row: PayOutRequest) -> EntryForm:
    return EntryForm(
        entry_id=row.id, kind=EntryKind.CREDIT_OUT, amount=Money(row.amount_minor, row.currency), on=row.on,
        method=Method(row.method), reference=row.reference, reason=row.reason,
    )  # fmt: skip
