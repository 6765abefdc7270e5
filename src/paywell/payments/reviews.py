"""Reviews: what about money only a person can close."""

from __future__ import annotations

from uuid import UUID

from paywell.core import clock
from paywell.core.money import Money
from paywell.outbox.actions import emit
from paywell.payments.models import Review


def open_review(
    *,
    practice_id: UUID,
    kind: str,
    about: str,
    money: Money,
    attempt_id: UUID | None = None,
    processor_account_id: UUID | None = None,
    detail: str = "",
) -> None:
    """Put something before a person, once for each `kind` and `about`. In the transaction of what it tells of."""
    dedupe = f"{kind}:{about}"[:160]
    review, is_new = Review.objects.get_or_create(
        practice_id=practice_id,
        dedupe=dedupe,
        defaults={
            "attempt_id": attempt_id,
            "processor_account_id": processor_account_id,
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
