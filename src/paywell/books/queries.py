"""Reads of what the checks found."""

from __future__ import annotations

from paywell.accounts.types import Permission, StaffViewer
from paywell.books.models import BookCheck
from paywell.core.errors import NotAllowed


def get_last_check(viewer: StaffViewer) -> BookCheck | None:
    """The practice's last check; None before the first. One query. Raises NotAllowed without SEE_AUDIT."""
    if not viewer.may(Permission.SEE_AUDIT):
        raise NotAllowed
    return BookCheck.objects.filter(practice=viewer.practice).order_by("-at", "-id").first()
