"""What was earned, by month, clinician and service."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, time
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from babel.dates import format_date
from django.db.models import Case, CharField, IntegerField, OuterRef, Q, Subquery, Value, When
from django.db.models.functions import Cast, Concat
from django.utils.translation import gettext as _

from paywell.accounts.types import StaffViewer
from paywell.core.money import Money
from paywell.ledger.models import AccountKind
from paywell.practice.models import Clinician
from paywell.reports.movements import (
    accounts_of,
    change_of,
    entry_of,
    insurer_entries_in,
    is_narrowed,
    lines_of,
    touching,
    transfers_of,
)
from paywell.reports.types import Chart, Column, Period, Report, Row, make_chart, sum_columns

KINDS = (AccountKind.INCOME, AccountKind.ADJUSTMENT, AccountKind.WRITE_OFF)
#: Between the two things that one expression tells; it stands in no id.
_SIGN = "|"
Key = tuple[date, str, str]  #: month, clinician, service
Of = tuple[str, str]  #: clinician, service
Parts = list[int]  #: billed, adjusted, written off; the last two below zero


def report_income(viewer: StaffViewer, period: Period) -> Report:
    """Billed, adjusted, written off and what is left, by the day on which it counts. Five queries."""
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
    accounts = accounts_of(viewer, *KINDS)
    rows = transfers_of(viewer, start=period.start, end=period.end).order_by().filter(touching(accounts))
    of_kinds = {f"of_{kind}": change_of([key for key in accounts if accounts[key] == kind]) for kind in KINDS}
    months = _list_months(period)
    found: dict[Key, Parts] = defaultdict(lambda: [0, 0, 0])

    def add(month: int, of: Of | None, debits: Sequence[int]) -> None:
        if of is None and is_narrowed(viewer):
            return
        parts = found[months[month], *(of or (_("Of no service"), _("Of no service")))]
        for place, minor in enumerate(debits):
            parts[place] -= minor

    rows = rows.annotate(month=_place_in(months, period.zone))
    # One look at the line of each transfer tells both: whose service it was, and what was done.
    said = Concat(Cast("service__clinician_id", CharField()), Value(_SIGN), "wording", output_field=CharField())
    line = lines_of(viewer).filter(pk=OuterRef("line_id")).values_list(said)
    of_lines = rows.exclude(line_id=None).annotate(of=Subquery(line)).values_list("month", "of")
    clinicians = dict(Clinician.objects.filter(practice=viewer.practice).values_list("id", "name"))
    for month, of, *debits in of_lines.annotate(**of_kinds):
        clinician, _sign, service = (of or "").partition(_SIGN)
        add(month, (clinicians[UUID(clinician)], service) if clinician else None, debits)
    entries = _read_entries(viewer, period)
    of_none = rows.filter(line_id=None).values_list("month", "source").annotate(**of_kinds)
    for month, source, *debits in of_none:
        add(month, entries.get(entry_of(source)), debits)
    return {key: parts for key, parts in found.items() if any(parts)}


def _read_entries(viewer: StaffViewer, period: Period) -> dict[UUID | None, Of]:
    """Clinician and service of each entry about an insurer's part."""
    rows = insurer_entries_in(viewer, period).values_list("id", "service__clinician__name", "service__wording")
    return {key: (clinician, wording) for key, clinician, wording in rows}


def _list_months(period: Period) -> list[date]:
    """The first days of the period's months."""
    count = (period.last.year - period.first.year) * 12 + period.last.month - period.first.month + 1
    start = period.first.year * 12 + period.first.month - 1
    return [date(each // 12, each % 12 + 1, 1) for each in range(start, start + count)]


def _place_in(months: Sequence[date], zone: str) -> Any:
    """In which of the months a transfer counts, from 0, as an expression of comparisons.

    SQLite has no time zones: it would ask Python for the month of each row.
    """
    whens = [
        When(
            Q(effective_on=None, at__lt=datetime.combine(after, time(), ZoneInfo(zone)))
            | Q(effective_on__lt=after),
            then=Value(place),
        )
        for place, after in enumerate(months[1:])
    ]
    last = Value(len(months) - 1)
    return Case(*whens, default=last, output_field=IntegerField()) if whens else last


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
