"""Reads that only the portal's own pages need."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from paywell.clients.types import PortalViewer
from paywell.core import clock
from paywell.core.money import Money
from paywell.payments.history import SHOWN_STATES, get_status
from paywell.payments.models import Attempt, SavedCard
from paywell.payments.types import Shown


@dataclass(frozen=True, slots=True)
class CardUse:
    """One time that a card was charged, or was to be."""

    attempt_id: UUID
    at: datetime
    amount: Money
    status: Shown
    is_here: bool  #: on the open account: its page can be opened


@dataclass(frozen=True, slots=True)
class CardRow:
    """One saved card of the viewer's, with everything that was done with it, newest first."""

    id: UUID
    name: str
    brand: str
    last4: str
    exp_month: int | None
    exp_year: int | None
    is_default: bool
    is_expired: bool
    created_at: datetime
    uses: tuple[CardUse, ...]


def list_cards(viewer: PortalViewer) -> list[CardRow]:
    """The viewer's own cards at the processor that takes payments now: the default first, then the newest.

    Two queries. Nobody else's card, whatever account is open.
    """
    cards = list(
        SavedCard.objects.filter(
            practice=viewer.practice, contact=viewer.contact, removed_at=None, processor_account__is_active=True
        ).order_by("-is_default", "-created_at", "id")
    )
    uses: dict[UUID | None, list[CardUse]] = {}
    attempts = Attempt.objects.filter(
        practice=viewer.practice, contact=viewer.contact, saved_card__in=cards, state__in=SHOWN_STATES
    ).order_by("-created_at", "-id")
    for attempt in attempts:
        uses.setdefault(attempt.saved_card_id, []).append(
            CardUse(
                attempt_id=attempt.id,
                at=attempt.submitted_at or attempt.created_at,
                amount=Money(attempt.amount_minor, attempt.currency),
                status=get_status(attempt),
                is_here=attempt.account_id == viewer.account.id,
            )
        )
    today = clock.business_date(clock.now(), viewer.practice.timezone)
    return [
        CardRow(
            id=card.id,
            name=card.name,
            brand=card.brand,
            last4=card.last4,
            exp_month=card.exp_month,
            exp_year=card.exp_year,
            is_default=card.is_default,
            is_expired=is_expired(card.exp_year, card.exp_month, today.year, today.month),
            created_at=card.created_at,
            uses=tuple(uses.get(card.id, ())),
        )
        for card in cards
    ]


def is_expired(exp_year: int | None, exp_month: int | None, year: int, month: int) -> bool:
    """A card is good to the end of its month; one without a date is not known to be expired."""
    return exp_year is not None and exp_month is not None and (exp_year, exp_month) < (year, month)
