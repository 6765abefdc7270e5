"""The delivery log: which event was mailed to whom, and what went wrong."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from paywell.practice.models import PracticeOwned


class RecipientKind(models.TextChoices):
    CONTACT = "contact", "Contact"
    USER = "user", "Staff"
    INVITATION = "invitation", "Invited person"


class Delivery(PracticeOwned):
    """One e-mail: an event and a recipient. The unique rule is why an event delivered twice mails once.

    Neither text nor address is kept: the text holds nothing that isn't here, and the address belongs to the
    recipient's row.
    """

    event_id = models.UUIDField(help_text="The outbox event.")
    kind = models.CharField(max_length=60, help_text="The event's kind.")
    recipient_kind = models.CharField(max_length=12, choices=RecipientKind)
    recipient_id = models.UUIDField()
    message_id = models.CharField(max_length=200, help_text="Made from event and recipient, the same each time.")
    created_at = models.DateTimeField()
    lease_until = models.DateTimeField(null=True, help_text="While one worker is sending it.")
    sent_at = models.DateTimeField(null=True)
    skipped_at = models.DateTimeField(null=True, help_text="The client asked for no e-mail.")
    tries = models.PositiveSmallIntegerField(default=0)
    error = models.CharField(max_length=300, blank=True, help_text="Of the last try; blank once sent.")

    class Meta:
        verbose_name_plural = "deliveries"
        constraints = [
            models.UniqueConstraint(
                fields=["practice", "event_id", "recipient_kind", "recipient_id"], name="delivery_once"
            ),
            models.CheckConstraint(condition=Q(recipient_kind__in=RecipientKind.values), name="delivery_recipient"),
        ]
        indexes = [models.Index(fields=["practice", "-created_at"], name="delivery_log")]
