"""After a change of processor: whose cards stayed at the old one, and who has entered a card at the new one since.

A card can't be moved from one processor to another by us. Its owner enters it again, once, when they next pay.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import Exists, OuterRef, QuerySet

from paywell.accounts.models import Role
from paywell.accounts.types import StaffViewer
from paywell.clients.access import clients_of
from paywell.clients.models import Contact, Grant
from paywell.core.paging import Page, cut_page, page_bounds
from paywell.payments.models import ProcessorAccount, SavedCard
from paywell.processors.registry import CONNECTORS


@dataclass(frozen=True, slots=True)
class LeftCard:
    """One card that is kept where no new payment goes."""

    card_brand: str
    card_last4: str
    processor: str  #: the old processor's name
    saved_at: datetime


@dataclass(frozen=True, slots=True)
class Recollection:
    """One payer who has to enter a card again: which cards they had, and for whom they pay."""

    contact: Contact
    client_names: tuple[str, ...]
    client_ids: tuple[UUID, ...]
    cards: tuple[LeftCard, ...]


@dataclass(frozen=True, slots=True)
class EarlierAccount:
    """An account that takes no new payments any more. What was paid through it is refunded through it."""

    processor: str
    live_mode: bool
    connected_at: datetime
    disconnected_at: datetime | None
    card_count: int


def name_processor(connector: str) -> str:
    """What people call the processor; its code name where this installation does not know it any more."""
    found = CONNECTORS.get(connector)
    return found.label if found else connector


def list_recollections(viewer: StaffViewer, page: int = 1) -> Page[Recollection]:
    """Payers with a card at an earlier processor and none at the present one, by name. Three queries a page."""
    contacts = cut_page(list(find_waiting(viewer)[page_bounds(page)]), page)
    ids = [contact.id for contact in contacts.rows]
    cards = _group(
        SavedCard.objects.filter(practice=viewer.practice, contact__in=ids, removed_at=None)
        .filter(processor_account__is_active=False)
        .select_related("processor_account")
        .order_by("-created_at", "-id")
    )
    grants: dict[UUID, list[Grant]] = {}
    for grant in (
        Grant.objects.filter(practice=viewer.practice, contact__in=ids, withdrawn_at=None, may_pay=True)
        .select_related("client")
        .order_by("client__legal_last_name", "client_id")
    ):
        grants.setdefault(grant.contact_id, []).append(grant)
    return contacts.with_rows(
        Recollection(
            contact=contact,
            client_names=tuple(dict.fromkeys(grant.client.name for grant in grants.get(contact.id, ()))),
            client_ids=tuple(dict.fromkeys(grant.client_id for grant in grants.get(contact.id, ()))),
            cards=tuple(cards.get(contact.id, ())),
        )
        for contact in contacts.rows
    )


def count_recollections(viewer: StaffViewer) -> int:
    return find_waiting(viewer).count()


def list_earlier_accounts(practice_id: UUID) -> list[EarlierAccount]:
    """The practice's earlier accounts, the last one first."""
    rows = ProcessorAccount.objects.filter(practice=practice_id, is_active=False).order_by(
        "-disconnected_at", "-id"
    )
    counts: dict[UUID, int] = {}
    for account_id in SavedCard.objects.filter(practice=practice_id, removed_at=None).values_list(
        "processor_account_id", flat=True
    ):
        counts[account_id] = counts.get(account_id, 0) + 1
    return [
        EarlierAccount(
            processor=name_processor(row.connector),
            live_mode=row.live_mode,
            connected_at=row.connected_at,
            disconnected_at=row.disconnected_at,
            card_count=counts.get(row.id, 0),
        )
        for row in rows
    ]


def is_waiting(contact: Contact) -> bool:
    """Whether this payer still has a card at an earlier processor alone."""
    return _waiting(contact.practice_id).filter(pk=contact.pk).exists()


def find_waiting(viewer: StaffViewer) -> QuerySet[Contact]:
    """The payers of the list, with their sign-ins, by name; of a clinician's own clients alone."""
    rows = _waiting(viewer.practice.id).select_related("user")
    if viewer.role is Role.CLINICIAN:
        rows = rows.filter(id__in=Grant.objects.filter(client__in=clients_of(viewer)).values("contact_id"))
    return rows.order_by("name", "id")


def _waiting(practice_id: UUID) -> QuerySet[Contact]:
    kept = SavedCard.objects.filter(practice=practice_id, contact=OuterRef("pk"), removed_at=None)
    return Contact.objects.filter(
        Exists(kept.filter(processor_account__is_active=False)),
        ~Exists(kept.filter(processor_account__is_active=True)),
        practice=practice_id,
    )


def _group(cards: Sequence[SavedCard] | QuerySet[SavedCard]) -> dict[UUID, list[LeftCard]]:
    found: dict[UUID, list[LeftCard]] = {}
    for card in cards:
        left = LeftCard(card.brand, card.last4, name_processor(card.processor_account.connector), card.created_at)
        found.setdefault(card.contact_id, []).append(left)
    return found
