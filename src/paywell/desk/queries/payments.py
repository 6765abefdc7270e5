"""Payments as the desk shows them: the list narrowed, one with its whole story."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final
from uuid import UUID

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy

from paywell.accounts.types import StaffViewer
from paywell.billing.models import Entry
from paywell.clients.models import Client
from paywell.core import clock
from paywell.core.money import Money, format_money
from paywell.core.paging import Page
from paywell.desk.types import TimelineEntry
from paywell.desk.words import (
    CAUSE_WORDS,
    DISPUTE_ENDS,
    DISPUTE_OPENED,
    REFUND_ENDS,
    REFUND_MADE_THERE,
    REFUND_SENT,
    REFUND_UNANSWERED,
    STATE_WORDS,
    UNCHANGED,
)
from paywell.documents.access import list_refund_receipts
from paywell.payments import machine, queries
from paywell.payments.approvals import list_payment_requests
from paywell.payments.deposits import is_unread
from paywell.payments.history import SHOWN_STATES
from paywell.payments.models import (
    Attempt,
    AttemptEvent,
    AttemptState,
    Deposit,
    Dispute,
    Origin,
    Refund,
    RefundRequest,
    RefundState,
    Review,
)
from paywell.payments.types import PaymentRow
from paywell.reports.deposits import find_deposit_of, tells_fees
from paywell.reports.movements import is_narrowed

#: What the list can be narrowed to; the key stands in the address.
STATUS_FILTERS: Final[dict[str, Sequence[AttemptState]]] = {
    "all": SHOWN_STATES,
    "paid": (AttemptState.SUCCEEDED,),
    "processing": (
        AttemptState.SUBMITTING, AttemptState.PROCESSING, AttemptState.UNKNOWN, AttemptState.IN_REVIEW,
    ),
    "declined": (AttemptState.DECLINED,),
}  # fmt: skip
#: How Paywell knows of what became of a refund or a dispute, whichever way it was asked.
_FROM_PROCESSOR: Final = lazy("told by the card processor")
_GIVEN_UP = (RefundState.FAILED, RefundState.FAILED_LATE)


@dataclass(frozen=True, slots=True)
class RefundLine:
    """A refund of the payment, as far as it went."""

    refund: Refund
    amount: Money
    who: str  #: who made it, or from where Paywell knows of it
    receipt_id: UUID | None  #: its issued receipt, where the viewer may see it


@dataclass(frozen=True, slots=True)
class PaymentDetail:
    attempt: Attempt
    row: PaymentRow
    timeline: tuple[TimelineEntry, ...]
    refunds: tuple[RefundLine, ...]
    requests: tuple[tuple[RefundRequest, Money], ...]  #: refunds that wait for a second person
    disputes: tuple[tuple[Dispute, Money], ...]
    reviews: tuple[Review, ...]
    left: Money  #: what can still be refunded
    is_open: bool  #: its outcome is not settled, and a look-up may tell
    fee: Money | None  #: what the processor keeps of it; None while it does not say
    net: Money  #: captured, less refunded, less the fee
    tells_fees: bool
    is_unread: bool  #: the processor does not let its fees be read
    deposit: Deposit | None  #: in which it went to the bank; never for a clinician, who sees own clients only


def list_payments(
    viewer: StaffViewer,
    *,
    client: Client | None = None,
    show: str = "all",
    date_from: date | None = None,
    date_to: date | None = None,
    method: str = "",
    page: int = 1,
) -> Page[PaymentRow]:
    """Payments and tries, newest first. Three queries, one more for those by hand; for a clinician one more."""
    return queries.list_practice_payments(
        viewer,
        date_from,
        date_to,
        page,
        client_id=client.id if client else None,
        states=STATUS_FILTERS.get(show, SHOWN_STATES),
        method=method,
    )


def get_hand_detail(viewer: StaffViewer, entry: Entry) -> dict[str, Any]:
    """A payment by hand, already fetched by `find_hand_payment`, for its page. Two queries."""
    row = queries.get_practice_payment(viewer, entry)
    return {
        "entry": entry,
        "row": row,
        "credit": row.amount - sum((line.amount for line in row.lines), Money(0, entry.currency)),
        "client": entry.account.clients.order_by("created_at").first(),
    }


def get_detail(viewer: StaffViewer, attempt: Attempt) -> PaymentDetail:
    """One payment, already fetched by `access_payment`, with everything that happened to it.

    Seven queries, one more where money went back: for the receipts of that.
    """
    own = {"practice": viewer.practice, "attempt": attempt}
    refunds = list(Refund.objects.filter(**own).select_related("actor").order_by("created_at"))
    asked = list_payment_requests(attempt)
    askers = {each.id: each.requested_by.get_full_name() for each in asked}
    made = {refund.id for refund in refunds}
    waiting = [
        each for each in asked
        if each.id not in made and each.is_approved is not False and each.expires_at > clock.now()
    ]  # fmt: skip
    lines = _refund_lines(viewer, refunds, askers)
    disputes = list(Dispute.objects.filter(**own).order_by("opened_at"))
    told = _tell(attempt, AttemptEvent.objects.filter(**own).order_by("at", "id"))
    told += [*_tell_refunds(lines), *_tell_disputes(disputes)]
    return PaymentDetail(
        attempt=attempt,
        row=queries.get_practice_payment(viewer, attempt),
        timeline=tuple(sorted(told, key=lambda entry: entry.at)),
        refunds=lines,
        requests=tuple((each, Money(each.amount_minor, each.currency)) for each in waiting),
        disputes=tuple((dispute, Money(dispute.amount_minor, dispute.currency)) for dispute in disputes),
        reviews=tuple(Review.objects.filter(**own).order_by("opened_at")),
        left=_left(attempt, refunds),
        is_open=attempt.state in machine.OPEN,
        fee=None if attempt.fee_minor is None else Money(attempt.fee_minor, attempt.currency),
        net=Money(attempt.captured_minor - attempt.refunded_minor - (attempt.fee_minor or 0), attempt.currency),
        tells_fees=tells_fees(attempt.processor_account.connector),
        is_unread=is_unread(attempt.processor_account),
        deposit=None if is_narrowed(viewer) else find_deposit_of(viewer, attempt),
    )


def _refund_lines(
    viewer: StaffViewer, refunds: Sequence[Refund], askers: Mapping[UUID, str]
) -> tuple[RefundLine, ...]:
    """The refunds, `askers` naming who asked where a second person approved. At most one query."""
    receipts = list_refund_receipts(viewer, refunds)
    return tuple(
        RefundLine(
            refund,
            Money(refund.amount_minor, refund.currency),
            _name_maker(refund, askers.get(refund.id, "")),
            receipts.get(refund.id),
        )
        for refund in refunds
    )


def _name_maker(refund: Refund, asker: str) -> str:
    who = refund.actor.get_full_name() if refund.actor else ""
    if asker:
        return _("%(asker)s asked, %(who)s approved") % {"asker": asker, "who": who}
    if refund.origin == Origin.AT_PROCESSOR:
        return _("Made at the processor")
    return who or str(CAUSE_WORDS["rebuild"])


def find_named_payments(viewer: StaffViewer, ids: Collection[UUID]) -> dict[str, UUID]:
    """Those of the ids, as the check of the books names them, that are payments of the practice, by their text."""
    rows = Attempt.objects.filter(practice=viewer.practice, id__in=ids) if ids else Attempt.objects.none()
    return {str(one): one for one in rows.values_list("id", flat=True)}


def get_refundable(viewer: StaffViewer, attempt: Attempt) -> Money:
    """What of the payment can still be given back. The action decides again, with the account held."""
    return _left(attempt, list(Refund.objects.filter(practice=viewer.practice, attempt=attempt)))


def _left(attempt: Attempt, refunds: Iterable[Refund]) -> Money:
    if attempt.state != AttemptState.SUCCEEDED:
        return Money(0, attempt.currency)
    given = sum(refund.amount_minor for refund in refunds if refund.state not in _GIVEN_UP)
    return Money(max(attempt.captured_minor - given, 0), attempt.currency)


def _tell(attempt: Attempt, events: Iterable[AttemptEvent]) -> list[TimelineEntry]:
    """The events in words, from the start. Checks in a row that changed nothing are told once, by the last."""
    words, tone = STATE_WORDS[AttemptState.CREATED]
    told = [TimelineEntry(attempt.created_at, str(words), str(CAUSE_WORDS["create"]), tone)]
    was_idle = False
    for event in events:
        if event.cause == "create":
            continue
        is_idle = event.from_state == event.to_state
        words, tone = STATE_WORDS.get(event.to_state, (event.to_state, "info"))
        if is_idle:
            words, tone = UNCHANGED, "info"
        how = str(CAUSE_WORDS.get(event.cause, event.cause))
        entry = TimelineEntry(event.at, str(words), how, tone)
        if is_idle and was_idle:
            told[-1] = entry
        else:
            told.append(entry)
        was_idle = is_idle
    return told


def _tell_refunds(lines: Iterable[RefundLine]) -> Iterator[TimelineEntry]:
    """What became of each refund, as far as it is known: no word of money that went back before it did."""
    for line in lines:
        refund, amount = line.refund, {"amount": format_money(line.amount)}
        begun = REFUND_MADE_THERE if refund.origin == Origin.AT_PROCESSOR else REFUND_SENT
        yield TimelineEntry(refund.created_at, begun % amount, line.who, "wait")
        if refund.state == RefundState.IN_REVIEW:
            yield TimelineEntry(refund.created_at, REFUND_UNANSWERED % amount, str(CAUSE_WORDS["give_up"]), "warn")
        elif refund.state in REFUND_ENDS and refund.closed_at is not None:
            words, tone = REFUND_ENDS[refund.state]
            yield TimelineEntry(refund.closed_at, str(words) % amount, str(_FROM_PROCESSOR), tone)


def _tell_disputes(disputes: Iterable[Dispute]) -> Iterator[TimelineEntry]:
    for dispute in disputes:
        amount = {"amount": format_money(Money(dispute.amount_minor, dispute.currency))}
        yield TimelineEntry(dispute.opened_at, DISPUTE_OPENED % amount, str(_FROM_PROCESSOR), "warn")
        if dispute.status in DISPUTE_ENDS and dispute.closed_at is not None:
            words, tone = DISPUTE_ENDS[dispute.status]
            yield TimelineEntry(dispute.closed_at, str(words) % amount, str(_FROM_PROCESSOR), tone)
