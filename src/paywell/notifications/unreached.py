"""Accounts of which nobody could be told by e-mail: the desk calls, or sends a letter, and says that it did."""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

from django.db.models import Exists, OuterRef, QuerySet

from paywell.accounts.models import Role
from paywell.accounts.types import Permission, StaffViewer
from paywell.core import clock
from paywell.core.errors import NotAllowed
from paywell.ledger.models import LineBalance
from paywell.notifications.models import Delivery, RecipientKind


def list_unreached(viewer: StaffViewer) -> QuerySet[Delivery]:
    """The latest for each account that still owes something, until staff took care of it; the oldest first."""
    if not viewer.may(Permission.EDIT_CLIENTS) or viewer.role is Role.CLINICIAN:
        return Delivery.objects.none()  # An account is the whole practice's to look after: no clinician's own.
    rows = Delivery.objects.filter(practice=viewer.practice, recipient_kind=RecipientKind.ACCOUNT)
    later = rows.filter(recipient_id=OuterRef("recipient_id"), created_at__gt=OuterRef("created_at"))
    owes = LineBalance.objects.filter(
        practice_id=viewer.practice.id, owner_id=OuterRef("recipient_id"), balance_minor__gt=0
    )
    return rows.filter(~Exists(later), Exists(owes), seen_at=None).order_by("created_at", "id")


def mark_told(*, viewer: StaffViewer, delivery_ids: Collection[UUID]) -> int:
    """Staff told them in another way. Returns how many entries that closes; the same again closes none."""
    if not viewer.may(Permission.EDIT_CLIENTS):
        raise NotAllowed
    rows = Delivery.objects.filter(pk__in=list_unreached(viewer).filter(pk__in=delivery_ids).values("pk"))
    return rows.filter(practice=viewer.practice).update(seen_at=clock.now(), seen_by=viewer.id)
