"""How a pay link's invoice stands, for whoever holds the link: days and amounts (product.md 1.6)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final
from uuid import UUID

from paywell.billing.models import Entry, EntryKind, EntryLine
from paywell.core import clock
from paywell.core.errors import NotFoundForViewer
from paywell.core.money import Money
from paywell.core.security_log import access_refused
from paywell.invoicing.models import Invoice, InvoiceLine
from paywell.payments.disputes import tell_dispute
from paywell.payments.models import Attempt, AttemptState
from paywell.payments.payer import LinkViewer
from paywell.payments.story import Step, Text, tell_lines

#: No contact has it: no card is named to whoever holds a link.
_NOBODY: Final = UUID(int=0)


@dataclass(frozen=True, slots=True)
class LinkPayment:
    """One payment. `amount` is what of it went to the link's invoice."""

    id: UUID
    on: date
    amount: Money
    method: str
    is_online: bool  #: by this very link; has a page of its own
    has_receipt: bool  #: nothing of another invoice stands on it


@dataclass(frozen=True, slots=True)
class LinkStep:
    """One thing that changed what is owed on the invoice. Its reason and its card stay in the portal."""

    on: date
    what: Text
    change: Money  #: below zero lowers what is owed
    payment: LinkPayment | None  #: where it has a page or a receipt under this link

    @property
    def lowers(self) -> Money:
        return Money(-self.change.minor, self.change.currency)


@dataclass(frozen=True, slots=True)
class LinkStory:
    """From what was invoiced to the balance, and what needs a word because nobody expects it."""

    invoiced: Money
    steps: tuple[LinkStep, ...]
    balance: Money
    due_again: Money  #: of what was paid, what went back to a card
    dispute: str  #: see disputes.tell_dispute
    is_paid: bool  #: payments alone settled it


def tell_link(viewer: LinkViewer) -> LinkStory:
    """The story of the link's invoice. Ten queries at most, however long it is."""
    own = InvoiceLine.objects.filter(practice=viewer.practice, id__in=viewer.line_ids)
    lines = list(own.select_related("service", "invoice").order_by("position"))
    currency = viewer.account.currency
    told = tell_lines(viewer.practice.id, lines, card_of=_NOBODY)
    found: dict[str, list[Step]] = {}
    for step in sorted((step for story in told for step in story.steps), key=lambda step: step.at):
        found.setdefault(step.source, []).append(step)
    payments = {payment.id: payment for payment in list_link_payments(viewer)}
    steps = tuple(_join(viewer, same, payments, currency) for same in found.values())
    back = sum(_change_of(same) for source, same in found.items() if source.startswith("refund"))
    paid = sum(
        _change_of(same)
        for source, same in found.items()
        if source.startswith(("payment:", "refund", "recapture")) or _get_subject(source) in payments
    )
    invoiced = sum(line.amount_minor for line in lines)
    touching = Attempt.objects.filter(practice=viewer.practice, lines__line__in=viewer.line_ids)
    return LinkStory(
        invoiced=Money(invoiced, currency),
        steps=steps,
        balance=sum((story.balance for story in told), Money(0, currency)),
        due_again=Money(max(back, 0), currency),
        dispute=tell_dispute(viewer.practice.id, touching.values("id")),
        is_paid=bool(lines) and -paid == invoiced,
    )


def find_replacement(invoice: Invoice) -> Invoice | None:
    """The invoice that stands in place of a void one today; None where there is none."""
    found = Invoice.objects.filter(practice=invoice.practice_id, replaces=invoice).order_by("-number").first()
    while found is not None and found.voided_at is not None:
        found = Invoice.objects.filter(practice=invoice.practice_id, replaces=found).order_by("-number").first()
    return found


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


def _join(viewer: LinkViewer, same: Sequence[Step], payments: dict[UUID, LinkPayment], currency: str) -> LinkStep:
    """What one source did to the lines of the invoice, as one step."""
    first = same[0]
    subject = _get_subject(first.source)
    payment = payments.get(subject) if subject and not first.source.startswith("entry_reversed") else None
    return LinkStep(
        on=first.counts_on or clock.business_date(first.at, viewer.practice.timezone),
        what=first.what,
        change=Money(_change_of(same), currency),
        payment=payment,
    )


def _change_of(steps: Iterable[Step]) -> int:
    return sum(step.owed.minor for step in steps)


def _get_subject(source: str) -> UUID | None:
    """What a ledger source is about, by its id."""
    try:
        return UUID(source.partition(":")[2][:36])
    except ValueError:
        return None
