"""Payment History: what was paid and tried, for a payer and for the practice."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from datetime import date, datetime, time, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db import connection
from django.db.models import Exists, F, OuterRef, Q, QuerySet, Value
from django.db.models.functions import Coalesce

from paywell.accounts.models import Role
from paywell.accounts.types import StaffViewer
from paywell.billing.models import Entry, EntryLine
from paywell.clients.access import clients_of
from paywell.clients.types import PortalViewer
from paywell.core.money import Money
from paywell.core.paging import PAGE_SIZE, Page, cut_page, page_bounds
from paywell.core.prepared import Prepared
from paywell.payments import by_hand
from paywell.payments.models import Attempt, AttemptLine, AttemptState
from paywell.payments.paid_lines import PAID_LINE_COLUMNS, make_paid_line
from paywell.payments.payer import Payer
from paywell.payments.types import PaidLine, PaymentRow, Shown

#: What the history tells of: through the processor, or entered by hand.
Payment = Attempt | Entry
#: Of a payment, what its place is found by: when it took place, its id, and whether it was entered by hand.
Key = tuple[datetime, UUID, bool]

#: What has a place in the history. An attempt that was never sent, or was taken back, left nothing to tell of.
SHOWN_STATES = (
    AttemptState.SUCCEEDED,
    AttemptState.SUBMITTING,
    AttemptState.PROCESSING,
    AttemptState.UNKNOWN,
    AttemptState.IN_REVIEW,
    AttemptState.DECLINED,
)
#: When a payment took place: when it was settled, as its receipt says; until then, when it was sent. The index
#: `attempt_history` has it.
DATED = Coalesce("closed_at", "submitted_at", "created_at")
#: Days of a filter beyond these mean "all".
EARLIEST, LATEST = date(1900, 1, 1), date(2200, 1, 1)
#: Payments read at once for the CSV.
CHUNK = 500


def list_payments(
    viewer: PortalViewer,
    date_from: date | None = None,
    date_to: date | None = None,
    page: int = 1,
    size: int = PAGE_SIZE,
) -> Page[PaymentRow]:
    """A page of the payer's history, newest first; dates (both inclusive) as the practice's calendar has them.

    Payments by hand stand among them. Three queries a page, four where there are any by hand.
    """
    bounds = page_bounds(page, size)
    rows = _read_portal(viewer, date_from, date_to, bounds)
    found = cut_page(rows, page, size)
    return found.with_rows(_portal_rows(viewer, found.rows))


def recent_payments(viewer: PortalViewer, count: int = 3) -> list[PaymentRow]:
    """The newest payments, for the home page. Three queries, four where there are any by hand."""
    return _portal_rows(viewer, _read_portal(viewer, None, None, slice(0, count)))


def get_payment(viewer: Payer, attempt: Attempt | Entry) -> PaymentRow:
    """One payment, already fetched by its `access_*`, as the history shows it. One query."""
    return _portal_rows(viewer, [attempt])[0]


def iterate_payments(
    viewer: PortalViewer, date_from: date | None = None, date_to: date | None = None
) -> Iterator[PaymentRow]:
    """The whole history of the range, for the CSV, a chunk at a time."""
    start = 0
    while chunk := _read_portal(viewer, date_from, date_to, slice(start, start + CHUNK)):
        yield from _portal_rows(viewer, chunk)
        start += CHUNK


def list_practice_payments(
    viewer: StaffViewer,
    date_from: date | None = None,
    date_to: date | None = None,
    page: int = 1,
    *,
    client_id: UUID | None = None,
    states: Iterable[AttemptState] = SHOWN_STATES,
    method: str = "",
) -> Page[PaymentRow]:
    """Incoming payments of the practice, newest first; for a clinician those of their own clients.

    Payments by hand count as succeeded. `method` narrows: `online`, `hand`, or a billing.models.Method. Three
    queries, five where there are both kinds; one more for a clinician.
    """
    bounds = page_bounds(page)
    keys = _find_keys(*_of_practice(viewer, date_from, date_to, client_id, states, method), bounds.stop)
    found = cut_page(keys[bounds.start :], page)
    return found.with_rows(_staff_rows(viewer, _read_keys(viewer, found.rows)))


def find_practice_payments(
    viewer: StaffViewer,
    date_from: date | None = None,
    date_to: date | None = None,
    *,
    states: Iterable[AttemptState] = SHOWN_STATES,
    method: str = "",
    most: int | None = None,
) -> list[UUID]:
    """The ids of what `list_practice_payments` lists, in its order; the first `most`. One query."""
    keys = _find_keys(*_of_practice(viewer, date_from, date_to, None, states, method), most)
    return [payment_id for _at, payment_id, _is_hand in keys]


def get_practice_payments(viewer: StaffViewer, ids: Collection[UUID]) -> list[PaymentRow]:
    """The payments of these ids that the staff member may see, in this order. At most five queries."""
    rows, entries = _of_practice(viewer, None, None, None, SHOWN_STATES, "")
    found: dict[UUID, Payment] = {row.id: row for row in rows.filter(id__in=ids)}
    if entries is not None:
        found |= {entry.id: entry for entry in entries.filter(id__in=ids)}
    return _staff_rows(viewer, [found[one] for one in ids if one in found])


def _of_practice(
    viewer: StaffViewer,
    date_from: date | None,
    date_to: date | None,
    client_id: UUID | None,
    states: Iterable[AttemptState],
    method: str,
) -> tuple[QuerySet[Attempt], QuerySet[Entry] | None]:
    """Payments and tries of the practice, and those by hand; None where these are not asked for."""
    states = list(states)
    rows = Attempt.objects.filter(practice=viewer.practice, state__in=states)
    touching = AttemptLine.objects.filter(practice=viewer.practice, attempt=OuterRef("pk"))
    if viewer.role is Role.CLINICIAN:
        rows = rows.filter(Exists(touching.filter(line__client__in=clients_of(viewer))))
    if client_id is not None:
        rows = rows.filter(Exists(touching.filter(line__client=client_id)))
    rows = rows.select_related("contact", "account").order_by(DATED.desc(), "-id")
    rows = _between(rows, *_moments(viewer.practice.timezone, date_from, date_to))
    if method not in ("", "online"):
        rows = rows.none()
    if AttemptState.SUCCEEDED not in states or method == "online":
        return rows, None
    entries = by_hand.between(_hand_of_staff(viewer, client_id), date_from, date_to)
    return rows, entries.filter(method=method) if method not in ("", "hand") else entries


def _find_keys(rows: QuerySet[Attempt], entries: QuerySet[Entry] | None, most: int | None) -> QuerySet[Any, Key]:
    """The first `most` of both lists as one, newest first: nothing but keys, which two indexes have in order.

    A page far behind costs what it skips in those indexes; only its own rows are then read whole.
    """
    names, in_order = ("dated", "id", "is_hand"), ("-dated", "-id")
    keys = rows.order_by().annotate(dated=DATED, is_hand=Value(False)).values_list(*names)
    if entries is not None:
        hand = entries.order_by().annotate(dated=F("at"), is_hand=Value(True)).values_list(*names)
        if rows.query.is_empty():
            return hand.order_by(*in_order)[:most]
        if most is not None and connection.vendor == "postgresql":
            # It reads the two in their order only if each is cut, SQLite only if neither is.
            keys, hand = keys.order_by(*in_order)[:most], hand.order_by(*in_order)[:most]
        keys = keys.union(hand, all=True)
    return keys.order_by(*in_order)[:most]


def _read_keys(viewer: StaffViewer, keys: Iterable[Key]) -> list[Payment]:
    """The payments of keys that were found for the viewer, in their order. At most two queries."""
    keys = list(keys)
    own = {"practice": viewer.practice}
    through = [payment_id for _at, payment_id, is_hand in keys if not is_hand]
    by_person = [payment_id for _at, payment_id, is_hand in keys if is_hand]
    found: dict[UUID, Payment] = {}
    if through:
        found |= Attempt.objects.filter(**own).select_related("contact", "account").in_bulk(through)
    if by_person:
        found |= Entry.objects.filter(**own).select_related("account").in_bulk(by_person)
    return [found[payment_id] for _at, payment_id, _is_hand in keys]


def get_practice_payment(viewer: StaffViewer, attempt: Attempt | Entry) -> PaymentRow:
    """One payment, already fetched by its `access_*`, as the desk shows it. One query."""
    return _staff_rows(viewer, [attempt])[0]


def get_status(attempt: Attempt) -> Shown:
    """The history's word for an attempt. "Refunded" is a sum, not a state."""
    if attempt.state == AttemptState.DECLINED:
        return Shown.DECLINED
    if attempt.state != AttemptState.SUCCEEDED:
        return Shown.PROCESSING
    if attempt.disputed:
        return Shown.DISPUTED
    if attempt.refunded_minor >= attempt.captured_minor:
        return Shown.REFUNDED
    return Shown.PARTLY_REFUNDED if attempt.refunded_minor else Shown.PAID


def get_moment(attempt: Attempt) -> datetime:
    """When the payment took place, the same as DATED."""
    return attempt.closed_at or attempt.submitted_at or attempt.created_at


def _scope(viewer: PortalViewer) -> dict[str, Any]:
    """What every query of a payer names: the practice, the open account, who looks, and for whom they act."""
    return {
        "practice": viewer.practice.id,
        "account": viewer.account.id,
        "contact": viewer.contact.id,
        "clients": viewer.client_ids,
    }


def _of_portal(
    practice: UUID,
    account: UUID,
    contact: UUID,
    clients: Collection[UUID],
    since: datetime | None,
    until: datetime | None,
    start: int,
    stop: int,
) -> QuerySet[Attempt]:
    """Payments of the open account: the viewer's own, and others' that cover only clients they act for."""
    beyond = AttemptLine.objects.filter(practice_id=practice, attempt=OuterRef("pk")).exclude(
        line__client__in=clients
    )
    rows = (
        Attempt.objects.filter(practice_id=practice, account_id=account, state__in=SHOWN_STATES)
        .filter(Q(contact_id=contact) | ~Exists(beyond))
        .select_related("contact")
        .only(
            "practice_id", "contact_id", "state", "amount_minor", "captured_minor", "refunded_minor", "currency",
            "disputed", "decline", "card_brand", "card_last4", "notes", "created_at", "submitted_at", "closed_at",
            "contact__name",
        )
        .order_by(DATED.desc(), "-id")
    )  # fmt: skip
    return _between(rows, since, until)[start:stop]


_OF_PORTAL = Prepared(_of_portal)


def _read_portal(
    viewer: PortalViewer, date_from: date | None, date_to: date | None, bounds: slice
) -> list[Payment]:
    """Rows `bounds` of everything that was paid and tried, through the processor and by hand, newest first."""
    scope = _scope(viewer)
    since, until = _moments(viewer.practice.timezone, date_from, date_to)
    hand: list[Payment] = list(
        by_hand.OF_PORTAL(
            practice=scope["practice"], account=scope["account"], clients=scope["clients"],
            since=date_from, until=date_to if date_to and date_to < LATEST else None, stop=bounds.stop,
        )
    )  # fmt: skip
    return by_hand.merge(
        hand,
        _place_of,
        lambda start, stop: _OF_PORTAL(**scope, since=since, until=until, start=start, stop=stop),
        bounds,
    )


def _hand_of_staff(viewer: StaffViewer, client_id: UUID | None) -> QuerySet[Entry]:
    """Payments by hand that the staff member may see. One for no service yet belongs to its account's clients."""
    rows = by_hand.payments_of(viewer.practice.id)
    touching = EntryLine.objects.filter(practice=viewer.practice, entry=OuterRef("pk"))
    if viewer.role is Role.CLINICIAN:
        rows = rows.filter(Exists(touching.filter(line__client__in=clients_of(viewer))))
    if client_id is not None:
        ahead = Q(account__clients=client_id) & ~Exists(touching)
        rows = rows.filter(Exists(touching.filter(line__client=client_id)) | ahead)
    return rows


def _place_of(row: Payment) -> tuple[datetime, UUID]:
    return (row.at if isinstance(row, Entry) else get_moment(row)), row.id


def _moments(zone: str, date_from: date | None, date_to: date | None) -> tuple[datetime | None, datetime | None]:
    """From the first moment of a day to before the first of the day after the last, by the practice's clock."""
    since = _midnight(date_from, zone) if date_from else None
    until = _midnight(date_to + timedelta(days=1), zone) if date_to and date_to < LATEST else None
    return since, until


def _between(rows: QuerySet[Attempt], since: datetime | None, until: datetime | None) -> QuerySet[Attempt]:
    rows = rows.alias(dated=DATED)
    if since:
        rows = rows.filter(dated__gte=since)
    if until:
        rows = rows.filter(dated__lt=until)
    return rows


def _midnight(day: date, zone: str) -> datetime:
    """When the day begins at the practice. The calendar's very first days have no such moment everywhere."""
    return datetime.combine(max(EARLIEST, min(day, LATEST)), time.min, ZoneInfo(zone))


def _portal_rows(viewer: Payer, payments: Iterable[Payment]) -> list[PaymentRow]:
    """Rows as this payer may see them: no wording without the right.

    Of a payment that somebody else made, card, notes and the reason of a decline stay out.
    """
    payments = list(payments)
    attempts, entries = _sort_out(payments)
    lines = _paid_lines(attempts, viewer.client_ids, viewer.document_client_ids)
    rows = [
        _row(attempt, lines.get(attempt.id, []), is_open=attempt.contact_id == viewer.contact_id)
        for attempt in attempts
    ]
    rows += by_hand.make_rows(entries, shown=viewer.client_ids, worded=viewer.document_client_ids)
    return _in_order(rows, payments)


def _staff_rows(viewer: StaffViewer, payments: Iterable[Payment]) -> list[PaymentRow]:
    payments = list(payments)
    attempts, entries = _sort_out(payments)
    own = None
    if viewer.role is Role.CLINICIAN:
        own = frozenset(clients_of(viewer).values_list("id", flat=True))
    lines = _paid_lines(attempts, own, own)
    rows = [_row(attempt, lines.get(attempt.id, []), is_open=True, names_account=True) for attempt in attempts]
    rows += by_hand.make_rows(entries, shown=own, worded=own, names_account=True)
    return _in_order(rows, payments)


def _sort_out(payments: Iterable[Payment]) -> tuple[list[Attempt], list[Entry]]:
    attempts: list[Attempt] = []
    entries: list[Entry] = []
    for payment in payments:
        if isinstance(payment, Entry):
            entries.append(payment)
        else:
            attempts.append(payment)
    return attempts, entries


def _in_order(rows: Iterable[PaymentRow], payments: Iterable[Payment]) -> list[PaymentRow]:
    found = {row.attempt_id: row for row in rows}
    return [found[payment.id] for payment in payments]


def _paid_lines(
    attempts: Iterable[Attempt], shown: frozenset[UUID] | None, worded: frozenset[UUID] | None
) -> dict[UUID, list[PaidLine]]:
    """What each attempt covered: lines of the clients in `shown`, worded for those in `worded`; None is all."""
    attempts = list(attempts)
    if not attempts:
        return {}
    rows = _COVERED(practice=attempts[0].practice_id, attempts=[attempt.id for attempt in attempts], clients=shown)
    found: dict[UUID, list[PaidLine]] = {}
    for row in rows:
        found.setdefault(row.attempt_id, []).append(make_paid_line(row, worded))
    return found


def _covered(
    practice: UUID, attempts: Collection[UUID], clients: Collection[UUID] | None
) -> QuerySet[AttemptLine, Any]:
    # Of the lines, too: else PostgreSQL takes the practice for tiny and begins with all lines of the client.
    rows = AttemptLine.objects.filter(practice_id=practice, attempt_id__in=attempts, line__practice_id=practice)
    rows = rows.order_by("line__on", "id")
    if clients is not None:
        rows = rows.filter(line__client__in=clients)
    return rows.values_list("attempt_id", *PAID_LINE_COLUMNS, named=True)


_COVERED = Prepared(_covered)


def _row(attempt: Attempt, lines: list[PaidLine], *, is_open: bool, names_account: bool = False) -> PaymentRow:
    is_paid = attempt.state == AttemptState.SUCCEEDED
    return PaymentRow(
        attempt_id=attempt.id,
        at=get_moment(attempt),
        status=get_status(attempt),
        amount=Money(attempt.captured_minor if is_paid else attempt.amount_minor, attempt.currency),
        refunded=Money(attempt.refunded_minor, attempt.currency),
        card_brand=attempt.card_brand if is_open else "",
        card_last4=attempt.card_last4 if is_open else "",
        notes=attempt.notes if is_open else "",
        lines=tuple(lines),
        account_name=attempt.account.name if names_account else "",
        payer_name=attempt.contact.name if attempt.contact else "",
        decline=attempt.decline if is_open else "",
        has_receipt=is_paid,
    )
