"""Releases of ICD-10-CM as the installation got them. Reference data: the same for every practice."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from paywell.core.ids import new_id


class CodeRelease(models.Model):
    """One published list, and the dates of service that it is for.

    Two releases may cover the same day (a fiscal year's, and its April update): the one that begins later holds.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    name = models.CharField(max_length=60)
    valid_from = models.DateField(unique=True)
    valid_until = models.DateField(help_text="The last day.")
    is_complete = models.BooleanField(help_text="If not, a code that is missing in it may exist all the same.")
    source = models.CharField(max_length=120, help_text="The file's name.")
    digest = models.CharField(max_length=64, help_text="SHA-256 of the file.")
    codes = models.PositiveIntegerField(help_text="How many, headings included.")
    installed_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["name"], name="code_release_name"),
            models.CheckConstraint(condition=Q(valid_until__gte=F("valid_from")), name="code_release_dates"),
        ]

    def __str__(self) -> str:
        return self.name


class DiagnosisCode(models.Model):
    """One line of a release: a code that can be billed, or a heading over more exact ones."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    release = models.ForeignKey(CodeRelease, on_delete=models.CASCADE, related_name="+")
    code = models.CharField(max_length=8, help_text="With the dot.")
    is_billable = models.BooleanField()
    description = models.CharField(max_length=300)
    words = models.CharField(max_length=330, help_text="Code and description as the search reads them.")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["release", "code"], name="diagnosis_code_once")]
