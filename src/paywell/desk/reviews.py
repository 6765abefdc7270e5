"""Closing a review: only a person does it, and says what was found."""

from __future__ import annotations

from uuid import UUID

from paywell.accounts.types import Permission, StaffViewer
from paywell.audit.actions import record
from paywell.core import clock
from paywell.core.db import lock, phase
from paywell.core.errors import NotAllowed, UserError
from paywell.desk.access import refuse
from paywell.payments.models import AttemptState, Review


def access_review(viewer: StaffViewer, review_id: UUID) -> Review:
    """An open review of the practice."""
    review = (
        Review.objects.filter(practice=viewer.practice, closed_at=None, pk=review_id)
        .select_related("attempt")
        .first()
    )
    if review is None:
        refuse(viewer, "review", review_id, "not theirs, or closed")
    return review


def close_review(*, viewer: StaffViewer, review: Review, note: str) -> Review:
    """Take it out of the inbox, with what was found. Raises UserError `still_in_review` while the payment itself
    is undecided."""
    if not viewer.may(Permission.REFUND):
        raise NotAllowed
    with phase():
        row = lock(Review.objects.filter(practice=viewer.practice, pk=review.pk)).select_related("attempt").get()
        if row.closed_at is not None:
            return row
        if row.attempt is not None and row.attempt.state == AttemptState.IN_REVIEW:
            raise UserError(
                "The payment itself is not decided yet. Look it up at the processor first.", code="still_in_review"
            )
        row.closed_at, row.closed_by_id, row.closing_note = clock.now(), viewer.id, note.strip()[:300]
        row.save(update_fields=["closed_at", "closed_by", "closing_note"])
        record(
            practice_id=viewer.practice.id,
            actor_id=viewer.id,
            action="desk.close_review",
            target_kind="review",
            target_id=row.id,
        )
    return row
