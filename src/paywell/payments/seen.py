"""Payments that came in by themselves and of which nobody at the desk took note yet."""

from __future__ import annotations

from collections.abc import Collection
from datetime import timedelta
from typing import Final
from uuid import UUID

from django.db.models import Exists, OuterRef, QuerySet

from paywell.accounts.models import Role
from paywell.accounts.types import Permission, StaffViewer
from paywell.clients.access import clients_of
from paywell.core import clock
from paywell.core.errors import NotAllowed
from paywell.payments.models import Attempt, AttemptLine, AttemptState, Channel, SeenPayment

#: What is older is no news any more.
NEWS_FOR: Final = timedelta(days=30)
_BY_THEMSELVES: Final = (Channel.PORTAL, Channel.LINK, Channel.AUTOMATIC)


def list_unseen(viewer: StaffViewer) -> QuerySet[Attempt]:
    """Paid in the portal, by a link or by a rule, and not yet seen; the newest first. A clinician's own clients."""
    rows = Attempt.objects.filter(
        practice=viewer.practice, state=AttemptState.SUCCEEDED, channel__in=_BY_THEMSELVES,
        closed_at__gt=clock.now() - NEWS_FOR, seen=None,
    )  # fmt: skip
    if viewer.role is Role.CLINICIAN:
        own = AttemptLine.objects.filter(
            practice=viewer.practice, attempt=OuterRef("pk"), line__client__in=clients_of(viewer)
        )
        rows = rows.filter(Exists(own))
    return rows.select_related("contact", "account").order_by("-closed_at", "-id")


def mark_seen(*, viewer: StaffViewer, attempt_ids: Collection[UUID] = ()) -> int:
    """Take note of these payments, or of all. Returns how many left the inbox."""
    if not viewer.may(Permission.TAKE_PAYMENTS):
        raise NotAllowed
    rows = list_unseen(viewer)
    if attempt_ids:
        rows = rows.filter(id__in=attempt_ids)
    now = clock.now()
    seen = [
        SeenPayment(practice=viewer.practice, attempt_id=attempt_id, seen_by_id=viewer.id, seen_at=now)
        for attempt_id in rows.values_list("id", flat=True)
    ]
    SeenPayment.objects.bulk_create(seen, ignore_conflicts=True)
    return len(seen)
