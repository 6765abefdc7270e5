"""Invoices, their lines, and numbers without gaps."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from paywell.care.models import Service
from paywell.clients.models import BillingAccount, Client
from paywell.core.frozen_field import FrozenField
from paywell.practice.models import PracticeOwned


class NumberSequence(PracticeOwned):
    """The next number of a kind of document; locked while one is taken, so that no gap can arise."""

    kind = models.CharField(max_length=12)
    next_number = models.PositiveIntegerField(default=1)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["practice", "kind"], name="number_sequence_kind")]


class Invoice(PracticeOwned):
    """A bill to one billing account. Unchangeable once issued (`frozen`); it can only be voided and replaced."""

    account = models.ForeignKey(BillingAccount, on_delete=models.PROTECT, related_name="invoices")
    number = models.PositiveIntegerField()
    label = models.CharField(max_length=24, help_text="As printed: prefix and number, e.g. INV-0142.")
    issued_on = models.DateField()
    issued_at = models.DateTimeField()
    due_on = models.DateField()
    total_minor = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    frozen = FrozenField(
        secret=[("practice", "tax_id")], help_text="What the document prints, as it was when issued."
    )
    digest = models.CharField(max_length=64, help_text="SHA-256 of `frozen`, canonical JSON.")
    replaces = models.ForeignKey("self", null=True, on_delete=models.PROTECT, related_name="replaced_by")
    voided_at = models.DateTimeField(null=True)
    void_reason = models.CharField(max_length=200, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["practice", "number"], name="invoice_number"),
            models.CheckConstraint(condition=Q(total_minor__gt=0), name="invoice_total"),
        ]
        indexes = [
            models.Index(fields=["practice", "account", "-issued_on"], name="invoice_account_issued"),
            models.Index(fields=["practice", "-issued_on", "-number"], name="invoice_list"),
            models.Index(
                fields=["practice", "label"], name="invoice_label", opclasses=["uuid_ops", "varchar_pattern_ops"]
            ),
        ]


class InvoiceLine(PracticeOwned):
    """What one billing account owes for one service: the row that the portal lists as a service to pay.

    What is left to pay on it is the ledger's sum over transfers that carry its id.
    """

    invoice = models.ForeignKey(Invoice, on_delete=models.PROTECT, related_name="lines")
    account = models.ForeignKey(BillingAccount, on_delete=models.PROTECT, related_name="lines")
    service = models.ForeignKey(Service, on_delete=models.PROTECT, related_name="lines")
    client = models.ForeignKey(Client, on_delete=models.PROTECT, related_name="lines")
    position = models.PositiveSmallIntegerField()
    on = models.DateField(help_text="Date of service.")
    wording = models.CharField(max_length=120)
    clinician_name = models.CharField(max_length=160)
    amount_minor = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    voided_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["practice", "service", "account"],
                name="line_once_per_account",
                condition=Q(voided_at=None),
            ),
            models.UniqueConstraint(fields=["practice", "invoice", "position"], name="line_position"),
            models.CheckConstraint(condition=Q(amount_minor__gt=0), name="line_amount"),
        ]
        indexes = [
            models.Index(fields=["practice", "account", "-on"], name="line_account_on"),
            # All that tells how much of a service is invoiced, so that the index alone answers it.
            models.Index(
                fields=["service", "practice", "amount_minor"], name="line_of_service", condition=Q(voided_at=None)
            ),
        ]
