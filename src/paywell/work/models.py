"""A piece of long work, its items, and the files that came of it."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from paywell.core.ids import new_id


class WorkState(models.TextChoices):
    QUEUED = "queued", _("Waiting")
    RUNNING = "running", _("Running")
    DONE = "done", _("Done")
    FAILED = "failed", _("Failed")
    CANCELED = "canceled", _("Canceled")


#: Not at its end yet.
OPEN_STATES = (WorkState.QUEUED, WorkState.RUNNING)


class Work(models.Model):
    """What somebody asked for and the worker does, step by step. The room knows practices and people by id only."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    practice_id = models.UUIDField()
    key = models.CharField(max_length=64, help_text="Asking again under the same key gives the same work.")
    kind = models.CharField(max_length=60)
    title = models.CharField(max_length=160, help_text="For the screen; nothing clinical.")
    requested_by = models.UUIDField(null=True, help_text="The user; null for the system.")
    parameters = models.JSONField(default=dict, help_text="Ids, days, choices; nothing clinical.")
    state = models.CharField(max_length=8, choices=WorkState, default=WorkState.QUEUED)
    total = models.PositiveIntegerField(null=True, help_text="Items; null until they are planned.")
    done = models.PositiveIntegerField(default=0)
    skipped = models.PositiveIntegerField(default=0)
    failed = models.PositiveIntegerField(default=0)
    summary = models.JSONField(default=dict, help_text="What came of it, for the screen; nothing clinical.")
    problem = models.CharField(max_length=300, blank=True, help_text="Why it failed, in words for the screen.")
    cancel_requested_at = models.DateTimeField(null=True)
    lease_key = models.CharField(max_length=32, blank=True, help_text="Which worker has it.")
    lease_until = models.DateTimeField(null=True)
    tries = models.PositiveSmallIntegerField(default=0, help_text="Times that planning or finishing failed.")
    next_try_at = models.DateTimeField()
    served_at = models.DateTimeField(null=True, help_text="When a worker last turned to it.")
    created_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["practice_id", "key"], name="work_once"),
            models.CheckConstraint(condition=Q(state__in=WorkState.values), name="work_state"),
            models.CheckConstraint(
                condition=Q(finished_at=None, state__in=OPEN_STATES)
                | Q(finished_at__isnull=False) & ~Q(state__in=OPEN_STATES),
                name="work_finished",
            ),
            models.CheckConstraint(
                condition=Q(total=None, done=0, skipped=0, failed=0)
                | Q(total__isnull=False, total__gte=F("done") + F("skipped") + F("failed")),
                name="work_counts",
            ),
        ]
        indexes = [
            models.Index(fields=["next_try_at"], name="work_due", condition=Q(finished_at=None)),
            models.Index(fields=["practice_id", "-created_at"], name="work_recent"),
        ]

    @property
    def is_open(self) -> bool:
        return self.finished_at is None

    @property
    def is_stopping(self) -> bool:
        """Somebody canceled it, and the worker has not come to that yet."""
        return self.is_open and self.cancel_requested_at is not None

    @property
    def is_finishing(self) -> bool:
        """No item is left, and what comes of them all is being made."""
        return self.is_open and bool(self.total) and self.seen == self.total

    @property
    def seen(self) -> int:
        """How many items are behind us, however they ended."""
        return self.done + self.skipped + self.failed


class ItemState(models.TextChoices):
    TODO = "todo", _("To do")
    DONE = "done", _("Done")
    SKIPPED = "skipped", _("Skipped")
    FAILED = "failed", _("Failed")


class WorkItem(models.Model):
    """One of the things that a work does. Its id stays the same however often it is tried."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    practice_id = models.UUIDField()
    work = models.ForeignKey(Work, on_delete=models.CASCADE, related_name="items")
    position = models.PositiveIntegerField()
    subject_id = models.UUIDField(null=True, help_text="What it is about; opaque here.")
    label = models.CharField(max_length=160, blank=True, help_text="What it is about, for the screen.")
    data = models.JSONField(default=dict, help_text="What the kind needs to know; nothing clinical.")
    state = models.CharField(max_length=8, choices=ItemState, default=ItemState.TODO)
    words = models.CharField(max_length=300, blank=True, help_text="What was done, or why it was skipped.")
    tries = models.PositiveSmallIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["practice_id", "work", "position"], name="work_item_place"),
            models.CheckConstraint(condition=Q(state__in=ItemState.values), name="work_item_state"),
        ]
        indexes = [
            models.Index(fields=["work", "position"], name="work_item_todo", condition=Q(state=ItemState.TODO)),
        ]


class WorkFile(models.Model):
    """A file that came of a work. In the database, never in a folder that a web server sees, and not for ever."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    practice_id = models.UUIDField()
    work = models.ForeignKey(Work, on_delete=models.CASCADE, related_name="files")
    name = models.CharField(max_length=120)
    content_type = models.CharField(max_length=80)
    content = models.BinaryField()
    size = models.PositiveIntegerField(help_text="Bytes.")
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["practice_id", "work", "name"], name="work_file_name"),
        ]
        indexes = [models.Index(fields=["expires_at"], name="work_file_expiry")]
