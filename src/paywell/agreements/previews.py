"""What charging many saved cards at once would do: each account that owes something, its cards, or why none."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from uuid import UUID

from paywell.accounts.types import StaffViewer
from paywell.agreements.models import Agreement, AgreementKind
from paywell.agreements.queries import Chargeable, get_chargeables
from paywell.clients.models import BillingAccount
from paywell.core.money import Money
from paywell.ledger.models import LineBalance
from paywell.payments.card_names import name_card
from paywell.payments.models import SavedCard

_NO_CARD = "No card is saved."
_NOT_AGREED = (
    "A card is saved, but its owner did not agree that the practice charges it. They can under AutoPay in "
    "the portal."
)
_ELSEWHERE = "The saved card stayed at an earlier processor. Its owner can add it again in the portal."


@dataclass(frozen=True, slots=True)
class BatchCard:
    """A card whose owner agreed that staff charge it for the account."""

    agreement_id: UUID
    card: str  #: brand and last four digits
    owner: str
    most: Money  #: what is owed and free, at most what the owner's limits leave


@dataclass(frozen=True, slots=True)
class BatchRow:
    """An account that owes something: the cards that can be charged, the longest agreed to first, or why none."""

    account_id: UUID
    account_name: str
    client_id: UUID | None  #: whose record tells more
    owed: Money
    cards: tuple[BatchCard, ...]
    why_not: str


def preview_batch(viewer: StaffViewer, most: int = 500) -> list[BatchRow]:
    """Every account that owes something, with what the batch could charge or why it can't. By name.

    At most eleven queries, however many accounts there are.
    """
    open_lines = LineBalance.objects.filter(practice_id=viewer.practice.id, balance_minor__gt=0)
    accounts = BillingAccount.objects.filter(practice=viewer.practice, id__in=open_lines.values("owner_id"))
    names = dict(accounts.order_by("name", "id").values_list("id", "name")[:most])
    owed: dict[UUID, int] = {}
    clients: dict[UUID, UUID | None] = {}
    lines = open_lines.filter(owner_id__in=names).order_by("on", "line_id")
    for account_id, subject_id, minor in lines.values_list("owner_id", "subject_id", "balance_minor"):
        owed[account_id] = owed.get(account_id, 0) + minor
        clients.setdefault(account_id, subject_id)
    chargeable = _find_chargeable(viewer, names)
    none_agreed = _find_why_none_agreed(viewer, names)
    currency = viewer.practice.currency
    made = []
    for account_id, name in names.items():
        if account_id not in owed:  # paid since the names were read
            continue
        cards, why_not = _find_cards(chargeable.get(account_id, []), none_agreed.get(account_id, _NO_CARD))
        made.append(
            BatchRow(account_id, name, clients[account_id], Money(owed[account_id], currency), cards, why_not)
        )
    return made


def _find_chargeable(viewer: StaffViewer, account_ids: Collection[UUID]) -> dict[UUID, list[Chargeable]]:
    """What could be charged by each account's agreements, the longest agreed to first."""
    rows = Agreement.objects.filter(
        practice=viewer.practice, account_id__in=account_ids, kind=AgreementKind.STAFF, ended_at=None
    ).select_related("practice", "account", "contact", "user", "card")
    found: dict[UUID, list[Chargeable]] = {}
    for chargeable in get_chargeables(list(rows.order_by("agreed_at", "id"))):
        found.setdefault(chargeable.agreement.account_id, []).append(chargeable)
    return found


def _find_why_none_agreed(viewer: StaffViewer, account_ids: Collection[UUID]) -> dict[UUID, str]:
    """Accounts that somebody with a kept card may pay for, and why none of these is agreed to be charged."""
    rows = SavedCard.objects.filter(
        practice=viewer.practice, removed_at=None, contact__grants__account_id__in=account_ids
    )
    why: dict[UUID, str] = {}
    for account_id, is_here in rows.values_list("contact__grants__account_id", "processor_account__is_active"):
        if is_here:
            why[account_id] = _NOT_AGREED
        else:
            why.setdefault(account_id, _ELSEWHERE)
    return why


def _find_cards(options: list[Chargeable], none_agreed: str) -> tuple[tuple[BatchCard, ...], str]:
    """The cards that can be charged now; without one, why the first that was agreed to can't be."""
    if not options:
        return (), none_agreed
    cards, reasons = [], []
    for chargeable in options:
        agreement = chargeable.agreement
        if chargeable.why_not:
            reasons.append(chargeable.why_not)
            continue
        card = name_card(agreement.card.brand, agreement.card.last4)
        cards.append(BatchCard(agreement.id, card, agreement.contact.name, chargeable.most))
    return tuple(cards), "" if cards else reasons[0]
