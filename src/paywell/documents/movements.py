"""What the ledger says of one billing account over a time, as documents tell of it."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db.models import Q, QuerySet, Sum
from django.db.models.functions import Coalesce

from paywell.billing.models import Entry
from paywell.clients.models import BillingAccount
from paywell.core import clock
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

    on: date
    source: str
    line_id: UUID | None
    delta_minor: int  #: of the balance; 0 where credit was only applied to a line, or taken off it
    applied_minor: int  #: how much credit went to the line
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


def get_movements(account: BillingAccount, period: Period, zone: str) -> list[Movement]:
    """In the order in which they were booked."""
    ours = _accounts_of(account)
    rows = (
        _touching(account, ours)
        .filter(at__gte=period.since, at__lt=period.until)
        .select_related("debit", "credit")
        .order_by("at", "book_id", "seq")
    )
    return [_movement(row, ours, zone) for row in rows]


def get_balance_before(account: BillingAccount, moment: datetime) -> int:
    """What the account owed at `moment`, in minor units; below zero: credit."""
    return _sum_until(account, _accounts_of(account), moment)


def get_credit_before(account: BillingAccount, moment: datetime) -> int:
    """Credit on account that was not used at `moment`, in minor units."""
    return -_sum_until(account, _accounts_of(account, (AccountKind.CLIENT_CREDIT,)), moment)


def get_open_before(account: BillingAccount, moment: datetime) -> dict[UUID, int]:
    """What was owed on each invoice line at `moment`; lines on which nothing was are left out."""
    ours = _accounts_of(account, (AccountKind.RECEIVABLE,))
    rows = (
        _touching(account, ours)
        .filter(at__lt=moment, line_id__isnull=False)
        .values("line_id")
        .annotate(
            up=Coalesce(Sum("amount_minor", filter=Q(debit__in=ours)), 0),
            down=Coalesce(Sum("amount_minor", filter=Q(credit__in=ours)), 0),
        )
    )
    return {row["line_id"]: owed for row in rows if (owed := row["up"] - row["down"]) and row["line_id"]}


def get_lines(account: BillingAccount, line_ids: Iterable[UUID | None]) -> dict[UUID | None, InvoiceLine]:
    lines = InvoiceLine.objects.filter(practice_id=account.practice_id, id__in={each for each in line_ids if each})
    return {line.id: line for line in lines.select_related("client", "invoice")}


def get_attempts(practice: Practice, sources: Iterable[str]) -> dict[str, Attempt]:
    """The card payments behind the sources that are such, by source."""
    ids = [each for source in sources if source.startswith("payment:") and (each := _id_in(source))]
    rows = Attempt.objects.filter(practice=practice, id__in=ids).select_related("contact")
    return {f"payment:{attempt.id}": attempt for attempt in rows}


def get_entry_days(practice: Practice, sources: Iterable[str]) -> dict[str, date]:
    """On which day money came that was entered by hand: it may have been entered later. By source."""
    ids = [each for source in sources if source.startswith("entry:") and (each := _id_in(source))]
    rows = Entry.objects.filter(practice=practice, id__in=ids).values_list("id", "on")
    return {f"entry:{entry_id}": on for entry_id, on in rows}


def _id_in(source: str) -> UUID | None:
    try:
        return UUID(source.partition(":")[2])
    except ValueError:
        return None


def _accounts_of(account: BillingAccount, kinds: Collection[AccountKind] = OF_ACCOUNT) -> dict[UUID, AccountKind]:
    rows = LedgerAccount.objects.filter(
        practice_id=account.practice_id, owner_id=account.id, kind__in=kinds, currency=account.currency
    )
    return {key: AccountKind(kind) for key, kind in rows.values_list("id", "kind")}


def _touching(account: BillingAccount, ours: Collection[UUID]) -> QuerySet[Transfer]:
    return Transfer.objects.filter(Q(debit__in=ours) | Q(credit__in=ours), practice_id=account.practice_id)


def _sum_until(account: BillingAccount, ours: Collection[UUID], moment: datetime) -> int:
    sums = _touching(account, ours).filter(at__lt=moment).aggregate(
        up=Coalesce(Sum("amount_minor", filter=Q(debit__in=ours)), 0),
        down=Coalesce(Sum("amount_minor", filter=Q(credit__in=ours)), 0),
    )  # fmt: skip
    balance: int = sums["up"] - sums["down"]
    return balance


def _movement(row: Transfer, ours: dict[UUID, AccountKind], zone: str) -> Movement:
    up, down = row.debit_id in ours, row.credit_id in ours
    applied = 0
    if up and down:
        to_line = ours[row.credit_id] == AccountKind.RECEIVABLE
        applied = row.amount_minor if to_line else -row.amount_minor
    return Movement(
        on=clock.business_date(row.at, zone),
        source=row.source,
        line_id=row.line_id,
        delta_minor=row.amount_minor * (up - down),
        applied_minor=applied,
        other=AccountKind(row.credit.kind if up else row.debit.kind),
    )
