"""Fetches and checks payments and saved cards in one step. A refusal is a 404 and a security log line."""

from __future__ import annotations

from typing import NoReturn
from uuid import UUID

from paywell.accounts.models import Role
from paywell.accounts.types import Permission, StaffViewer
from paywell.billing.models import Entry, EntryKind
from paywell.clients.access import clients_of
from paywell.clients.types import PortalViewer
from paywell.core.db import all_practices
from paywell.core.errors import NotFoundForViewer
from paywell.core.security_log import access_refused
from paywell.payments.models import Attempt, Deposit, SavedCard


def access_attempt(viewer: PortalViewer, attempt_id: UUID) -> Attempt:
    """An attempt on the open account: made by this contact, or covering only clients whom they act for."""
    attempt = (
        Attempt.objects.filter(practice=viewer.practice, account=viewer.account, id=attempt_id)
        .select_related("contact", "processor_account", "saved_card")
        .first()
    )
    if attempt is None:
        _refuse(viewer, "payment", attempt_id)
    if attempt.contact_id != viewer.contact.id:
        clients = set(attempt.lines.values_list("line__client_id", flat=True))
        if not clients <= viewer.client_ids:
            _refuse(viewer, "payment", attempt_id)
    return attempt


def find_other_account(viewer: PortalViewer, attempt_id: UUID) -> UUID | None:
    """Which other account of the same person an attempt is on; None for the open one, and for nobody's business."""
    others = [choice.account_id for choice in viewer.choices if choice.account_id != viewer.account.id]
    if not others:
        return None
    with all_practices():
        rows = Attempt.objects.filter(pk=attempt_id, account__in=others)
        return rows.values_list("account_id", flat=True).first()


def access_payment(viewer: StaffViewer, attempt_id: UUID) -> Attempt:
    """An attempt of the practice, for staff who may see money; for a clinician only of their own clients."""
    rows = Attempt.objects.filter(practice=viewer.practice, id=attempt_id)
    if viewer.role is Role.CLINICIAN:
        rows = rows.filter(lines__line__client__in=clients_of(viewer)).distinct()
    attempt = rows.select_related("contact", "account", "processor_account", "saved_card").first()
    if attempt is None or not viewer.may(Permission.SEE_MONEY):
        _refuse(viewer, "payment", attempt_id)
    return attempt


def access_deposit(viewer: StaffViewer, deposit_id: UUID) -> Deposit:
    """A deposit of the practice. It holds everybody's payments: a clinician, who sees own clients, finds none."""
    deposit = (
        Deposit.objects.filter(practice=viewer.practice, id=deposit_id).select_related("processor_account").first()
    )
    if deposit is None or viewer.role is Role.CLINICIAN or not viewer.may(Permission.SEE_MONEY):
        _refuse(viewer, "deposit", deposit_id)
    return deposit


def find_hand_payment(viewer: PortalViewer | StaffViewer, entry_id: UUID) -> Entry | None:
    """The payment by hand with this id, as the viewer's history has it; None where the id is none of one.

    Raises NotFoundForViewer for one that is not theirs to see.
    """
    row = (
        Entry.objects.filter(practice=viewer.practice, kind=EntryKind.PAYMENT, id=entry_id)
        .select_related("account", "practice", "actor", "reversed_by")
        .first()
    )
    if row is None:
        return None
    clients = set(row.lines.values_list("line__client_id", flat=True))
    if isinstance(viewer, PortalViewer):
        is_theirs = row.account_id == viewer.account.id and clients <= viewer.client_ids
    else:
        own = clients_of(viewer)
        is_theirs = viewer.may(Permission.SEE_MONEY) and (
            viewer.role is not Role.CLINICIAN or own.filter(id__in=clients).exists()
        )
    if not is_theirs:
        _refuse(viewer, "payment", entry_id)
    return row


def access_saved_card(viewer: PortalViewer, card_id: UUID) -> SavedCard:
    """A card that this contact keeps, not removed. Nobody else's, whatever account is open."""
    card = SavedCard.objects.filter(
        practice=viewer.practice, contact=viewer.contact, id=card_id, removed_at=None
    ).first()
    if card is None:
        _refuse(viewer, "saved card", card_id)
    return card


def _refuse(viewer: PortalViewer | StaffViewer, kind: str, target: UUID) -> NoReturn:
    access_refused(viewer=viewer, kind=kind, target=target, reason="not theirs")
    raise NotFoundForViewer
