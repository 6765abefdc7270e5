"""The audit trail: append-only, in chains of hashes: one of each practice's changes, one of each person's views."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from paywell.core.ids import new_id


class AuditEvent(models.Model):
    """Who did or viewed what. Ids and names of actions; no clinical text, no card data."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    practice_id = models.UUIDField(null=True, help_text="Null for what concerns no practice, such as a sign-in.")
    chain_id = models.UUIDField(help_text="See audit.actions: a practice's changes, or one person's views.")
    seq = models.PositiveBigIntegerField(help_text="Place in the chain, from 1.")
    at = models.DateTimeField()
    actor_id = models.UUIDField(null=True, help_text="The user; null for the system.")
    action = models.CharField(max_length=60, help_text="room.verb_noun, e.g. practice.allow_payments")
    target_kind = models.CharField(max_length=40, blank=True)
    target_id = models.UUIDField(null=True)
    detail = models.JSONField(default=dict)
    prev_hash = models.CharField(max_length=64)
    hash = models.CharField(max_length=64)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["chain_id", "seq"], name="audit_event_chain"),
            models.CheckConstraint(condition=Q(seq__gte=1), name="audit_event_seq"),
        ]
        indexes = [
            models.Index(fields=["practice_id", "-at"], name="audit_event_at"),
            models.Index(fields=["practice_id", "target_id", "-at"], name="audit_event_target"),
            models.Index(fields=["practice_id", "actor_id", "-at"], name="audit_event_actor"),
        ]
