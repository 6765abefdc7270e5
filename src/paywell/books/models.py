"""What each check of the books found."""

from __future__ import annotations

from django.db import models

from paywell.practice.models import PracticeOwned


class BookCheck(PracticeOwned):
    """One run over one practice's books. One row for each practice, so that none reads of another's findings."""

    at = models.DateTimeField()
    took_ms = models.PositiveIntegerField()
    with_processor = models.BooleanField(default=False)
    unasked = models.PositiveSmallIntegerField(
        default=0, db_default=0, help_text="How many of the practice's processors gave no whole answer."
    )
    transfers = models.PositiveIntegerField(help_text="How many there were: the next run may not see fewer.")
    findings = models.JSONField(default=list, help_text="Number of the law, what is wrong, and the row's id.")

    class Meta:
        indexes = [models.Index(fields=["practice", "-at"], name="book_check_last")]
