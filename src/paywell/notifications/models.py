"""The delivery log: which event was mailed to whom, and what went wrong; own texts; when a practice reminds."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from paywell.accounts.models import User
from paywell.practice.models import PracticeOwned


class RecipientKind(models.TextChoices):
    CONTACT = "contact", "Contact"
    USER = "user", "Staff"
    INVITATION = "invitation", "Invited person"
    CLINICIAN = "clinician", "Clinician without a sign-in"
    ACCOUNT = "account", "Billing account"  #: none of its payers could be told


class SkipReason(models.TextChoices):
    """Why somebody who was to hear of something got no e-mail."""

    NO_EMAIL_WANTED = "no_email_wanted", "The client wants no e-mail"
    NO_ADDRESS = "no_address", "No e-mail address is known"
    NO_SIGN_IN = "no_sign_in", "No sign-in, so no address to send to"
    CONFIDENTIAL = "confidential", "The client asked for mail to another address"
    NOTHING_TO_OPEN = "nothing_to_open", "No sign-in, and nothing that can be paid by a link"
    NOBODY = "nobody", "Nobody who pays here can be told by e-mail"
    NO_LONGER = "no_longer", "There was nothing to tell any more"


class Delivery(PracticeOwned):
    """One e-mail: an event and a recipient. The unique rule is why an event delivered twice mails once.

    Neither text nor address is kept: the text holds nothing that isn't here, and the address belongs to the
    recipient's row.
    """

    event_id = models.UUIDField(help_text="The outbox event.")
    kind = models.CharField(max_length=60, help_text="The event's kind.")
    notice = models.CharField(
        max_length=30, blank=True, help_text="The notice's (`kinds.KINDS`); blank: before it."
    )
    recipient_kind = models.CharField(max_length=12, choices=RecipientKind)
    recipient_id = models.UUIDField()
    message_id = models.CharField(max_length=200, help_text="Made from event and recipient, the same each time.")
    created_at = models.DateTimeField()
    lease_until = models.DateTimeField(null=True, help_text="While one worker is sending it.")
    sent_at = models.DateTimeField(null=True)
    skipped_at = models.DateTimeField(null=True)
    skip_reason = models.CharField(max_length=20, choices=SkipReason, blank=True)
    tries = models.PositiveSmallIntegerField(default=0)
    error = models.CharField(max_length=300, blank=True, help_text="Of the last try; blank once sent.")
    seen_at = models.DateTimeField(null=True, help_text="When staff told in another way whom no e-mail reaches.")
    seen_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")

    class Meta:
        verbose_name_plural = "deliveries"
        constraints = [
            models.UniqueConstraint(
                fields=["practice", "event_id", "recipient_kind", "recipient_id"], name="delivery_once"
            ),
            models.CheckConstraint(condition=Q(recipient_kind__in=RecipientKind.values), name="delivery_recipient"),
        ]
        indexes = [
            models.Index(fields=["practice", "-created_at"], name="delivery_log"),
            models.Index(
                fields=["practice", "recipient_id", "created_at"],
                name="delivery_unreached",
                condition=Q(recipient_kind="account"),
            ),
        ]


class NoticeText(PracticeOwned):
    """The practice's own text of one kind of notice (`kinds.KINDS`); without a row, the standard text holds."""

    kind = models.CharField(max_length=30)
    subject = models.CharField(max_length=100)
    body = models.TextField(max_length=2000)
    changed_at = models.DateTimeField(null=True, help_text="Never null in a kept row.")
    changed_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["practice", "kind"], name="notice_text_once"),
            models.CheckConstraint(
                condition=Q(changed_at__isnull=False) & ~Q(subject="") & ~Q(body=""), name="notice_text_whole"
            ),
        ]


class ReminderRules(PracticeOwned):
    """When a practice reminds. Without a row, never."""

    is_on = models.BooleanField(default=False)
    days_before = models.JSONField(default=list, help_text="Whole days before the due date; 0 is the day itself.")
    days_after = models.JSONField(default=list, help_text="Whole days after the due date.")
    since = models.DateField(null=True, help_text="Nothing whose day was before this is sent late.")

    class Meta:
        verbose_name_plural = "reminder rules"
        constraints = [
            models.UniqueConstraint(fields=["practice"], name="reminder_rules_once"),
            models.CheckConstraint(condition=Q(is_on=False) | Q(since__isnull=False), name="reminder_rules_since"),
        ]
