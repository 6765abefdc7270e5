"""What clients owe at the end of a day, by how long it is overdue."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import date, timedelta
from itertools import pairwise
from operator import itemgetter
from typing import Any, Final, overload
from uuid import UUID

from django.db.models import Q, QuerySet, Sum
from django.db.models.functions import Coalesce
from django.utils.translation import gettext as _

from paywell.accounts.types import StaffViewer
from paywell.clients.access import clients_of
from paywell.clients.models import Client, name_client
from paywell.core.money import Money
from paywell.ledger.models import AccountKind, LineBalance
from paywell.reports.movements import balance, is_all_until, is_narrowed, lines_of, transfers_of
from paywell.reports.types import Column, Period, Report, Row, Rows, make_chart

#: The last day of each age, in days after the due date; after the last one there is "over 90".
AGES = (0, 30, 60, 90)
#: Names that are asked for one by one.
_MOST_ASKED: Final = 2_000


#: Client (None: of no service), and what is owed in each of the ages.
Owed = tuple[Any, ...]
_get_parts = itemgetter(*range(len(AGES) + 1, 0, -1))  #: the oldest first


def report_receivables(viewer: StaffViewer, period: Period) -> Report:
    """By client and age at the end of the period's last day, the oldest debt first. Four queries.

    Where nothing counts later than that day, the balances that the ledger keeps with each line are added up in the
    database: law 11 of the books holds them to the transfers. Else the transfers are.
    """
    currency = viewer.practice.currency
    is_kept = is_all_until(viewer, period.end)
    owed = ByDebt(viewer, _read_kept(viewer, period) if is_kept else _read_transfers(viewer, period))

    def make(each: Owed) -> Row:
        key, *parts = each
        return Row((owed.names[key], *(Money(minor, currency) for minor in (*parts, sum(parts)))), key)

    ages = [sum(parts) for parts in list(zip(*owed.rows, strict=True))[1:]] or [0] * (len(AGES) + 1)
    sums = [Money(minor, currency) for minor in ages]
    labels = _name_ages()
    return Report(
        columns=(Column(_("Client")), *(Column(name, True) for name in labels), Column(_("Owed"), True)),
        rows=Rows(owed, lambda some: [make(each) for each in some]),
        total=(_("All"), *sums, sum(sums, Money(0, currency))) if owed else None,
        charts=(make_chart(_("By age"), (_("Overdue"), _("Owed")), zip(labels, sums, strict=True)),),
    )


class ByDebt(Sequence[Owed]):
    """What is owed in the order of the oldest debt, equal debts by name.

    Names are read when a part is asked for, of those alone who stand there or owe as much as the first or the last
    of them: a page of some thousand clients needs few.
    """

    def __init__(self, viewer: StaffViewer, rows: list[Owed]) -> None:
        self.viewer = viewer
        self.rows = sorted(rows, key=_get_parts, reverse=True)
        self.names: dict[UUID | None, str] = {None: _("Of no service")}

    def __len__(self) -> int:
        return len(self.rows)

    @overload
    def __getitem__(self, place: int) -> Owed: ...
    @overload
    def __getitem__(self, place: slice) -> list[Owed]: ...
    def __getitem__(self, place: int | slice) -> Owed | list[Owed]:
        if not isinstance(place, slice):
            place = range(len(self))[place]
            return self[place : place + 1][0]
        start, stop, _step = place.indices(len(self))
        if start >= stop:
            return []
        first, last = start, stop
        while first and _get_parts(self.rows[first - 1]) == _get_parts(self.rows[start]):
            first -= 1
        while last < len(self) and _get_parts(self.rows[last]) == _get_parts(self.rows[stop - 1]):
            last += 1
        some = self.rows[first:last]
        self._read_names([key for key, *_parts in some if key not in self.names])
        some.sort(key=lambda each: self.names[each[0]])
        some.sort(key=_get_parts, reverse=True)
        return some[start - first : stop - first]

    def _read_names(self, keys: Sequence[UUID]) -> None:
        """Of very many, the names of all clients are read sooner than so many are asked for."""
        if not keys:
            return
        rows = Client.objects.filter(practice=self.viewer.practice)
        rows = rows if len(keys) > _MOST_ASKED else rows.filter(pk__in=keys)
        fields = rows.values_list("id", "preferred_name", "legal_first_name", "legal_last_name")
        self.names |= {key: name_client(*parts) for key, *parts in fields}


def _open_lines(viewer: StaffViewer) -> QuerySet[LineBalance]:
    lines = LineBalance.objects.filter(
        practice_id=viewer.practice.id, currency=viewer.practice.currency, balance_minor__gt=0
    )
    return lines.filter(subject_id__in=clients_of(viewer).values("id")) if is_narrowed(viewer) else lines


def _read_kept(viewer: StaffViewer, period: Period) -> list[Owed]:
    lines = _open_lines(viewer)
    since = [period.last - timedelta(days=days) for days in AGES]
    ages = [Q(due_on__gte=since[0])]
    ages += [Q(due_on__gte=first, due_on__lt=after) for after, first in pairwise(since)]
    ages += [Q(due_on__lt=since[-1])]
    sums = [Coalesce(Sum("balance_minor", filter=age), 0) for age in ages]
    return list(
        lines.values_list("subject_id").annotate(**{f"age{place}": each for place, each in enumerate(sums)})
    )


def _read_transfers(viewer: StaffViewer, period: Period) -> list[Owed]:
    sums = (
        transfers_of(viewer, AccountKind.RECEIVABLE, end=period.end)
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
    return [(key, *parts) for key, parts in ages.items()]


def _age(today: date, due_on: date) -> int:
    late = (today - due_on).days
    return next((place for place, last in enumerate(AGES) if late <= last), len(AGES))


def _name_ages() -> list[str]:
    return [_("Not overdue"), _("1 to 30 days"), _("31 to 60 days"), _("61 to 90 days"), _("Over 90 days")]
