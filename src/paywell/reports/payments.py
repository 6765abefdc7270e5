"""What came in and went back, by processor and method."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from uuid import UUID

from django.db.models import Q, QuerySet, Sum
from django.utils.translation import gettext as _

from paywell.accounts.types import StaffViewer
from paywell.billing.models import EntryKind, Method
from paywell.core.money import Money
from paywell.ledger.models import AccountKind, Transfer
from paywell.payments.models import ProcessorAccount
from paywell.payments.recollect import name_processor
from paywell.reports.deposits import note_unread, note_untold, tells_fees
from paywell.reports.fees import read_register
from paywell.reports.movements import accounts_of, cause, change_of, entries_in, entry_of, touching, transfers_of
from paywell.reports.types import Cell, Column, Period, Report, Row, make_chart, sum_columns

#: Into which column a movement of the processor's clearing account falls; all else waits for a person.
_COLUMNS = {"payment": 0, "refund": 1, "refund_failed": 1, "dispute": 2}
_IN_REVIEW = 3
_FEES = 4
#: Entries by hand that are asked for one by one; of more, all of the period are read sooner.
_MOST_ASKED = 200
Parts = list[int]  #: received, refunded, withheld, in review, fees; all but the first are below zero


def report_payments(viewer: StaffViewer, period: Period) -> Report:
    """For each processor and each method by hand, by the day on which it counts. Eight queries.

    All but the fees add up to what the ledger's clearing and cash accounts changed by; the net is that, less the
    fees, which the processor tells.
    """
    currency = viewer.practice.currency
    found: dict[tuple[str, str], Parts] = defaultdict(lambda: [0] * 5)
    accounts = list(ProcessorAccount.objects.filter(practice=viewer.practice).order_by("connected_at"))
    names = {account.id: account.connector for account in accounts}
    kinds = accounts_of(viewer, AccountKind.CLEARING, AccountKind.CASH)
    moved = transfers_of(viewer, start=period.start, end=period.end).order_by().filter(touching(kinds))
    _add_processors(moved, names, found)
    for account, register in read_register(viewer, period).items():
        found[_key(names.get(account))][_FEES] -= register.fees
    untold = {_key(connector) for connector in names.values() if not tells_fees(connector)}
    cash = [key for key, kind in kinds.items() if kind == AccountKind.CASH]
    sums = moved.filter(touching(cash)).values_list("source").annotate(total=change_of(cash))
    _add_by_hand(viewer, period, sums, found)
    rows = [
        _make_row(key, parts, currency, tells_fees=key not in untold)
        for key, parts in sorted(found.items(), key=lambda each: (-sum(each[1]), each[0]))
        if any(parts)
    ]
    heads = (_("Received"), _("Refunded"), _("In dispute"), _("In review"), _("Fees"), _("Net"))
    return Report(
        columns=(Column(_("Through")), Column(_("Method")), *(Column(name, True) for name in heads)),
        rows=tuple(rows),
        total=sum_columns(rows, _("All"), currency),
        charts=(
            make_chart(
                _("Net, by processor and method"),
                (_("Through"), _("Net")),
                [(f"{row.cells[0]}, {row.cells[1]}", row.cells[-1]) for row in rows],  # type: ignore[misc]
            ),
        ),
        notes=(*note_untold(names.values()), *note_unread(accounts, period)),
    )


def _make_row(key: tuple[str, str], parts: Parts, currency: str, *, tells_fees: bool) -> Row:
    amounts: list[Cell] = [Money(part, currency) for part in parts]
    if not tells_fees and not parts[_FEES]:
        amounts[_FEES] = _("not told")
    return Row((*key, *amounts, Money(sum(parts), currency)))


def _key(connector: str | None) -> tuple[str, str]:
    return name_processor(connector) if connector else _("Another processor"), _("Card")


def _add_processors(
    moved: QuerySet[Transfer], names: Mapping[UUID, str], found: dict[tuple[str, str], Parts]
) -> None:
    rows = moved.filter(Q(debit__kind=AccountKind.CLEARING) | Q(credit__kind=AccountKind.CLEARING))
    ends = ("debit__kind", "debit__owner_id", "credit__kind", "credit__owner_id")
    for row in rows.annotate(cause=cause()).values(*ends, "cause").annotate(total=Sum("amount_minor")):
        for side, sign in (("debit", 1), ("credit", -1)):
            if row[f"{side}__kind"] == AccountKind.CLEARING:
                found[_key(names.get(row[f"{side}__owner_id"]))][_COLUMNS.get(row["cause"], _IN_REVIEW)] += (
                    sign * row["total"]
                )


def _add_by_hand(
    viewer: StaffViewer, period: Period, sums: Iterable[tuple[str, int]], found: dict[tuple[str, str], Parts]
) -> None:
    found_sums = list(sums)
    rows = entries_in(viewer, period)
    if len(found_sums) <= _MOST_ASKED:
        asked = [entry_of(source) for source, _total in found_sums]
        rows = rows.filter(pk__in=[key for key in asked if key])
    entries: dict[UUID | None, tuple[str, str]] = {
        key: (kind, method) for key, kind, method in rows.values_list("id", "kind", "method")
    }
    for source, total in found_sums:
        kind, method = entries.get(entry_of(source), ("", ""))
        through = _("Insurers, by hand") if kind == EntryKind.INSURER_PAYMENT else _("Clients, by hand")
        label = Method(method).label if method else _("Other")
        found[through, str(label)][1 if kind == EntryKind.CREDIT_OUT else 0] += total
