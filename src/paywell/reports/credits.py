"""What the practice holds for clients, by age, with the day by which it should be given back."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Final
from uuid import UUID

from django.db.models import OuterRef, Q, QuerySet, Subquery, Sum
from django.utils.translation import gettext as _

from paywell.accounts.types import StaffViewer
from paywell.clients.access import clients_of
from paywell.clients.models import BillingAccount
from paywell.core.money import Money
from paywell.ledger.models import AccountBalance, AccountKind, LedgerAccount, Transfer
from paywell.reports.movements import day_of, is_all_until, is_narrowed, touching, transfers_of
from paywell.reports.types import Column, Period, Report, Row, make_chart, sum_columns

#: Credit that nobody uses goes back within this many days of its arrival.
REFUND_DAYS = 30
_AGES = (15, REFUND_DAYS)
CREDIT = AccountKind.CLIENT_CREDIT
#: Accounts with credit that are asked for one by one; of more, all that ever had some are read.
_MOST_ASKED: Final = 2_000


@dataclass
class Chunk:
    """One arrival of credit and what is left of it."""

    on: date
    left: int


@dataclass
class Credit:
    """An account's credit in the order of its arrival. The oldest is used first; what is undone returns whence
    it came, with its age."""

    chunks: list[Chunk] = field(default_factory=list)
    came: dict[UUID, Chunk] = field(default_factory=dict)
    went: dict[UUID, list[tuple[Chunk, int]]] = field(default_factory=dict)
    short: int = 0  #: used beyond what was there: no law lets it happen, but the sum must not hide it

    def add(self, key: UUID, minor: int, on: date, undoes: UUID | None) -> None:
        for chunk, part in self.went.get(undoes, ()) if undoes else ():
            back = min(part, minor)
            chunk.left += back
            minor -= back
        if minor:
            chunk = self.came[key] = Chunk(on, minor)
            self.chunks.append(chunk)

    def take(self, key: UUID, minor: int, undoes: UUID | None) -> None:
        first = [self.came[undoes]] if undoes in self.came else []
        taken = self.went[key] = []
        for chunk in (*first, *self.chunks):
            part = min(chunk.left, minor)
            if part:
                chunk.left -= part
                minor -= part
                taken.append((chunk, part))
        self.short += minor

    def get_total(self) -> int:
        return sum(chunk.left for chunk in self.chunks) - self.short


def report_credits(viewer: StaffViewer, period: Period) -> Report:
    """By account at the end of the period's last day, the oldest first. Five queries at most."""
    currency, today = viewer.practice.currency, period.last
    credits = LedgerAccount.objects.filter(practice_id=viewer.practice.id, kind=CREDIT)
    accounts = _accounts_of(viewer).filter(pk__in=credits.values("owner_id"))
    held = [(key, credit) for key, credit in _read(viewer, period).items() if credit.get_total()]
    # Any of the account's clients whom the viewer may see: credit is applied or paid out in the account's ledger.
    client = Subquery(clients_of(viewer).filter(default_account=OuterRef("pk")).values("id")[:1])
    names = {key: (name, client_id) for key, name, client_id in accounts.values_list("id", "name", client)}
    ages = [0, 0, 0]
    rows = []
    for key, credit in held:
        if key not in names:
            continue
        open_chunks = [chunk for chunk in credit.chunks if chunk.left]
        for chunk in open_chunks:
            ages[_age((today - chunk.on).days)] += chunk.left
        ages[0] -= credit.short
        since = min((chunk.on for chunk in open_chunks), default=today)
        back_by = since + timedelta(days=REFUND_DAYS)
        amount = Money(credit.get_total(), currency)
        name, client_id = names[key]
        rows.append(Row((name, amount, since, back_by, _tell_clock((back_by - today).days)), client_id))
    rows.sort(key=lambda row: (row.cells[2], row.cells[0]))
    labels = (_("Up to 15 days"), _("16 to 30 days"), _("Over 30 days"))
    figures = [(label, Money(minor, currency)) for label, minor in zip(labels, ages, strict=True)]
    return Report(
        columns=(
            Column(_("Account")), Column(_("Credit"), True), Column(_("Oldest since")), Column(_("Give back by")),
            Column(_("Left")),
        ),
        rows=tuple(rows),
        total=sum_columns(rows, _("All"), currency),
        charts=(make_chart(_("By age"), (_("Age"), _("Credit")), figures),),
    )  # fmt: skip


def _accounts_of(viewer: StaffViewer) -> QuerySet[BillingAccount]:
    rows = BillingAccount.objects.filter(practice=viewer.practice)
    if not is_narrowed(viewer):
        return rows
    own = clients_of(viewer).values("id")
    return rows.filter(
        pk__in=BillingAccount.objects.filter(Q(clients__in=own) | Q(shares__client__in=own)).values("pk")
    )


def _read(viewer: StaffViewer, period: Period) -> dict[UUID, Credit]:
    """The credit of each account that has some, told from the beginning."""
    rows = transfers_of(viewer, end=period.end).order_by()
    open_ones = _find_held(viewer, period)
    found: dict[UUID, Credit] = defaultdict(Credit)
    moved = (
        rows.filter(touching(open_ones))
        if len(open_ones) <= _MOST_ASKED
        else transfers_of(viewer, CREDIT, end=period.end)
    )
    for row in _sort(moved.select_related("debit", "credit")):
        on = day_of(row, period.zone)
        if row.credit_id in open_ones:
            found[row.credit.owner_id].add(row.id, row.amount_minor, on, row.reverses_id)
        if row.debit_id in open_ones:
            found[row.debit.owner_id].take(row.id, row.amount_minor, row.reverses_id)
    return found


def _find_held(viewer: StaffViewer, period: Period) -> set[UUID]:
    """The ledger accounts that hold credit at the end of the period.

    Asked from the credit accounts, of which there are as many as ever had credit, and not from all transfers. Where
    nothing counts later than that, the ledger keeps what each holds: law 11 of the books holds it to the transfers.
    """
    credits = LedgerAccount.objects.filter(
        practice_id=viewer.practice.id, kind=CREDIT, currency=viewer.practice.currency
    )
    if is_all_until(viewer, period.end):
        kept = AccountBalance.objects.filter(account__in=credits).exclude(balance_minor=0)
        return set(kept.values_list("account_id", flat=True))
    rows = transfers_of(viewer, end=period.end).order_by()
    held: Counter[UUID] = Counter()
    for side, sign in (("credit", 1), ("debit", -1)):
        sums = rows.filter(**{f"{side}__in": credits}).values_list(f"{side}_id")
        for key, minor in sums.annotate(minor=Sum("amount_minor")):
            held[key] += sign * minor
    return {key for key, minor in held.items() if minor}


def _sort(rows: Iterable[Transfer]) -> list[Transfer]:
    return sorted(rows, key=lambda row: (str(row.book_id), row.seq))


def _age(days: int) -> int:
    return next((place for place, last in enumerate(_AGES) if days <= last), len(_AGES))


def _tell_clock(days: int) -> str:
    if days < 0:
        return _("%(days)d days late") % {"days": -days} if days < -1 else _("1 day late")
    return _("Today") if days == 0 else _("1 day") if days == 1 else _("%(days)d days") % {"days": days}
