"""What was earned, by month, clinician and service."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping
from datetime import date

from babel.dates import format_date
from django.db.models.functions import TruncMonth
from django.utils.translation import gettext as _

from paywell.accounts.types import StaffViewer
from paywell.core.money import Money
from paywell.ledger.models import AccountKind
from paywell.reports.movements import (
    balance,
    counted_on,
    entry_of,
    insurer_entries_in,
    is_narrowed,
    lines_of,
    transfers_of,
)
from paywell.reports.types import Chart, Column, Period, Report, Row, make_chart, sum_columns

KINDS = (AccountKind.INCOME, AccountKind.ADJUSTMENT, AccountKind.WRITE_OFF)
Key = tuple[date, str, str]  #: month, clinician, service
Parts = list[int]  #: billed, adjusted, written off; the last two below zero


def report_income(viewer: StaffViewer, period: Period) -> Report:
    """Billed, adjusted, written off and what is left, by the day on which it counts. Three queries."""
    sums = _read(viewer, period)
    currency = viewer.practice.currency
    rows = [
        Row((_name_month(month), clinician, service, *_money(parts, currency)))
        for (month, clinician, service), parts in sorted(sums.items())
    ]
    heads = (Column(_("Month")), Column(_("Clinician")), Column(_("Service")))
    amounts = (_("Billed"), _("Adjusted"), _("Written off"), _("Income"))
    return Report(
        columns=(*heads, *(Column(name, True) for name in amounts)),
        rows=tuple(rows),
        total=sum_columns(rows, _("All"), currency),
        charts=(
            _chart(sums, _("By month"), _("Month"), currency, _by_month),
            _chart(sums, _("By clinician"), _("Clinician"), currency, lambda key: (key[1], key[1])),
            _chart(sums, _("By service"), _("Service"), currency, lambda key: (key[2], key[2])),
        ),
    )


def _read(viewer: StaffViewer, period: Period) -> Mapping[Key, Parts]:
    rows = transfers_of(viewer, *KINDS, start=period.start, end=period.end).order_by()
    lines = {
        key: (clinician, wording)
        for key, clinician, wording in lines_of(viewer)
        .filter(pk__in=rows.exclude(line_id=None).values("line_id"))
        .values_list("id", "service__clinician__name", "wording")
    }
    entries = {
        key: (clinician, wording)
        for key, clinician, wording in insurer_entries_in(viewer, period).values_list(
            "id", "service__clinician__name", "service__wording"
        )
    }
    found: dict[Key, Parts] = defaultdict(lambda: [0, 0, 0])
    month = TruncMonth(counted_on(period.zone))
    for row in (
        rows.annotate(month=month)
        .values("month", "line_id", "source")
        .annotate(
            billed=balance(AccountKind.INCOME),
            adjusted=balance(AccountKind.ADJUSTMENT),
            given_up=balance(AccountKind.WRITE_OFF),
        )
    ):
        of = lines.get(row["line_id"]) or entries.get(entry_of(row["source"]))  # type: ignore[arg-type]
        if of is None:
            if is_narrowed(viewer):
                continue
            of = (_("Of no service"), _("Of no service"))
        parts = found[row["month"], *of]
        for place, debits in enumerate((row["billed"], row["adjusted"], row["given_up"])):
            parts[place] -= debits
    return {key: parts for key, parts in found.items() if any(parts)}


def _chart(
    sums: Mapping[Key, Parts], title: str, head: str, currency: str, name: Callable[[Key], tuple[str, str]]
) -> Chart:
    """Months in their order, everything else the largest first."""
    totals: dict[tuple[str, str], int] = defaultdict(int)
    for key, parts in sums.items():
        totals[name(key)] += sum(parts)
    is_by_month = any(order != label for order, label in totals)
    order = sorted(totals.items(), key=lambda each: each[0][0] if is_by_month else (-each[1], each[0]))
    return make_chart(
        title, (head, _("Income")), [(label, Money(minor, currency)) for (_order, label), minor in order]
    )


def _by_month(key: Key) -> tuple[str, str]:
    return key[0].isoformat(), _name_month(key[0])


def _money(parts: Parts, currency: str) -> tuple[Money, ...]:
    return (*(Money(part, currency) for part in parts), Money(sum(parts), currency))


def _name_month(month: date) -> str:
    return str(format_date(month, "MMM y", locale="en_US"))
