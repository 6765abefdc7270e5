"""Fetch and check in one step. A refusal is a NotFoundForViewer and a line of the security log."""

from __future__ import annotations

from uuid import UUID

from paywell.accounts.models import Role
from paywell.accounts.types import Permission, StaffViewer
from paywell.billing.models import Entry, Question
from paywell.clients.access import clients_of
from paywell.core.errors import NotFoundForViewer
from paywell.core.security_log import access_refused


def access_entry(viewer: StaffViewer, entry_id: UUID) -> Entry:
    """An entry of the practice, for staff who may see money. A clinician makes none and takes none back."""
    rows = Entry.objects.filter(practice=viewer.practice, id=entry_id)
    row = rows.select_related("account", "service__client", "actor", "reversed_by").first()
    if row is None or not viewer.may(Permission.SEE_MONEY) or viewer.role is Role.CLINICIAN:
        access_refused(viewer=viewer, kind="entry", target=entry_id, reason="not theirs")
        raise NotFoundForViewer
    return row


def access_question(viewer: StaffViewer, question_id: UUID) -> Question:
    """A question about a line of a client whom the viewer may see."""
    rows = Question.objects.filter(practice=viewer.practice, line__client__in=clients_of(viewer), id=question_id)
    row = rows.select_related("line__client", "line__invoice", "contact", "answered_by").first()
    if row is None or not viewer.may(Permission.SEE_MONEY):
        access_refused(viewer=viewer, kind="question", target=question_id, reason="not theirs")
        raise NotFoundForViewer
    return row
