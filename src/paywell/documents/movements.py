"""What the ledger says of one billing account over a time, as documents tell of it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db.models import Q

from paywell.clients.models import BillingAccount
from paywell.core import clock
from paywell.core.db import apart
from paywell.core.errors import UserError
from paywell.documents.types import Entry as EntryKind
from paywell.invoicing.models import InvoiceLine
from paywell.ledger.models import AccountKind, LedgerAccount, Transfer
from paywell.payments.models import Attempt
from paywell.practice.models import Practice

#: What an account owes, less what it has to its credit, is its balance.
OF_ACCOUNT = (AccountKind.RECEIVABLE, AccountKind.CLIENT_CREDIT)
#: The other sides that are no money received: what was charged, and what was forgiven.
NOT_MONEY = (AccountKind.INCOME, AccountKind.WRITE_OFF, AccountKind.ADJUSTMENT, *OF_ACCOUNT)


@dataclass(frozen=True, slots=True)
class Movement:
    """One transfer as seen from the account. Above zero: more is owed."""

    at: datetime  #: when it was booked
    on: date  #: the day on which it counts: money by hand may have been booked later
    source: str
    line_id: UUID | None
    delta_minor: int  #: of the balance; 0 where credit was only applied to a line, or taken off it
    applied_minor: int  #: how much credit went to the line
    owed_minor: int  #: of what is owed alone, without the credit on account
    other: AccountKind  #: what stands on the other side

    @property
    def is_money(self) -> bool:
        return self.other not in NOT_MONEY

    @property
    def entry(self) -> EntryKind:
        if self.other == AccountKind.INCOME:
            return EntryKind.CHARGE if self.delta_minor > 0 else EntryKind.VOID
        if self.other in (AccountKind.WRITE_OFF, AccountKind.ADJUSTMENT):
            return EntryKind.ADJUSTMENT
        if not self.is_money:
            return EntryKind.CREDIT
        return EntryKind.PAYMENT if self.delta_minor < 0 else EntryKind.REFUND


@dataclass(frozen=True, slots=True)
class Period:
    """Days, both included, and the moments at which they begin and are over at the practice."""

    first: date
    last: date
    since: datetime
    until: datetime


def get_period(practice: Practice, first: date, last: date) -> Period:
    """Raises UserError `range_invalid`, `range_ahead`, `range_too_long`."""
    if last < first:
        raise UserError("The range ends before it begins.", code="range_invalid", field="date_to")
    if last > clock.business_date(clock.now(), practice.timezone):
        raise UserError("Choose a range that ends today or earlier.", code="range_ahead", field="date_to")
    if last - first > timedelta(days=1100):
        raise UserError("Choose at most three years.", code="range_too_long", field="date_from")
    zone = ZoneInfo(practice.timezone)
    return Period(
        first,
        last,
        datetime.combine(first, time.min, zone),
        datetime.combine(last + timedelta(days=1), time.min, zone),
    )


@dataclass(slots=True)
class History:
    """All that was booked on one billing account until a moment, in the order in which it was booked."""

    movements: list[Movement] = field(default_factory=list)

    def since(self, moment: datetime) -> list[Movement]:
        return [each for each in self.movements if each.at >= moment]

    def balance_at(self, moment: datetime) -> int:
        """What the account owed, in minor units; below zero: credit."""
        return sum(each.delta_minor for each in self.movements if each.at < moment)

    def credit(self) -> int:
        """Credit on account that was not used at the end, in minor units."""
        return sum(each.owed_minor - each.delta_minor for each in self.movements)

    def open_lines(self) -> dict[UUID, int]:
        """What was owed on each invoice line at the end; lines on which nothing was are left out."""
        sums: dict[UUID, int] = {}
        for each in self.movements:
            if each.line_id:
                sums[each.line_id] = sums.get(each.line_id, 0) + each.owed_minor
        return {line_id: owed for line_id, owed in sums.items() if owed}


def get_histories(practice: Practice, accounts: Iterable[BillingAccount], until: datetime) -> dict[UUID, History]:
    """Each account's history, by its id. Two queries, however many there are."""
    currencies = {account.id: account.currency for account in accounts}
    found = LedgerAccount.objects.filter(practice_id=practice.id, owner_id__in=currencies, kind__in=OF_ACCOUNT)
    ours = {
        row_id: (owner_id, AccountKind(kind))
        for row_id, owner_id, kind, currency in found.values_list("id", "owner_id", "kind", "currency")
        if owner_id and currency == currencies[owner_id]
    }
    histories = {account_id: History() for account_id in currencies}
    rows = (
        Transfer.objects.alias(of=apart("practice_id"), was=apart("at"))
        .filter(Q(debit__in=ours) | Q(credit__in=ours), of=practice.id, was__lt=until)
        .order_by("at", "book_id", "seq")
        .values_list(
            "at",
            "effective_on",
            "source",
            "line_id",
            "amount_minor",
            "debit_id",
            "debit__kind",
            "credit_id",
            "credit__kind",
        )
    )
    for at, counts_on, source, line_id, minor, debit_id, debit, credit_id, credit in rows:
        up, down = ours.get(debit_id), ours.get(credit_id)
        for owner_id in {side[0] for side in (up, down) if side}:
            is_up, is_down = bool(up and up[0] == owner_id), bool(down and down[0] == owner_id)
            owed = minor * (is_up and debit == AccountKind.RECEIVABLE) - minor * (
                is_down and credit == AccountKind.RECEIVABLE
            )
            histories[owner_id].movements.append(
                Movement(
                    at=at,
                    on=counts_on or clock.business_date(at, practice.timezone),
                    source=source,
                    line_id=line_id,
                    delta_minor=minor * (is_up - is_down),
                    applied_minor=-owed if is_up and is_down else 0,
                    owed_minor=owed,
                    other=AccountKind(credit if is_up else debit),
                )
            )
    return histories


def get_movements(account: BillingAccount, period: Period) -> list[Movement]:
    """In the order in which they were booked."""
    return get_histories(account.practice, [account], period.until)[account.id].since(period.since)


def get_lines(practice: Practice, line_ids: Iterable[UUID | None]) -> dict[UUID | None, InvoiceLine]:
    lines = InvoiceLine.objects.alias(of=apart("practice_id")).filter(
        of=practice.id, id__in={each for each in line_ids if each}
    )
    return {line.id: line for line in lines.select_related("client", "invoice")}


def get_attempts(practice: Practice, sources: Iterable[str]) -> dict[str, Attempt]:
    """The card payments behind the sources that are such, by source."""
    ids = [each for source in sources if source.startswith("payment:") and (each := _id_in(source))]
    rows = Attempt.objects.filter(practice=practice, id__in=ids).select_related("contact")
    return {f"payment:{attempt.id}": attempt for attempt in rows}


def _id_in(source: str) -> UUID | None:
    try:
        return UUID(source.partition(":")[2])
    except ValueError:
        return None
