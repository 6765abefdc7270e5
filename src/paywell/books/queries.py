"""Reads of what the checks found."""

from __future__ import annotations

from typing import Any

from paywell.accounts.types import Permission, StaffViewer
from paywell.books.checks.processor import BESIDE
from paywell.books.models import BookCheck
from paywell.core.errors import NotAllowed


def get_last_check(viewer: StaffViewer, *, with_processor: bool = False) -> BookCheck | None:
    """The practice's last check, or the last one beside the processors' own lists; None before the first.

    One query. Raises NotAllowed without SEE_AUDIT.
    """
    if not viewer.may(Permission.SEE_AUDIT):
        raise NotAllowed
    rows = BookCheck.objects.filter(practice=viewer.practice)
    rows = rows.filter(with_processor=True) if with_processor else rows
    return rows.order_by("-at", "-id").first()


def join_findings(last: BookCheck | None, beside: BookCheck | None) -> list[dict[str, Any]]:
    """What offends by the last check, and by the last comparison with the processors.

    The checks between two comparisons see nothing of the processors: what one found there stands until the next.
    """
    found = list(last.findings) if last else []
    told = beside.findings if beside else []
    return found + [each for each in told if each["what"] in BESIDE and each not in found]
