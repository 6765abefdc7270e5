"""What clients owe at the end of a day, by how long it is overdue."""

from __future__ import annotations

from collections import defaultdict
from datetime import date
from uuid import UUID

from django.utils.translation import gettext as _

from paywell.accounts.types import StaffViewer
from paywell.clients.models import Client
from paywell.core.money import Money
from paywell.ledger.models import AccountKind
from paywell.reports.movements import balance, is_narrowed, lines_of, transfers_of
from paywell.reports.types import Column, Period, Report, Row, make_chart, sum_columns

#: The last day of each age, in days after the due date; after the last one there is "over 90".
AGES = (0, 30, 60, 90)


def report_receivables(viewer: StaffViewer, period: Period) -> Report:
    """By client and age at the end of the period's last day, the oldest debt first. Three queries."""
    end, currency = period.end, viewer.practice.currency
    sums = (
        transfers_of(viewer, AccountKind.RECEIVABLE, end=end)
        .order_by()
        .values("line_id")
        .annotate(owed=balance(AccountKind.RECEIVABLE))
        .exclude(owed=0)
    )
    owed = {row["line_id"]: row["owed"] for row in sums}
    lines = lines_of(viewer).filter(pk__in=sums.exclude(line_id=None).values("line_id"))
    ages: dict[UUID | None, list[int]] = defaultdict(lambda: [0] * (len(AGES) + 1))
    for line_id, client_id, due_on in lines.values_list("id", "client_id", "invoice__due_on"):
        ages[client_id][_age(period.last, due_on)] += owed.pop(line_id)
    if owed and not is_narrowed(viewer):  # of no service: no law lets it happen, but the sum must not hide it
        ages[None][0] += sum(owed.values())
    clients = Client.objects.filter(practice=viewer.practice, pk__in=lines.values("client_id")).in_bulk()
    named = [(clients[key].name if key else _("Of no service"), key, parts) for key, parts in ages.items()]
    rows = [
        Row((name, *(Money(minor, currency) for minor in (*parts, sum(parts)))), key)
        for name, key, parts in sorted(named, key=lambda each: ([-minor for minor in each[2][::-1]], each[0]))
    ]
    names = _name_ages()
    total = sum_columns(rows, _("All"), currency)
    figures = zip(names, total[1:-1] if total else [Money(0, currency)] * len(names), strict=True)
    return Report(
        columns=(Column(_("Client")), *(Column(name, True) for name in names), Column(_("Owed"), True)),
        rows=tuple(rows),
        total=total,
        charts=(make_chart(_("By age"), (_("Overdue"), _("Owed")), figures),),  # type: ignore[arg-type]
    )


def _age(today: date, due_on: date) -> int:
    late = (today - due_on).days
    return next((place for place, last in enumerate(AGES) if late <= last), len(AGES))


def _name_ages() -> list[str]:
    return [_("Not overdue"), _("1 to 30 days"), _("31 to 60 days"), _("61 to 90 days"), _("Over 90 days")]
