"""Payments by hand, as rows of Payment History among those through the processor."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from datetime import date
from typing import Any, TypeVar
from uuid import UUID

from django.db.models import Exists, OuterRef, QuerySet

from paywell.billing.models import Entry, EntryKind, EntryLine
from paywell.core.money import Money
from paywell.core.prepared import Prepared
from paywell.payments.paid_lines import PAID_LINE_COLUMNS, make_paid_line
from paywell.payments.types import PaidLine, PaymentRow, Shown

Row = TypeVar("Row")


def payments_of(practice_id: UUID) -> QuerySet[Entry]:
    """Every payment by hand of a practice, newest first."""
    rows = Entry.objects.filter(practice_id=practice_id, kind=EntryKind.PAYMENT)
    return rows.select_related("account").order_by("-at", "-id")


def _of_portal(
    practice: UUID, account: UUID, clients: Collection[UUID], since: date | None, until: date | None, stop: int
) -> QuerySet[Entry]:
    """Those of the open account that cover nobody but clients of whom the viewer may know."""
    beyond = EntryLine.objects.filter(practice_id=practice, entry=OuterRef("pk")).exclude(line__client__in=clients)
    rows = payments_of(practice).filter(~Exists(beyond), account_id=account)
    return between(rows, since, until)[:stop]


OF_PORTAL: Prepared[Entry] = Prepared(_of_portal)


def between(rows: QuerySet[Entry], since: date | None, until: date | None) -> QuerySet[Entry]:
    """Those of the days from `since` to `until`, both included."""
    if since:
        rows = rows.filter(on__gte=since)
    return rows.filter(on__lte=until) if until else rows


def make_rows(
    entries: Sequence[Entry],
    *,
    shown: frozenset[UUID] | None,
    worded: frozenset[UUID] | None,
    names_account: bool = False,
) -> list[PaymentRow]:
    """The rows, with lines of the clients in `shown`, worded for those in `worded`; None is all. One query."""
    if not entries:
        return []
    lines = _get_lines(entries, shown, worded)
    return [
        PaymentRow(
            attempt_id=entry.id,
            at=entry.at,
            status=Shown.REVERSED if entry.reversed_at else Shown.PAID,
            amount=Money(entry.amount_minor, entry.currency),
            refunded=Money(0, entry.currency),
            card_brand="",
            card_last4="",
            notes=entry.note,
            lines=tuple(lines.get(entry.id, ())),
            account_name=entry.account.name if names_account else "",
            payer_name="",
            decline="",
            has_receipt=True,
            method=entry.method,
            method_reference=entry.reference,
        )
        for entry in entries
    ]


def _covered(
    practice: UUID, entries: Collection[UUID], clients: Collection[UUID] | None
) -> QuerySet[EntryLine, Any]:
    rows = EntryLine.objects.filter(practice_id=practice, entry_id__in=entries).order_by("line__on", "id")
    if clients is not None:
        rows = rows.filter(line__client__in=clients)
    return rows.values_list("entry_id", *PAID_LINE_COLUMNS, named=True)


_COVERED: Prepared[Any] = Prepared(_covered)


def _get_lines(
    entries: Sequence[Entry], shown: frozenset[UUID] | None, worded: frozenset[UUID] | None
) -> dict[UUID, list[PaidLine]]:
    found: dict[UUID, list[PaidLine]] = {}
    for row in _COVERED(practice=entries[0].practice_id, entries=[entry.id for entry in entries], clients=shown):
        found.setdefault(row.entry_id, []).append(make_paid_line(row, worded))
    return found


def merge(
    hand: Sequence[Row],
    place_of: Callable[[Row], Any],
    fetch: Callable[[int, int], Iterable[Row]],
    bounds: slice,
) -> list[Row]:
    """Rows `bounds` of two lists told as one, newest first: `hand`, whole to `bounds.stop`, and what `fetch` gives.

    `place_of` gives what both are ordered by. `fetch(start, stop)` reads the longer list. Only the part that can
    reach the page is read: before the page's first row there are at least as many of it as the page's number less
    all of `hand`.
    """
    start = max(bounds.start - len(hand), 0)
    window = list(fetch(start, bounds.stop))
    if not window and start:
        # The page lies behind the longer list's end: read it whole to place the rest.
        start, window = 0, list(fetch(0, bounds.stop))
    newer = [row for row in hand if start and window and place_of(row) > place_of(window[0])]
    merged = sorted([*window, *(row for row in hand if row not in newer)], key=place_of, reverse=True)
    before = start + len(newer)
    return merged[bounds.start - before : bounds.stop - before]
