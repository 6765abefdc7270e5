"""Issued documents: what each of them prints, frozen with its digest. Invoices freeze theirs in `invoicing`."""

from __future__ import annotations

from typing import Final

from django.db import models
from django.db.models import F, Q

from paywell.clients.models import BillingAccount, Client, Contact
from paywell.core.frozen_field import FrozenField
from paywell.documents.types import Kind
from paywell.practice.models import PracticeOwned

#: Where secret numbers stand in a document's data (`frozen.dump`).
SECRET: Final = (("tax_id",), ("authorization",), ("coverage", "member_id"), ("coverage", "group_number"))


class IssuedKind(models.TextChoices):
    """The kinds that are kept here, by the names of `types.Kind`."""

    SUPERBILL = Kind.SUPERBILL.value, "Superbill"
    STATEMENT = Kind.STATEMENT.value, "Statement"
    RECEIPT = Kind.RECEIPT.value, "Receipt"
    REFUND = Kind.REFUND.value, "Refund receipt"
    YEARLY = Kind.YEARLY.value, "Yearly statement"
    ESTIMATE = Kind.ESTIMATE.value, "Good Faith Estimate"


class IssuedDocument(PracticeOwned):
    """One document that left the practice. Append-only: a mistake is put right by another that corrects it."""

    kind = models.CharField(max_length=12, choices=IssuedKind)
    number = models.PositiveIntegerField(help_text="Without gaps for each practice and kind.")
    label = models.CharField(max_length=24, help_text="As printed, e.g. SB-0012.")
    account = models.ForeignKey(BillingAccount, on_delete=models.PROTECT, related_name="documents")
    contact = models.ForeignKey(
        Contact, null=True, on_delete=models.PROTECT, related_name="+", help_text="Whose payment a receipt is of."
    )
    subject_id = models.UUIDField(null=True, help_text="The payment or refund of which this is the receipt.")
    period_from = models.DateField(null=True, help_text="First day it speaks of, where it speaks of a period.")
    period_to = models.DateField(null=True, help_text="Last day of the period.")
    has_diagnosis = models.BooleanField(default=False)
    data = FrozenField(secret=SECRET, help_text="Everything it prints (`frozen.dump`).")
    digest = models.CharField(max_length=64, help_text="SHA-256 of `data`, canonical JSON.")
    issued_on = models.DateField(help_text="The day at the practice.")
    issued_at = models.DateTimeField()
    issued_by = models.UUIDField(null=True, help_text="The user; null for the system.")
    override = models.CharField(
        max_length=300, blank=True, help_text="Why staff issued it although the check before issue said no."
    )
    corrects = models.ForeignKey("self", null=True, on_delete=models.PROTECT, related_name="corrected_by")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["practice", "kind", "number"], name="issued_number"),
            models.UniqueConstraint(
                fields=["practice", "kind", "subject_id"],
                name="issued_once_of_subject",
                condition=Q(subject_id__isnull=False, corrects=None),
            ),
            models.UniqueConstraint(
                fields=["practice", "corrects"], name="issued_corrected_once", condition=Q(corrects__isnull=False)
            ),
            models.CheckConstraint(condition=Q(kind__in=IssuedKind.values), name="issued_kind"),
            models.CheckConstraint(
                condition=Q(period_from=None, period_to=None) | Q(period_to__gte=F("period_from")),
                name="issued_period",
            ),
        ]
        indexes = [
            models.Index(fields=["practice", "account", "kind", "-issued_on"], name="issued_account_kind"),
        ]

    def __str__(self) -> str:
        return self.label


class IssuedClient(PracticeOwned):
    """A client whom an issued document speaks of: who may see it follows from the grants for each of them."""

    document = models.ForeignKey(IssuedDocument, on_delete=models.PROTECT, related_name="of_clients")
    client = models.ForeignKey(Client, on_delete=models.PROTECT, related_name="of_documents")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["practice", "document", "client"], name="issued_client_once"),
        ]
        indexes = [models.Index(fields=["practice", "client"], name="issued_client")]
