"""The delivery log as staff read it: who was sent which kind of notice, when, and what became of it. No content."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from paywell.accounts.models import Invitation, User
from paywell.accounts.types import Permission, StaffViewer
from paywell.clients.models import BillingAccount, Client, Contact, Grant
from paywell.core.errors import NotFoundForViewer
from paywell.core.security_log import access_refused
from paywell.notifications.kinds import KINDS
from paywell.notifications.models import Delivery, RecipientKind, SkipReason
from paywell.practice.models import Clinician

#: What became of an e-mail, as a condition on its row.
OUTCOMES: Final[dict[str, Q]] = {
    "sent": Q(sent_at__isnull=False),
    "failed": Q(sent_at=None, skipped_at=None) & ~Q(error=""),
    "skipped": Q(skipped_at__isnull=False),
    "waiting": Q(sent_at=None, skipped_at=None, error=""),
}


@dataclass(frozen=True, slots=True)
class LogRow:
    at: datetime
    notice: str  #: its kind in words
    to: str  #: whose name; empty where the person is gone
    to_kind: str
    outcome: str  #: one of OUTCOMES
    why: str  #: for what failed or was skipped
    client_id: UUID | None  #: on whose record the address stands; None for staff and for who was invited


def list_deliveries(viewer: StaffViewer, *, outcome: str = "", notice: str = "") -> QuerySet[Delivery]:
    """Everything that was sent or was to be sent, newest first. Needs the right to see the trail."""
    if not viewer.may(Permission.SEE_AUDIT):
        access_refused(viewer=viewer, kind="delivery log", target=viewer.practice.id, reason="role")
        raise NotFoundForViewer
    rows = Delivery.objects.filter(OUTCOMES.get(outcome, Q()), practice=viewer.practice)
    if notice in KINDS:
        rows = rows.filter(notice=notice)
    return rows.order_by("-created_at", "-id")


def name_rows(viewer: StaffViewer, deliveries: Sequence[Delivery]) -> list[LogRow]:
    """The same with names in place of ids: seven queries for any number."""
    names, clients = _find_names(viewer, deliveries), _find_clients(viewer, deliveries)
    return [
        LogRow(
            at=row.sent_at or row.skipped_at or row.created_at,
            notice=str(KINDS[row.notice].label) if row.notice in KINDS else _("Notice from before this log"),
            to=names.get(row.recipient_id, ""),
            to_kind=RecipientKind(row.recipient_kind).label,
            outcome=next(key for key, is_so in _outcomes(row).items() if is_so),
            why=_say_why(row),
            client_id=clients.get(row.recipient_id),
        )
        for row in deliveries
    ]


def _find_clients(viewer: StaffViewer, deliveries: Collection[Delivery]) -> dict[UUID, UUID]:
    """A client of each contact and account: their people's addresses stand on that record."""
    ids = {row.recipient_id for row in deliveries}
    own = {"practice": viewer.practice}
    found = dict(Client.objects.filter(**own, default_account__in=ids).values_list("default_account_id", "id"))
    return found | dict(Grant.objects.filter(**own, contact__in=ids).values_list("contact_id", "client_id"))


def _outcomes(row: Delivery) -> dict[str, bool]:
    return {
        "sent": row.sent_at is not None,
        "skipped": row.skipped_at is not None,
        "failed": bool(row.error),
        "waiting": True,
    }


def _say_why(row: Delivery) -> str:
    if row.sent_at is not None:
        return ""
    if row.skipped_at is not None:
        return str(SkipReason(row.skip_reason).label) if row.skip_reason else _("The client wants no e-mail")
    if row.error:
        words = _("The mail server did not take it (%(error)s). Tries: %(tries)d. It is tried again.")
        return words % {"error": row.error, "tries": row.tries}
    return ""


def _find_names(viewer: StaffViewer, deliveries: Collection[Delivery]) -> dict[UUID, str]:
    ids: dict[str, set[UUID]] = {kind: set() for kind in RecipientKind.values}
    for row in deliveries:
        ids[row.recipient_kind].add(row.recipient_id)
    own = {"practice": viewer.practice}
    found = dict(Contact.objects.filter(**own, id__in=ids["contact"]).values_list("id", "name"))
    found |= dict(Clinician.objects.filter(**own, id__in=ids["clinician"]).values_list("id", "name"))
    found |= dict(Invitation.objects.filter(**own, id__in=ids["invitation"]).values_list("id", "email"))
    found |= dict(BillingAccount.objects.filter(**own, id__in=ids["account"]).values_list("id", "name"))
    return found | {user.id: user.get_full_name() for user in User.objects.filter(id__in=ids["user"])}
