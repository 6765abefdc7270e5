"""Keeps what a check found, and puts what is new before a person."""

from __future__ import annotations

from collections import defaultdict
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from django.db.models import Count

from paywell.books.check import Report
from paywell.books.models import BookCheck
from paywell.books.types import Offence
from paywell.core import clock
from paywell.core.db import phase
from paywell.core.money import Money
from paywell.ledger.models import Transfer
from paywell.payments.models import Review
from paywell.payments.reviews import open_review
from paywell.practice.models import Practice

#: Results are kept that long; the last one of each practice always is.
KEEP: Final = timedelta(days=7)
#: New reviews of one run and practice, at most: beyond it one reason is behind them all.
REVIEWS_MAX: Final = 20


def record_check(report: Report) -> None:
    """One result for each practice, with its own findings and those of the whole installation."""
    by_practice: dict[UUID | None, list[Offence]] = defaultdict(list)
    for offence in report.offences:
        by_practice[offence.practice_id].append(offence)
    now = clock.now()
    counts: dict[Any, int] = dict(Transfer.objects.values_list("practice_id").annotate(n=Count("id")))
    for practice in Practice.objects.only("id", "currency").order_by("id"):
        found = by_practice[None] + by_practice[practice.id]
        with phase():
            BookCheck.objects.create(
                practice=practice,
                at=now,
                took_ms=report.took_ms,
                with_processor=report.with_processor,
                unasked=report.unasked_of[practice.id],
                transfers=counts.get(practice.id, 0),
                findings=[offence.to_json() for offence in found],
            )
            BookCheck.objects.filter(practice=practice, at__lt=now - KEEP).delete()
            _open_reviews(practice, found)


def _open_reviews(practice: Practice, found: list[Offence]) -> None:
    """One review for each finding that is new. A queue that stands still is one finding a day."""
    today = clock.now().date().isoformat()
    wanted = {
        (offence.law, f"{offence.what}:{today}" if offence.is_queue else offence.id): offence for offence in found
    }
    kinds = {_kind(law) for law, _about in wanted}
    known = set(Review.objects.filter(practice=practice, kind__in=kinds).values_list("dedupe", flat=True))
    new = [key for key in wanted if f"{_kind(key[0])}:{key[1]}"[:160] not in known]
    for law, about in new[:REVIEWS_MAX]:
        offence = wanted[law, about]
        open_review(
            practice_id=practice.id,
            kind=_kind(law),
            about=about,
            money=Money(0, practice.currency),
            detail=f"{offence.what} {offence.id}",
        )


def _kind(law: int) -> str:
    return f"books_law_{law}"
