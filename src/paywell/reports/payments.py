"""What came in and went back, by processor and method."""

from __future__ import annotations

from collections import defaultdict
from uuid import UUID

from django.db.models import Sum
from django.utils.translation import gettext as _

from paywell.accounts.types import StaffViewer
from paywell.billing.models import EntryKind, Method
from paywell.core.money import Money
from paywell.ledger.models import AccountKind
from paywell.payments.models import ProcessorAccount
from paywell.payments.recollect import name_processor
from paywell.reports.movements import balance, cause, entries_in, entry_of, transfers_of
from paywell.reports.types import Column, Period, Report, Row, make_chart, sum_columns

#: Into which column a movement of the processor's clearing account falls; all else waits for a person.
_COLUMNS = {"payment": 0, "refund": 1, "refund_failed": 1, "dispute": 2}
_IN_REVIEW = 3
Parts = list[int]  #: received, refunded, withheld, in review; all but the first are below zero


def report_payments(viewer: StaffViewer, period: Period) -> Report:
    """For each processor and each method by hand, by the day on which it counts. Four queries.

    The net column adds up to what the ledger's clearing and cash accounts changed by.
    """
    currency = viewer.practice.currency
    found: dict[tuple[str, str], Parts] = defaultdict(lambda: [0, 0, 0, 0])
    _add_processors(viewer, period, found)
    _add_by_hand(viewer, period, found)
    rows = [
        Row((through, method, *(Money(part, currency) for part in parts), Money(sum(parts), currency)))
        for (through, method), parts in sorted(found.items(), key=lambda each: (-sum(each[1]), each[0]))
        if any(parts)
    ]
    names = (_("Received"), _("Refunded"), _("In dispute"), _("In review"), _("Net"))
    return Report(
        columns=(Column(_("Through")), Column(_("Method")), *(Column(name, True) for name in names)),
        rows=tuple(rows),
        total=sum_columns(rows, _("All"), currency),
        charts=(
            make_chart(
                _("Net, by processor and method"),
                (_("Through"), _("Net")),
                [(f"{row.cells[0]}, {row.cells[1]}", row.cells[-1]) for row in rows],  # type: ignore[misc]
            ),
        ),
    )


def _add_processors(viewer: StaffViewer, period: Period, found: dict[tuple[str, str], Parts]) -> None:
    names = dict(ProcessorAccount.objects.filter(practice=viewer.practice).values_list("id", "connector"))
    rows = transfers_of(viewer, AccountKind.CLEARING, start=period.start, end=period.end).order_by()
    ends = ("debit__kind", "debit__owner_id", "credit__kind", "credit__owner_id")
    for row in rows.annotate(cause=cause()).values(*ends, "cause").annotate(total=Sum("amount_minor")):
        for side, sign in (("debit", 1), ("credit", -1)):
            if row[f"{side}__kind"] == AccountKind.CLEARING:
                owner: UUID = row[f"{side}__owner_id"]
                key = (name_processor(names[owner]) if owner in names else _("Another processor"), _("Card"))
                found[key][_COLUMNS.get(row["cause"], _IN_REVIEW)] += sign * row["total"]


def _add_by_hand(viewer: StaffViewer, period: Period, found: dict[tuple[str, str], Parts]) -> None:
    entries: dict[UUID | None, tuple[str, str]] = {
        key: (kind, method) for key, kind, method in entries_in(viewer, period).values_list("id", "kind", "method")
    }
    rows = transfers_of(viewer, AccountKind.CASH, start=period.start, end=period.end).order_by()
    for source, total in rows.values_list("source").annotate(total=balance(AccountKind.CASH)):
        kind, method = entries.get(entry_of(source), ("", ""))
        through = _("Insurers, by hand") if kind == EntryKind.INSURER_PAYMENT else _("Clients, by hand")
        label = Method(method).label if method else _("Other")
        found[through, str(label)][1 if kind == EntryKind.CREDIT_OUT else 0] += total
