"""Whom no e-mail reaches: the desk calls, or sends a letter, and says that it did.

An account of which nobody could be told, and people to whom an e-mail does not arrive.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import timedelta
from typing import Final
from uuid import UUID

from django.db.models import Exists, OuterRef, QuerySet

from paywell.accounts.models import Role
from paywell.accounts.types import Permission, StaffViewer
from paywell.core import clock
from paywell.core.errors import NotAllowed
from paywell.ledger.models import LineBalance
from paywell.notifications.models import Delivery, RecipientKind

#: An e-mail that failed this often, and within this time, is shown: the address may be wrong.
MAIL_TRIES: Final = 3
MAIL_SINCE: Final = timedelta(days=14)


def list_failing(viewer: StaffViewer) -> QuerySet[Delivery]:
    """E-mails that the mail server refused several times, until staff took care of it; the oldest first."""
    if not viewer.may(Permission.EDIT_CLIENTS) or viewer.role is Role.CLINICIAN:
        return Delivery.objects.none()
    rows = Delivery.objects.filter(practice=viewer.practice, sent_at=None, skipped_at=None, seen_at=None)
    return rows.filter(tries__gte=MAIL_TRIES, created_at__gt=clock.now() - MAIL_SINCE).order_by("created_at", "id")


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
    """Staff told them in another way. Returns how many entries that closes; the same again closes none.

    An e-mail that fails goes on being tried: it may be the mail server that is down.
    """
    if not viewer.may(Permission.EDIT_CLIENTS):
        raise NotAllowed
    closed = 0
    for waiting in (list_unreached(viewer), list_failing(viewer)):
        rows = Delivery.objects.filter(pk__in=waiting.filter(pk__in=delivery_ids).order_by().values("pk"))
        closed += rows.filter(practice=viewer.practice).update(seen_at=clock.now(), seen_by=viewer.id)
    return closed
