"""Agreements to charge a card, payment plans, and the charges that come of both."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from paywell.accounts.models import User
from paywell.clients.models import BillingAccount, Contact
from paywell.core.ids import new_id
from paywell.invoicing.models import InvoiceLine
from paywell.payments.models import SavedCard
from paywell.practice.models import PracticeOwned


class AgreementKind(models.TextChoices):
    STAFF = "staff", "The practice may charge"
    AUTOPAY = "autopay", "AutoPay"
    PLAN = "plan", "Payment plan"


class Agreement(PracticeOwned):
    """A payer's yes to charges of one card for one account: which words, when, who, and the limits.

    What was agreed to is frozen; it can be held, let go on, and ended. A changed limit is a new agreement.
    """

    kind = models.CharField(max_length=8, choices=AgreementKind)
    account = models.ForeignKey(BillingAccount, on_delete=models.PROTECT, related_name="agreements")
    contact = models.ForeignKey(Contact, on_delete=models.PROTECT, related_name="agreements")
    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    card = models.ForeignKey(SavedCard, on_delete=models.PROTECT, related_name="agreements")
    wording_version = models.CharField(max_length=20)
    agreed_at = models.DateTimeField()
    currency = models.CharField(max_length=3)
    charge_limit_minor = models.BigIntegerField(help_text="The most that one charge may take.")
    month_limit_minor = models.BigIntegerField(null=True, help_text="The most in a calendar month; null: no limit.")
    includes_old = models.BooleanField(
        default=False, help_text="AutoPay: also what was invoiced before. Chosen by the payer, never for them."
    )
    held_at = models.DateTimeField(null=True)
    held_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    ended_at = models.DateTimeField(null=True)
    ended_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    stopped_at = models.DateTimeField(
        null=True, help_text="When the payer held or ended it; null again once staff took note or it goes on."
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["practice", "account", "contact", "kind"], name="agreement_live_once",
                condition=Q(ended_at=None, kind__in=["staff", "autopay"]),
            ),
            models.CheckConstraint(condition=Q(kind__in=AgreementKind.values), name="agreement_kind"),
            models.CheckConstraint(condition=Q(charge_limit_minor__gt=0), name="agreement_limit"),
            models.CheckConstraint(
                condition=Q(month_limit_minor=None) | Q(month_limit_minor__gt=0), name="agreement_month_limit"
            ),
        ]  # fmt: skip
        indexes = [
            models.Index(fields=["practice", "account"], name="agreement_account"),
            models.Index(fields=["kind"], name="agreement_live", condition=Q(ended_at=None)),
            models.Index(fields=["practice"], name="agreement_stopped", condition=Q(stopped_at__isnull=False)),
        ]


class Plan(PracticeOwned):
    """Installments over chosen lines, offered by the practice. The payer agrees to it as it stands, or not."""

    account = models.ForeignKey(BillingAccount, on_delete=models.PROTECT, related_name="plans")
    total_minor = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    offered_at = models.DateTimeField()
    offered_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    agreement = models.OneToOneField(Agreement, null=True, on_delete=models.PROTECT, related_name="plan")
    withdrawn_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(total_minor__gt=0), name="plan_total")]
        indexes = [models.Index(fields=["practice", "account"], name="plan_account")]


class PlanLine(PracticeOwned):
    """A line that the plan pays off, with what was owed on it when it was offered. Never changed."""

    plan = models.ForeignKey(Plan, on_delete=models.PROTECT, related_name="lines")
    line = models.ForeignKey(InvoiceLine, on_delete=models.PROTECT, related_name="plan_lines")
    amount_minor = models.BigIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["practice", "plan", "line"], name="plan_line_once"),
            models.CheckConstraint(condition=Q(amount_minor__gt=0), name="plan_line_amount"),
        ]


class Installment(PracticeOwned):
    """One of a plan's charges: on which day, how much. Never changed."""

    plan = models.ForeignKey(Plan, on_delete=models.PROTECT, related_name="installments")
    number = models.PositiveSmallIntegerField()
    due_on = models.DateField()
    amount_minor = models.BigIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["practice", "plan", "number"], name="installment_number"),
            models.CheckConstraint(condition=Q(amount_minor__gt=0), name="installment_amount"),
        ]
        indexes = [models.Index(fields=["practice", "due_on"], name="installment_due")]


class ChargeState(models.TextChoices):
    PLANNED = "planned", "Planned"
    RUNNING = "running", "Being charged"  #: a try has no final answer yet
    DONE = "done", "Charged"
    SKIPPED = "skipped", "Skipped"
    FAILED = "failed", "Failed"  #: a person looks


class Charge(PracticeOwned):
    """One charge under an agreement: what was announced, and what came of it.

    It takes at most what was announced, and never without notice (staff's own charges apart: the payer agreed to
    those as such).
    """

    agreement = models.ForeignKey(Agreement, on_delete=models.PROTECT, related_name="charges")
    installment = models.OneToOneField(Installment, null=True, on_delete=models.PROTECT, related_name="charge")
    key = models.CharField(max_length=120, help_text="Asking again under the same key finds the same charge.")
    amount_minor = models.BigIntegerField(help_text="As announced.")
    currency = models.CharField(max_length=3)
    due_on = models.DateField(help_text="The day on which it is charged.")
    state = models.CharField(max_length=8, choices=ChargeState, default=ChargeState.PLANNED)
    words = models.CharField(max_length=300, blank=True, help_text="Why it was skipped or failed, for people.")
    tries = models.PositiveSmallIntegerField(default=0)
    actor = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True)
    seen_at = models.DateTimeField(null=True, help_text="When staff took note of a failure.")
    seen_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["practice", "key"], name="charge_key"),
            models.CheckConstraint(condition=Q(amount_minor__gt=0), name="charge_amount"),
            models.CheckConstraint(condition=Q(state__in=ChargeState.values), name="charge_state"),
        ]
        indexes = [
            models.Index(fields=["due_on"], name="charge_due", condition=Q(state__in=["planned", "running"])),
            models.Index(fields=["practice", "state"], name="charge_practice_state"),
        ]


class ChargeLine(PracticeOwned):
    """How much of a charge was announced for which line. Never changed."""

    charge = models.ForeignKey(Charge, on_delete=models.PROTECT, related_name="lines")
    line = models.ForeignKey(InvoiceLine, on_delete=models.PROTECT, related_name="charge_lines")
    amount_minor = models.BigIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["practice", "charge", "line"], name="charge_line_once"),
            models.CheckConstraint(condition=Q(amount_minor__gt=0), name="charge_line_amount"),
        ]


class ChargeTry(PracticeOwned):
    """One try at a charge. Committed before the payment is started, with what it is to take of each line.

    A worker that died finds it again: the same attempt, the same content, so nothing is charged twice.
    """

    charge = models.ForeignKey(Charge, on_delete=models.PROTECT, related_name="attempts")
    attempt_id = models.UUIDField(default=new_id, help_text="Of payments.Attempt, made with this row.")
    shares = models.JSONField(help_text="Line ids and minor units.")
    at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["practice", "attempt_id"], name="charge_try_attempt")]
