"""Cards that a processor keeps for a payer: seen, used and removed by that contact alone."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from django.db.models import QuerySet

from paywell.audit.actions import record
from paywell.clients.models import Contact
from paywell.clients.types import PortalViewer
from paywell.core import clock
from paywell.core.clock import business_date
from paywell.core.db import lock, phase
from paywell.core.errors import NotFoundForViewer, UserError
from paywell.core.money import Money
from paywell.core.prepared import Prepared
from paywell.payments import processor_accounts
from paywell.payments.history import DATED, SHOWN_STATES, get_moment, get_status
from paywell.payments.models import Attempt, AttemptState, CardConsent, ProcessorCustomer, SavedCard
from paywell.payments.recollect import name_processor
from paywell.payments.reviews import open_review
from paywell.payments.types import Shown
from paywell.processors.contract import CardFacts, SavedCardFacts, Verdict

_log = logging.getLogger("paywell.payments.cards")

NAME_MAX: Final = 60
#: A processor that has not confirmed a removal by then is put before a person; we go on trying.
STILL_KEPT_AFTER: Final = timedelta(hours=72)
_LAST4: Final = re.compile(r"[0-9]{4}", re.ASCII)
_TOKEN_MAX: Final = 120

_REMOVED = Prepared(
    lambda limit: (
        SavedCard.objects.filter(removed_at__isnull=False, forgotten_at=None)
        .order_by("-removed_at")
        .select_related("processor_account")[:limit]
    )
)


@dataclass(frozen=True, slots=True)
class CardUse:
    """One payment with a saved card, or a try at one."""

    attempt_id: UUID
    at: datetime
    amount: Money
    status: Shown
    is_here: bool  #: on the open account: its page can be opened


@dataclass(frozen=True, slots=True)
class ListedCard:
    """A saved card as its owner sees it. `created_at`: since when it may be used."""

    id: UUID
    name: str
    brand: str
    last4: str
    exp_month: int | None
    exp_year: int | None
    is_expired: bool
    is_default: bool
    is_usable: bool  #: its processor takes the practice's new payments
    processor: str  #: the name of the processor that keeps it
    created_at: datetime
    uses: tuple[CardUse, ...]


def list_cards(viewer: PortalViewer) -> list[ListedCard]:
    """The viewer's own cards, the default first, then the newest; each with every use. Two queries."""
    cards = list(_own(viewer).select_related("processor_account").order_by("-is_default", "-created_at", "-id"))
    return _listed(viewer, cards, _uses(viewer, cards))


def list_cards_for_staff(practice_id: UUID, contact_ids: Iterable[UUID]) -> list[SavedCard]:
    """The cards that people with access to a client keep, with their owner and latest consent. Two queries.

    Staff see that a card is there and until when, never a token; they can't use it here.
    """
    rows = SavedCard.objects.filter(practice_id=practice_id, contact__in=list(contact_ids), removed_at=None)
    rows = rows.select_related("contact", "processor_account").prefetch_related("consents")
    return list(rows.order_by("contact__name", "-is_default", "-created_at"))


def list_usable_cards(viewer: PortalViewer, processor_account_id: UUID) -> list[ListedCard]:
    """Those that can be paid with through this processor account, without their uses. One query."""
    cards = _own(viewer).filter(processor_account=processor_account_id, processor_account__is_active=True)
    cards = cards.select_related("processor_account").order_by("-is_default", "-created_at", "-id")
    return _listed(viewer, cards, {})


def rename_card(*, viewer: PortalViewer, card: SavedCard, name: str) -> SavedCard:
    """Give the card the payer's own name; empty takes it away. Raises UserError `card_name_too_long`."""
    name = " ".join(name.replace("\x00", "").split())
    if len(name) > NAME_MAX:
        raise UserError(f"Use at most {NAME_MAX} characters.", code="card_name_too_long", field="name")
    if re.search(r"[0-9](?:[ -]?[0-9]){11,}", name):
        raise UserError("Don't put a card number into the name.", code="card_name_is_number", field="name")
    with phase():
        card = _hold(viewer, card)
        card.name = name
        card.save(update_fields=["name"])
    return card


def set_default_card(*, viewer: PortalViewer, card: SavedCard) -> SavedCard:
    """Make it the card that is chosen already when the payment window opens."""
    with phase():
        card = _hold(viewer, card)
        _own(viewer).filter(is_default=True).exclude(pk=card.pk).update(is_default=False)
        card.is_default = True
        card.save(update_fields=["is_default"])
    return card


def remove_card(*, viewer: PortalViewer, card: SavedCard) -> SavedCard:
    """Take the card away: always allowed, also the last one. From the commit on it can't be charged here.

    Then the processor is told to forget it; where it does not confirm, the hourly job asks again. The newest
    of the cards that are left becomes the default. Removing it twice is harmless.
    """
    with phase():
        lock(Contact.objects.filter(practice=viewer.practice, pk=viewer.contact.pk)).values_list("pk").get()
        found = SavedCard.objects.filter(practice=viewer.practice, contact=viewer.contact, pk=card.pk).first()
        if found is None:
            raise NotFoundForViewer
        card = found
        if card.removed_at is None:
            was_default = card.is_default
            card.removed_at, card.is_default = clock.now(), False
            card.save(update_fields=["removed_at", "is_default"])
            if was_default:
                _promote_newest(viewer)
            record(
                practice_id=viewer.practice.id,
                actor_id=viewer.id,
                action="payments.remove_card",
                target_kind="saved_card",
                target_id=card.id,
            )
    _forget(card)
    return card


def forget_removed_cards(limit: int = 50) -> int:
    """Ask the processors again to forget what was removed here. Returns how many are forgotten now."""
    return sum(_forget(card) for card in _REMOVED(limit=limit))


def customer_for(*, contact_id: UUID, processor_account_id: UUID, practice_id: UUID) -> ProcessorCustomer:
    """The contact's name at a processor account, made where it is new. Two at once get the same one."""
    return ProcessorCustomer.objects.get_or_create(
        practice_id=practice_id, processor_account_id=processor_account_id, contact_id=contact_id
    )[0]


def keep_card(attempt: Attempt, facts: SavedCardFacts) -> SavedCard | None:
    """Remember the card that the processor kept with this payment, and the payer's consent to it.

    Runs inside `settle`'s transaction and never makes it fail: a card that can't be kept is left out, with a
    line in the log. The same card again changes nothing, and one that was removed stays removed. The payer's
    first card becomes the default.
    """
    if attempt.contact_id is None or not _is_sound(facts):
        _log.warning("attempt %s: the processor kept a card that is not shown here", attempt.id)
        return None
    lock(Contact.objects.filter(pk=attempt.contact_id)).values_list("pk").get()
    if not _belongs(attempt, attempt.contact_id, facts):
        _log.error("attempt %s: the processor kept a card under another payer's name", attempt.id)
        return None
    card, is_new = SavedCard.objects.get_or_create(
        practice_id=attempt.practice_id,
        processor_account_id=attempt.processor_account_id,
        token=facts.token,
        defaults={
            "contact_id": attempt.contact_id,
            "customer_ref": facts.customer_ref,
            "is_default": not _has_default(attempt.practice_id, attempt.contact_id),
            "created_at": clock.now(),
            **_shown_facts(facts.card),
        },
    )
    if is_new:
        CardConsent.objects.create(
            practice_id=attempt.practice_id,
            card=card,
            attempt=attempt,
            user_id=attempt.actor_id,
            wording_version=attempt.consent_version,
            at=card.created_at,
            **_shown_facts(facts.card),
        )
    if attempt.saved_card_id is None:
        Attempt.objects.filter(pk=attempt.pk).update(saved_card=card)
        attempt.saved_card = card
    return card


def _own(viewer: PortalViewer) -> QuerySet[SavedCard]:
    return SavedCard.objects.filter(practice=viewer.practice, contact=viewer.contact, removed_at=None)


def _hold(viewer: PortalViewer, card: SavedCard) -> SavedCard:
    """The card with its owner's row held, so that two changes can't leave two defaults."""
    lock(Contact.objects.filter(practice=viewer.practice, pk=viewer.contact.pk)).values_list("pk").get()
    found = _own(viewer).filter(pk=card.pk).first()
    if found is None:
        raise NotFoundForViewer
    return found


def _promote_newest(viewer: PortalViewer) -> None:
    newest = _own(viewer).filter(processor_account__is_active=True).order_by("-created_at", "-id").first()
    if newest is not None:
        newest.is_default = True
        newest.save(update_fields=["is_default"])


def _forget(card: SavedCard) -> bool:
    """Tell the processor, outside any transaction. True once it has confirmed."""
    facts = SavedCardFacts(
        card.token, card.customer_ref, CardFacts(card.brand, card.last4, card.exp_month, card.exp_year)
    )
    try:
        answer = processor_accounts.make_processor(card.processor_account).forget_card(facts)
    except (UserError, LookupError) as error:  # not allowed here any more, or a setting is missing
        _log.warning("saved card %s is not forgotten yet: %s", card.id, type(error).__name__)
        return False
    if answer.verdict in (Verdict.SUCCEEDED, Verdict.ABSENT):
        card.forgotten_at = clock.now()
        SavedCard.objects.filter(pk=card.pk, forgotten_at=None).update(forgotten_at=card.forgotten_at)
        return True
    if card.removed_at is not None and clock.now() - card.removed_at >= STILL_KEPT_AFTER:
        with phase():
            open_review(
                practice_id=card.practice_id,
                kind="card_not_forgotten",
                about=str(card.id),
                money=Money(0, card.practice.currency),
                processor_account_id=card.processor_account_id,
                detail=answer.detail,
            )
    return False


def _is_sound(facts: SavedCardFacts) -> bool:
    """What can be stored and recognized. A wallet without last four digits can't be."""
    fits = 0 < len(facts.token) <= _TOKEN_MAX and len(facts.customer_ref) <= _TOKEN_MAX
    return fits and bool(_LAST4.fullmatch(facts.card.last4))


def _belongs(attempt: Attempt, contact_id: UUID, facts: SavedCardFacts) -> bool:
    """Whether the card is this payer's: neither the token nor the name over there is known as another's."""
    here = {"practice_id": attempt.practice_id, "processor_account_id": attempt.processor_account_id}
    if SavedCard.objects.filter(**here, token=facts.token).exclude(contact_id=contact_id).exists():
        return False
    customers = ProcessorCustomer.objects.filter(**here, customer_ref=facts.customer_ref).exclude(customer_ref="")
    if customers.exclude(contact_id=contact_id).exists():
        return False
    customer = customer_for(
        contact_id=contact_id,
        processor_account_id=attempt.processor_account_id,
        practice_id=attempt.practice_id,
    )
    if not customer.customer_ref and facts.customer_ref:
        customer.customer_ref = facts.customer_ref
        customer.save(update_fields=["customer_ref"])
    return True


def _has_default(practice_id: UUID, contact_id: UUID) -> bool:
    return SavedCard.objects.filter(
        practice_id=practice_id, contact_id=contact_id, removed_at=None, is_default=True
    ).exists()


def _shown_facts(card: CardFacts) -> dict[str, str | int | None]:
    return {
        "brand": card.brand[:20],
        "last4": card.last4,
        "exp_month": card.exp_month,
        "exp_year": card.exp_year,
    }


def _uses(viewer: PortalViewer, cards: Iterable[SavedCard]) -> dict[UUID, list[CardUse]]:
    found: dict[UUID, list[CardUse]] = {}
    attempts = Attempt.objects.filter(
        practice=viewer.practice,
        contact=viewer.contact,
        saved_card__in=[card.id for card in cards],
        state__in=SHOWN_STATES,
    ).order_by(DATED.desc(), "-id")
    for attempt in attempts:
        is_paid = attempt.state == AttemptState.SUCCEEDED
        use = CardUse(
            attempt_id=attempt.id,
            at=get_moment(attempt),
            is_here=attempt.account_id == viewer.account.id,
            amount=Money(attempt.captured_minor if is_paid else attempt.amount_minor, attempt.currency),
            status=get_status(attempt),
        )
        found.setdefault(attempt.saved_card_id, []).append(use)  # type: ignore[arg-type]
    return found


def _listed(
    viewer: PortalViewer, cards: Iterable[SavedCard], uses: Mapping[UUID, list[CardUse]]
) -> list[ListedCard]:
    today = business_date(clock.now(), viewer.practice.timezone)
    return [
        ListedCard(
            id=card.id,
            name=card.name,
            brand=card.brand,
            last4=card.last4,
            exp_month=card.exp_month,
            exp_year=card.exp_year,
            is_expired=(card.exp_year or 9999, card.exp_month or 12) < (today.year, today.month),
            is_default=card.is_default,
            is_usable=card.processor_account.is_active,
            processor=name_processor(card.processor_account.connector),
            created_at=card.created_at,
            uses=tuple(uses.get(card.id, ())),
        )
        for card in cards
    ]
