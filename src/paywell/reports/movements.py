"""Sums over transfers that several reports start from."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db.models import Case, CharField, DateField, F, Q, QuerySet, Sum, Value, When
from django.db.models.functions import Coalesce, TruncDate

from paywell.accounts.models import Role
from paywell.accounts.types import StaffViewer
from paywell.billing.models import Entry
from paywell.clients.access import clients_of
from paywell.core.clock import business_date
from paywell.invoicing.models import InvoiceLine
from paywell.ledger.models import AccountKind, LedgerAccount, Transfer
from paywell.reports.types import Period

#: What a transfer's source begins with, before the colon.
CAUSES = (
    "invoice", "void", "payment", "refund", "refund_failed", "dispute", "charge", "recapture", "entry",
    "entry_reversed",
)  # fmt: skip


def transfers_of(
    viewer: StaffViewer, *kinds: AccountKind, start: datetime | None = None, end: datetime | None = None
) -> QuerySet[Transfer]:
    """The practice's transfers that count from `start` until before `end` and touch an account of one of `kinds`.

    Both are beginnings of days where the practice is. A transfer counts on its own day where it has one, else on
    the day on which it was recorded.
    """
    rows = Transfer.objects.filter(practice_id=viewer.practice.id, currency=viewer.practice.currency)
    if start is not None:
        rows = rows.filter(Q(effective_on=None, at__gte=start) | Q(effective_on__gte=start.date()))
    if end is not None:
        rows = rows.filter(Q(effective_on=None, at__lt=end) | Q(effective_on__lt=end.date()))
    return rows.filter(Q(debit__kind__in=kinds) | Q(credit__kind__in=kinds)) if kinds else rows


def is_all_until(viewer: StaffViewer, end: datetime) -> bool:
    """Whether nothing counts at or after `end`: then the balances that the ledger keeps are those of `end`."""
    rows = Transfer.objects.filter(practice_id=viewer.practice.id)
    return not (rows.filter(at__gte=end).exists() or rows.filter(effective_on__gte=end.date()).exists())


def accounts_of(viewer: StaffViewer, *kinds: AccountKind) -> dict[UUID, AccountKind]:
    """The practice's ledger accounts of `kinds` by id: to ask for kinds that have few, without joining each row."""
    rows = LedgerAccount.objects.filter(practice_id=viewer.practice.id, kind__in=kinds)
    return {key: AccountKind(kind) for key, kind in rows.values_list("id", "kind")}


def touching(accounts: Collection[UUID]) -> Q:
    """Transfers from or to one of the accounts."""
    return Q(debit_id__in=accounts) | Q(credit_id__in=accounts)


def change_of(accounts: Collection[UUID]) -> Any:
    """Debits less credits of these accounts, as an aggregate."""
    debits, credits = (
        Coalesce(Sum("amount_minor", filter=Q(**{f"{side}_id__in": accounts})), 0) for side in ("debit", "credit")
    )
    return debits - credits


def day_of(transfer: Transfer, zone: str) -> date:
    """The day on which a transfer counts."""
    return transfer.effective_on or business_date(transfer.at, zone)


def counted_on(zone: str) -> Any:
    """The same as an expression."""
    return Coalesce("effective_on", TruncDate("at", tzinfo=ZoneInfo(zone)), output_field=DateField())


def balance(kind: AccountKind) -> Any:
    """Debits less credits of all accounts of `kind`, as an aggregate."""
    return Sum(Case(When(debit__kind=kind, then=F("amount_minor")), default=Value(0))) - Sum(
        Case(When(credit__kind=kind, then=F("amount_minor")), default=Value(0))
    )


def cause() -> Any:
    """One of CAUSES, or `other`, as an expression."""
    whens = [When(source__startswith=f"{name}:", then=Value(name)) for name in CAUSES]
    return Case(*whens, default=Value("other"), output_field=CharField())


def read_balances(viewer: StaffViewer, *, end: datetime) -> dict[AccountKind, int]:
    """Debits less credits of each kind of account, of everything before `end`. Two queries."""
    rows = transfers_of(viewer, end=end)
    found = dict.fromkeys(AccountKind, 0)
    for side, sign in (("debit__kind", 1), ("credit__kind", -1)):
        for kind, total in rows.values_list(side).annotate(total=Coalesce(Sum("amount_minor"), 0)):
            found[AccountKind(kind)] += sign * total
    return found


def lines_of(viewer: StaffViewer) -> QuerySet[InvoiceLine]:
    """The invoice lines that the viewer may see: the practice's, or those about a clinician's own clients."""
    lines = InvoiceLine.objects.filter(practice=viewer.practice)
    return lines.filter(client__in=clients_of(viewer)) if is_narrowed(viewer) else lines


def insurer_entries_in(viewer: StaffViewer, period: Period) -> QuerySet[Entry]:
    """Entries about services that were made or undone in the period, those of the days beside it included."""
    entries = entries_in(viewer, period).filter(service__isnull=False)
    return entries.filter(service__client__in=clients_of(viewer)) if is_narrowed(viewer) else entries


def entries_in(viewer: StaffViewer, period: Period) -> QuerySet[Entry]:
    """By their own days, and by those of what undid them.

    An entry is undone a moment before its transfers are written: a day more on both sides misses none.
    """
    span = (period.start - timedelta(days=1), period.end + timedelta(days=1))
    touched = Q(on__range=(period.first, period.last)) | Q(recorded_at__range=span) | Q(reversed_at__range=span)
    return Entry.objects.filter(touched, practice=viewer.practice)


def is_narrowed(viewer: StaffViewer) -> bool:
    """Whether the viewer sees only some of the practice's clients."""
    return viewer.role is Role.CLINICIAN


def entry_of(source: str) -> UUID | None:
    """The id of the entry that a source names; None for every other source."""
    name, _, key = source.partition(":")
    return UUID(key) if name in ("entry", "entry_reversed") else None
