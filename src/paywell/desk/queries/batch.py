"""What a batch of invoices leaves out, told service by service."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Final
from uuid import UUID

from django.db.models import Sum
from django.utils.translation import gettext as _

from paywell.accounts.types import StaffViewer
from paywell.billing.models import EntryKind, EntryLine, Question
from paywell.invoicing.models import InvoiceLine
from paywell.invoicing.queries import list_left_out
from paywell.invoicing.types import LeftOut, WhyLeftOut

#: Told one by one on the page; beyond it the range of days is too wide to be looked through.
MOST: Final = 500


@dataclass(frozen=True, slots=True)
class LeftOutRow:
    left: LeftOut
    words: str
    is_usual: bool  #: it stands on an invoice, and nothing else is to be said of it


@dataclass(frozen=True, slots=True)
class LeftOutOfBatch:
    rows: tuple[LeftOutRow, ...]
    count: int

    @property
    def groups(self) -> list[tuple[bool, list[LeftOutRow]]]:
        """First what somebody may want to look at, then (True) what is simply done."""
        parts = [(usual, [row for row in self.rows if row.is_usual is usual]) for usual in (False, True)]
        return [(usual, rows) for usual, rows in parts if rows]

    @property
    def more(self) -> int:
        """How many there are beyond those that are told."""
        return self.count - len(self.rows)


def get_left_out_of_batch(viewer: StaffViewer, date_from: date, date_to: date) -> LeftOutOfBatch:
    """Every service of these days that gets no invoice, and why. Five queries, however many there are."""
    found = list_left_out(viewer, date_from, date_to)
    told = found[:MOST]
    lines = {each.line.id: each.line for each in told if each.line is not None}
    adjusted, asked = _find_adjusted(viewer, lines), _find_asked(viewer, lines)
    rows = [
        LeftOutRow(
            each, _say(each, adjusted=adjusted, asked=asked),
            each.line is not None and each.line.id not in adjusted | asked,
        )
        for each in told
    ]  # fmt: skip
    return LeftOutOfBatch(tuple(rows), len(found))


def _say(left: LeftOut, *, adjusted: set[UUID], asked: set[UUID]) -> str:
    if left.why is WhyLeftOut.VOIDED:
        return _("The service is void.")
    if left.line is None:
        return _("The insurer is to pay all of it; the client owes nothing.")
    if left.line.id in asked:
        return _("On an invoice already; the client asks about it and waits for your answer.")
    if left.line.id in adjusted:
        return _("On an invoice already, and adjusted to zero.")
    return _("On an invoice already.")


def _find_adjusted(viewer: StaffViewer, lines: dict[UUID, InvoiceLine]) -> set[UUID]:
    """Lines of which adjustments and write-offs took all."""
    kinds = (EntryKind.ADJUSTMENT, EntryKind.WRITE_OFF)
    rows = EntryLine.objects.filter(
        practice=viewer.practice, line__in=lines, entry__kind__in=kinds, entry__reversed_at=None
    )
    sums = rows.order_by().values_list("line").annotate(total=Sum("amount_minor"))
    return {line_id for line_id, total in sums if total >= lines[line_id].amount_minor}


def _find_asked(viewer: StaffViewer, lines: dict[UUID, InvoiceLine]) -> set[UUID]:
    """Lines about which a client's question is open."""
    rows = Question.objects.filter(practice=viewer.practice, line__in=lines, answered_at=None)
    return set(rows.values_list("line_id", flat=True))
