"""Credit paid out above the practice's amount: one person asks, another decides, and only then it is entered."""

from __future__ import annotations

from datetime import timedelta
from typing import Final
from uuid import UUID

from django.db.models import Exists, OuterRef, Q, QuerySet

from paywell.accounts.models import Role
from paywell.accounts.types import Permission, StaffViewer
from paywell.audit.actions import record
from paywell.billing import errors
from paywell.billing.entries import EntryForm, clean_form, get_credit, make_entry, one_line
from paywell.billing.models import Entry, EntryKind, Method, PayOutRequest
from paywell.clients.models import BillingAccount
from paywell.core import clock
from paywell.core.db import lock, phase
from paywell.core.errors import NotAllowed, NotFoundForViewer
from paywell.core.money import Money
from paywell.core.security_log import access_refused

#: After it nobody's word pays anything out any more; it can be asked for again. As for refunds.
VALID: Final = timedelta(days=7)


def request_pay_out(*, viewer: StaffViewer, account: BillingAccount, form: EntryForm) -> PayOutRequest:
    """Ask for it. The same form again gives the same request. Raises UserError as `make_entry` does."""
    if not viewer.may(Permission.REFUND):
        raise NotAllowed
    if account.practice_id != viewer.practice.id:
        raise NotFoundForViewer
    on = clean_form(viewer, account, form)
    now = clock.now()
    with phase():
        account = lock(BillingAccount.objects.filter(practice=viewer.practice, pk=account.pk)).get()
        before = PayOutRequest.objects.filter(pk=form.entry_id).first()
        if before is not None:
            if (before.account_id, before.amount_minor) != (account.id, form.amount.minor):
                raise errors.form_reused()
            return before
        credit = get_credit(account)
        if form.amount > credit:
            raise errors.above_credit(credit)
        row = PayOutRequest.objects.create(
            id=form.entry_id, practice=viewer.practice, account=account, amount_minor=form.amount.minor,
            currency=form.amount.currency, method=form.method or Method.CHECK,
            reference=one_line(form.reference, 40), on=on, reason=one_line(form.reason, 200),
            requested_by_id=viewer.id, requested_at=now, expires_at=now + VALID,
        )  # fmt: skip
        _tell(row, viewer, "billing.request_pay_out")
    return row


def decide_pay_out(*, viewer: StaffViewer, request: PayOutRequest, is_approved: bool) -> Entry | None:
    """Another person's word; once approved, it is entered. None where it was declined.

    Whoever asked may only take it back. Raises UserError `own_request`, `request_over`; and what `make_entry` does
    (credit that was used meanwhile): then it stays approved and can be entered while its week lasts.
    """
    if not viewer.may(Permission.REFUND):
        raise NotAllowed
    with phase():
        row = lock(PayOutRequest.objects.filter(practice=viewer.practice, pk=request.pk)).first()
        if row is None:
            raise NotFoundForViewer
        if row.is_approved is None:
            _decide(row, viewer, is_approved)
        elif row.is_approved is not is_approved:
            raise errors.request_over()
    if not is_approved:
        return None
    return make_entry(viewer=viewer, account=request.account, form=_form_of(row))


def list_open_pay_outs(viewer: StaffViewer) -> QuerySet[PayOutRequest]:
    """What waits for a second person: neither decided nor expired, nor entered."""
    rows = PayOutRequest.objects.filter(practice=viewer.practice, expires_at__gt=clock.now())
    made = Exists(Entry.objects.filter(practice=viewer.practice, pk=OuterRef("pk")))
    rows = rows.filter(Q(is_approved=None) | Q(is_approved=True) & ~Q(made))
    return rows.select_related("account", "requested_by").order_by("requested_at", "id")


def get_pay_out_stage(request: PayOutRequest) -> str:
    """Where a request stands: "made" once its entry exists, "declined", "over" after its week, else "open"."""
    if Entry.objects.filter(practice_id=request.practice_id, pk=request.pk).exists():
        return "made"
    if request.is_approved is False:
        return "declined"
    return "over" if request.expires_at <= clock.now() else "open"


def access_pay_out(viewer: StaffViewer, pay_out_id: UUID) -> PayOutRequest:
    """One of the practice's, for whoever may refund. Raises NotFoundForViewer, with a security log line."""
    rows = PayOutRequest.objects.filter(practice=viewer.practice, id=pay_out_id)
    row = rows.select_related("account", "requested_by", "decided_by").first()
    if row is None or not viewer.may(Permission.REFUND) or viewer.role is Role.CLINICIAN:
        access_refused(viewer=viewer, kind="pay-out", target=pay_out_id, reason="not theirs")
        raise NotFoundForViewer
    return row


def _decide(row: PayOutRequest, viewer: StaffViewer, is_approved: bool) -> None:
    if row.expires_at <= clock.now():
        raise errors.request_over()
    if is_approved and row.requested_by_id == viewer.id:
        raise errors.own_request()
    row.is_approved, row.decided_by_id, row.decided_at = is_approved, viewer.id, clock.now()
    row.save(update_fields=["is_approved", "decided_by", "decided_at"])
    _tell(row, viewer, "billing.approve_pay_out" if is_approved else "billing.decline_pay_out")


def _form_of(row: PayOutRequest) -> EntryForm:
    return EntryForm(
        entry_id=row.id, kind=EntryKind.CREDIT_OUT, amount=Money(row.amount_minor, row.currency), on=row.on,
        method=Method(row.method), reference=row.reference, reason=row.reason,
    )  # fmt: skip


def _tell(row: PayOutRequest, viewer: StaffViewer, action: str) -> None:
    record(practice_id=row.practice_id, actor_id=viewer.id, action=action, target_kind="pay_out", target_id=row.id)
