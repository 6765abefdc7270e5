"""Reviews: what about money only a person can close."""

from __future__ import annotations

from uuid import UUID

from django.db.models import QuerySet

from paywell.accounts.models import Role
from paywell.accounts.types import Permission, StaffViewer
from paywell.audit.actions import record
from paywell.clients.access import clients_of
from paywell.core import clock
from paywell.core.db import lock, phase
from paywell.core.errors import NotAllowed, NotFoundForViewer, UserError
from paywell.core.money import Money
from paywell.core.paging import Page, cut_page, page_bounds
from paywell.core.security_log import access_refused
from paywell.outbox.actions import emit
from paywell.payments.models import AttemptLine, AttemptState, Refund, RefundState, Review

NOTE_MAX = 300


def name_review(kind: str, about: str) -> str:
    """By which a review is the only one of its kind about its subject."""
    return f"{kind}:{about}"[:160]


def open_review(
    *,
    practice_id: UUID,
    kind: str,
    about: str,
    money: Money,
    attempt_id: UUID | None = None,
    processor_account_id: UUID | None = None,
    deposit_id: UUID | None = None,
    detail: str = "",
) -> None:
    """Put something before a person, once for each `kind` and `about`. In the transaction of what it tells of."""
    dedupe = name_review(kind, about)
    review, is_new = Review.objects.get_or_create(
        practice_id=practice_id,
        dedupe=dedupe,
        defaults={
            "attempt_id": attempt_id,
            "processor_account_id": processor_account_id,
            "deposit_id": deposit_id,
            "kind": kind,
            "amount_minor": money.minor,
            "currency": money.currency,
            "detail": detail[:300],
            "opened_at": clock.now(),
        },
    )
    if is_new:
        emit(
            practice_id=practice_id,
            kind="payments.review_opened",
            dedupe=f"review_opened:{review.id}",
            payload={"review_id": str(review.id)},
        )


def list_reviews(viewer: StaffViewer, page: int = 1, *, is_open: bool = True) -> Page[Review]:
    """What waits for a person, the longest wait first; or what was closed, the latest first.

    With attempt, its account and payer, and who closed it. A clinician sees what concerns their own clients.
    Raises NotAllowed for a role that may not see money. One query.
    """
    if not viewer.may(Permission.SEE_MONEY):
        raise NotAllowed
    rows = _seen_by(viewer).filter(closed_at__isnull=is_open)
    rows = rows.select_related("attempt__account", "attempt__contact", "closed_by")
    rows = rows.order_by("opened_at", "id") if is_open else rows.order_by("-closed_at", "-id")
    return cut_page(rows[page_bounds(page)], page)


def count_open_reviews(viewer: StaffViewer) -> int:
    """How many wait for a person: the number in the desk's inbox."""
    return _seen_by(viewer).filter(closed_at=None).count() if viewer.may(Permission.SEE_MONEY) else 0


def access_review(viewer: StaffViewer, review_id: UUID) -> Review:
    """One review that the viewer may see. Raises NotFoundForViewer, with a security log line."""
    review = _seen_by(viewer).filter(pk=review_id).select_related("attempt").first()
    if review is None or not viewer.may(Permission.SEE_MONEY):
        access_refused(viewer=viewer, kind="review", target=review_id, reason="not theirs")
        raise NotFoundForViewer
    return review


def close_review(*, viewer: StaffViewer, review: Review, note: str) -> Review:
    """A person has looked, and says what they found. Moves no money and changes no payment.

    Needs the right to refund. Closing it again changes nothing: the first note stays. Raises UserError
    `note_missing`, `note_too_long`, and while the payment still holds its services, or its refund has no end,
    `payment_in_review` or `refund_in_review`: then nobody would be reminded of it any more.
    """
    if not viewer.may(Permission.REFUND):
        raise NotAllowed
    note = clean_note(note)
    with phase():
        found = lock(_seen_by(viewer)).filter(pk=review.pk).first()
        if found is None:
            raise NotFoundForViewer
        if found.closed_at is not None:
            return found
        if find_refund_given_up(found):
            raise UserError(
                "This refund is not settled yet. Have the processor asked again first.", code="refund_in_review"
            )
        if found.attempt is not None and found.attempt.state == AttemptState.IN_REVIEW:
            raise UserError(
                "This payment is not settled yet and still holds its services. Settle it first.",
                code="payment_in_review",
            )
        found.closed_at = clock.now()
        found.closed_by_id = viewer.id
        found.closing_note = note
        found.save(update_fields=["closed_at", "closed_by", "closing_note"])
        record(
            practice_id=viewer.practice.id,
            actor_id=viewer.id,
            action="payments.close_review",
            target_kind="review",
            target_id=found.id,
            detail={"kind": found.kind},
        )
    return found


def find_refund_given_up(review: Review) -> Refund | None:
    """The refund of which no look-up told in 72 hours, while nothing has settled it."""
    kind, _, about = review.dedupe.partition(":")
    if kind != "refund_given_up":
        return None
    given_up = Refund.objects.filter(practice_id=review.practice_id, pk=about, state=RefundState.IN_REVIEW)
    return given_up.select_related("attempt__processor_account").first()


def clean_note(note: str) -> str:
    """What the person wrote down. Raises UserError `note_missing`, `note_too_long`."""
    note = note.replace("\x00", "").strip()
    if not note:
        raise UserError("Write down what you found.", code="note_missing", field="note")
    if len(note) > NOTE_MAX:
        raise UserError(f"Use at most {NOTE_MAX} characters.", code="note_too_long", field="note")
    return note


def _seen_by(viewer: StaffViewer) -> QuerySet[Review]:
    rows = Review.objects.filter(practice=viewer.practice)
    if viewer.role is not Role.CLINICIAN:
        return rows
    # An attempt has several lines: a join would show its review once for each of them.
    own = AttemptLine.objects.filter(practice=viewer.practice, line__client__in=clients_of(viewer))
    return rows.filter(attempt__in=own.values("attempt_id"))
