"""Making entries by hand and undoing them: the one place that writes `Entry`."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Final
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db.models import Sum

from paywell.accounts.types import Permission, StaffViewer
from paywell.audit.actions import record
from paywell.billing import booking, errors
from paywell.billing.allocate import Shares, allocate
from paywell.billing.limits import may_be_taken_back, may_go_out
from paywell.billing.models import MONEY_IN, OF_INSURER, Entry, EntryKind, EntryLine, Method
from paywell.care.models import Service
from paywell.clients.models import BillingAccount
from paywell.core import clock
from paywell.core.clock import business_date
from paywell.core.db import lock, phase
from paywell.core.errors import NotAllowed, NotFoundForViewer
from paywell.core.money import MAX_MINOR, Money
from paywell.invoicing.models import InvoiceLine
from paywell.ledger.models import AccountKind
from paywell.ledger.queries import get_account_balance, get_line_balances
from paywell.outbox.actions import emit

#: What each kind needs.
NEEDS: dict[EntryKind, Permission] = {
    EntryKind.PAYMENT: Permission.TAKE_PAYMENTS,
    EntryKind.CREDIT_USED: Permission.TAKE_PAYMENTS,
    EntryKind.CREDIT_OUT: Permission.REFUND,
    EntryKind.ADJUSTMENT: Permission.ISSUE_INVOICES,
    EntryKind.WRITE_OFF: Permission.ISSUE_INVOICES,
    EntryKind.INSURER_PAYMENT: Permission.ISSUE_INVOICES,
    EntryKind.INSURER_ADJUSTMENT: Permission.ISSUE_INVOICES,
    EntryKind.INSURER_TO_CLIENT: Permission.ISSUE_INVOICES,
}
#: The hour at which an entry stands in lists, if it was entered on a later day than its own.
_NOON: Final = time(12)
_CARD_NUMBER = re.compile(r"[0-9](?:[ -]?[0-9]){11,}")


@dataclass(frozen=True, slots=True)
class EntryForm:
    """What the desk's form said. `line_ids` empty: the oldest first. `entry_id` was made with the form."""

    entry_id: UUID
    kind: EntryKind
    amount: Money
    on: date | None = None  #: today at the practice unless given
    line_ids: tuple[UUID, ...] = ()
    method: Method | None = None
    reference: str = ""
    note: str = ""
    reason: str = ""
    service_id: UUID | None = None


def make_entry(*, viewer: StaffViewer, account: BillingAccount, form: EntryForm) -> Entry:
    """Enter it: row, lines, transfers, audit, in one transaction. The same form again gives the same entry.

    Raises NotAllowed for a role that may not, NotFoundForViewer for lines or a service of somebody else,
    UserError (codes in `billing.errors`); then nothing was entered. Above the practice's amount, credit goes out
    only by a request that somebody else approved (`billing.pay_outs`): the entry's id is the request's.
    """
    if not viewer.may(NEEDS[form.kind]):
        raise NotAllowed
    if account.practice_id != viewer.practice.id:
        raise NotFoundForViewer
    on = clean_form(viewer, account, form)
    with phase():
        account = lock(BillingAccount.objects.filter(practice=viewer.practice, pk=account.pk)).get()
        before = Entry.objects.filter(pk=form.entry_id).first()
        if before is not None:
            return _same_or_refused(before, account, form)
        if form.kind is EntryKind.CREDIT_OUT and not may_go_out(account, form.amount, form.entry_id):
            raise errors.needs_approval()
        shares = _get_shares(account, form)
        now = clock.now()
        entry = Entry.objects.create(
            id=form.entry_id,
            practice=viewer.practice,
            account=account,
            kind=form.kind,
            method=form.method or "",
            reference=one_line(form.reference, 40),
            amount_minor=form.amount.minor,
            currency=form.amount.currency,
            on=on,
            note=form.note.replace("\x00", "").strip()[:500],
            reason=one_line(form.reason, 200),
            service_id=form.service_id,
            at=get_moment(on, now, viewer.practice.timezone),
            recorded_at=now,
            actor_id=viewer.id,
        )
        EntryLine.objects.bulk_create(
            EntryLine(practice=viewer.practice, entry=entry, line_id=line_id, amount_minor=part.minor)
            for line_id, part in shares
        )
        booking.book_entry(entry, shares)
        _tell(entry, viewer, f"billing.enter_{form.kind}")
        if form.kind is EntryKind.PAYMENT:
            emit(
                practice_id=entry.practice_id,
                kind="billing.payment_recorded",
                dedupe=f"payment_recorded:{entry.id}",
                payload={"entry_id": str(entry.id)},
            )
    return entry


def reverse_entry(*, viewer: StaffViewer, entry: Entry, reason: str) -> Entry:
    """Undo an entry by reverse transfers. Undoing it twice is refused (`already_reversed`).

    Above the practice's amount a payment, a client's or an insurer's, is undone only once somebody else approved it
    (`billing.take_backs`).
    Raises UserError `reason_missing`, `credit_is_used`, `already_paid`, `needs_approval`; NotAllowed,
    NotFoundForViewer.
    """
    needed = {NEEDS[EntryKind(entry.kind)]} | ({Permission.REFUND} if entry.kind in MONEY_IN else set())
    if not all(viewer.may(permission) for permission in needed):
        raise NotAllowed
    reason = one_line(reason, 200)
    if not reason:
        raise errors.reason_missing()
    with phase():
        account = lock(BillingAccount.objects.filter(practice=viewer.practice, pk=entry.account_id)).first()
        row = lock(Entry.objects.filter(practice=viewer.practice, pk=entry.pk)).first()
        if row is None or account is None:
            raise NotFoundForViewer
        if row.reversed_at is not None:
            raise errors.already_reversed()
        if not may_be_taken_back(row):
            raise errors.needs_approval_to_take_back()
        _refuse_reverse(account, row)
        booking.book_reverse(row, reason, viewer.id)
        row.reversed_at, row.reversed_by_id, row.reverse_reason = clock.now(), viewer.id, reason
        row.save(update_fields=["reversed_at", "reversed_by", "reverse_reason"])
        _tell(row, viewer, f"billing.reverse_{row.kind}")
    return row


def get_moment(on: date, recorded_at: datetime, zone: str) -> datetime:
    """When an entry of the day `on` took place by the practice's clock: as it was entered, else noon of the day."""
    return recorded_at if business_date(recorded_at, zone) == on else datetime.combine(on, _NOON, ZoneInfo(zone))


def get_credit(account: BillingAccount) -> Money:
    """The account's client credit, summed from the transfers. Never below zero."""
    balance = get_account_balance(
        practice_id=account.practice_id,
        kind=AccountKind.CLIENT_CREDIT,
        owner_id=account.id,
        currency=account.currency,
    )
    return Money(max(-balance, 0), account.currency)


def get_insurer_left(service: Service) -> Money:
    """What is still open of the insurer's part: the part less every entry about it that stands."""
    entered = Entry.objects.filter(
        practice_id=service.practice_id, service=service, kind__in=OF_INSURER, reversed_at=None
    ).aggregate(total=Sum("amount_minor"))["total"]
    return Money(service.insurer_minor - (entered or 0), service.currency)


def list_insurer_answers(service: Service) -> list[Entry]:
    """What was entered of the insurer's part, also what was taken back, the oldest first."""
    rows = Entry.objects.filter(practice_id=service.practice_id, service=service, kind__in=OF_INSURER)
    return list(rows.order_by("recorded_at", "id"))


def has_insurer_answer(service_ids: Collection[UUID]) -> bool:
    """Whether an entry about the insurer's part of any of the services stands. Asked by care before an edit."""
    return Entry.objects.filter(service_id__in=service_ids, kind__in=OF_INSURER, reversed_at=None).exists()


def clean_form(viewer: StaffViewer, account: BillingAccount, form: EntryForm) -> date:
    """What can be refused without looking at a balance. Gives the entry's day."""
    if form.amount.currency != account.currency:
        raise errors.other_currency(account.currency)
    if form.amount.minor <= 0:
        raise errors.amount_zero()
    if form.amount.minor > MAX_MINOR:
        raise errors.amount_too_large()
    if form.kind is not EntryKind.PAYMENT and not form.reason.strip():
        raise errors.reason_missing()
    refuse_card_number(form.reference)
    today = business_date(clock.now(), viewer.practice.timezone)
    if form.on is not None and form.on > today:
        raise errors.day_ahead()
    return form.on or today


def refuse_card_number(reference: str) -> None:
    """Raises UserError `card_number`: a number as long as a card's is kept nowhere."""
    if _CARD_NUMBER.search(reference):
        raise errors.card_number()


def _same_or_refused(before: Entry, account: BillingAccount, form: EntryForm) -> Entry:
    stands = (before.practice_id, before.account_id, before.kind, before.amount_minor, before.service_id)
    asked = (account.practice_id, account.id, form.kind.value, form.amount.minor, form.service_id)
    if stands != asked:
        raise errors.form_reused()
    return before


def _get_shares(account: BillingAccount, form: EntryForm) -> Shares:
    """The lines with their parts, and every limit of the kind. The account is held."""
    if form.kind in OF_INSURER:
        return _get_insurer_shares(account, form)
    credit = get_credit(account)
    if form.kind in (EntryKind.CREDIT_USED, EntryKind.CREDIT_OUT) and form.amount > credit:
        raise errors.above_credit(credit)
    if form.kind is EntryKind.CREDIT_OUT:
        return []
    shares, left = allocate(account, form.amount, form.line_ids)
    if left and form.kind is not EntryKind.PAYMENT:
        if not shares:
            raise errors.nothing_owed()
        raise errors.above_owed(form.amount - left)
    return shares


def _get_insurer_shares(account: BillingAccount, form: EntryForm) -> Shares:
    service = Service.objects.filter(practice_id=account.practice_id, id__in=[form.service_id]).first()
    if service is None:
        raise NotFoundForViewer
    left = get_insurer_left(service)
    if form.amount > left:
        raise errors.above_insurer(left)
    if form.kind is not EntryKind.INSURER_TO_CLIENT:
        return []
    line = InvoiceLine.objects.filter(
        practice_id=account.practice_id, account=account, service=service, voided_at=None
    ).first()
    if line is None:
        raise errors.not_invoiced()
    return [(line.id, form.amount)]


def _refuse_reverse(account: BillingAccount, entry: Entry) -> None:
    rows = booking.get_transfers(entry)
    to_credit = sum(row.amount_minor for row in rows if row.credit.kind == AccountKind.CLIENT_CREDIT)
    if to_credit > get_credit(account).minor:
        raise errors.credit_is_used()
    added = {
        row.line_id: row.amount_minor for row in rows if row.debit.kind == AccountKind.RECEIVABLE and row.line_id
    }
    owed = get_line_balances(practice_id=entry.practice_id, line_ids=list(added))
    if any(owed.get(line_id, 0) < minor for line_id, minor in added.items()):
        raise errors.already_paid()
    # A payment that holds the line counts on what is owed now.
    if added:
        allocate(account, Money(sum(added.values()), entry.currency), list(added))


def one_line(text: str, length: int) -> str:
    """Without line breaks and doubled blanks, cut to `length` characters."""
    return " ".join(text.replace("\x00", "").split())[:length]


def _tell(entry: Entry, viewer: StaffViewer, action: str) -> None:
    record(
        practice_id=entry.practice_id, actor_id=viewer.id, action=action, target_kind="entry", target_id=entry.id
    )
