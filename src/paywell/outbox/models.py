"""Events that are delivered after the transaction that wrote them."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from paywell.core.ids import new_id


class OutboxEvent(models.Model):
    """One thing that happened and that somebody outside should hear of, once.

    Delivered by a job: leased, handed to the handlers of its kind, marked. `dedupe` makes writing it twice
    impossible; the stable id makes delivering it twice harmless (it becomes the e-mail's Message-ID).
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    practice_id = models.UUIDField()
    kind = models.CharField(max_length=60, help_text="room.what_happened, e.g. payments.payment_succeeded")
    dedupe = models.CharField(max_length=120)
    payload = models.JSONField(default=dict, help_text="Ids only: no amount, no name, nothing clinical.")
    created_at = models.DateTimeField()
    lease_until = models.DateTimeField(null=True)
    tries = models.PositiveSmallIntegerField(default=0)
    next_try_at = models.DateTimeField()
    delivered_at = models.DateTimeField(null=True)
    last_error = models.CharField(max_length=300, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["practice_id", "dedupe"], name="outbox_event_once"),
        ]
        indexes = [
            models.Index(fields=["next_try_at"], name="outbox_event_due", condition=Q(delivered_at=None)),
        ]
