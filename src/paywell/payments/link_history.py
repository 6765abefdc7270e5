"""What was paid of a pay link's invoice, for whoever holds the link: days and amounts (product.md 1.6)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from uuid import UUID

from paywell.billing.models import Entry, EntryKind, EntryLine
from paywell.core import clock
from paywell.core.errors import NotFoundForViewer
from paywell.core.money import Money
from paywell.core.security_log import access_refused
from paywell.payments.models import Attempt, AttemptState
from paywell.payments.payer import LinkViewer


@dataclass(frozen=True, slots=True)
class LinkPayment:
    """One payment. `amount` is what of it went to the link's invoice."""

    id: UUID
    on: date
    amount: Money
    method: str
    is_online: bool  #: by this very link; has a page of its own
    has_receipt: bool  #: nothing of another invoice stands on it


def list_link_payments(viewer: LinkViewer) -> list[LinkPayment]:
    """By this very link, and by hand at the practice; the latest first. Two queries, three with some by hand."""
    zone = viewer.practice.timezone
    rows = Attempt.objects.filter(practice=viewer.practice, pay_link=viewer.link, state=AttemptState.SUCCEEDED)
    online = [
        LinkPayment(
            row.id, clock.business_date(row.closed_at or row.created_at, zone),
            Money(row.captured_minor, row.currency), "", is_online=True, has_receipt=True,
        )
        for row in rows.order_by("-created_at")
    ]  # fmt: skip
    return sorted([*online, *_by_hand(viewer)], key=lambda each: each.on, reverse=True)


def find_link_hand_payment(viewer: LinkViewer, entry_id: UUID) -> Entry | None:
    """The payment by hand with this id; None where the id is none of one.

    Raises NotFoundForViewer where any of it went to another invoice, or it was taken back.
    """
    rows = Entry.objects.filter(practice=viewer.practice, kind=EntryKind.PAYMENT, pk=entry_id)
    row = rows.select_related("practice", "account").first()
    if row is None:
        return None
    lines = set(row.lines.values_list("line_id", flat=True))
    if not lines or not lines <= viewer.line_ids or row.reversed_at is not None:
        access_refused(viewer=viewer, kind="payment", target=entry_id, reason="not of this invoice alone")
        raise NotFoundForViewer
    return row


def _by_hand(viewer: LinkViewer) -> list[LinkPayment]:
    parts = EntryLine.objects.filter(
        practice=viewer.practice, line_id__in=viewer.line_ids, entry__kind=EntryKind.PAYMENT,
        entry__reversed_at=None,
    ).select_related("entry")  # fmt: skip
    entries: dict[UUID, Entry] = {}
    sums: dict[UUID, int] = {}
    for part in parts:
        entries[part.entry_id] = part.entry
        sums[part.entry_id] = sums.get(part.entry_id, 0) + part.amount_minor
    if not entries:
        return []
    beyond = EntryLine.objects.filter(practice=viewer.practice, entry__in=entries).exclude(
        line_id__in=viewer.line_ids
    )
    shared = set(beyond.values_list("entry_id", flat=True))
    return [
        LinkPayment(
            entry.id, entry.on, Money(sums[entry.id], entry.currency), entry.get_method_display(),
            is_online=False, has_receipt=entry.id not in shared,
        )
        for entry in entries.values()
    ]  # fmt: skip
