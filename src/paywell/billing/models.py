"""Entries by hand and the lines that they concern, questions about lines, and how a practice bills."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from paywell.accounts.models import User
from paywell.care.models import Service
from paywell.clients.models import BillingAccount, Client, Contact
from paywell.invoicing.models import InvoiceLine
from paywell.practice.models import Practice, PracticeOwned


class EntryKind(models.TextChoices):
    """What was entered, and between which ledger accounts it moves money (`billing.booking`)."""

    PAYMENT = "payment", "Payment"  #: by hand, outside the card processor
    CREDIT_USED = "credit_used", "Credit applied"
    CREDIT_OUT = "credit_out", "Credit paid out"
    ADJUSTMENT = "adjustment", "Adjustment"  #: the fee is lowered: a courtesy, a correction
    WRITE_OFF = "write_off", "Write-off"  #: owed, and given up
    INSURER_PAYMENT = "insurer_payment", "Insurer's payment"
    INSURER_ADJUSTMENT = "insurer_adjustment", "Insurer's adjustment"  #: neither insurer nor client owes it
    INSURER_TO_CLIENT = "insurer_to_client", "Moved to the client"  #: the insurer does not pay it, the client does


#: Concern the insurer's part of one service.
OF_INSURER = ("insurer_payment", "insurer_adjustment", "insurer_to_client")
#: Money came in, so taking it back makes noted money vanish: a client's and an insurer's alike.
MONEY_IN = ("payment", "insurer_payment")
#: Money came or went: by which method is part of them.
WITH_METHOD = ("payment", "credit_out", "insurer_payment")


class Method(models.TextChoices):
    """How money came or went without the card processor."""

    CASH = "cash", "Cash"
    CHECK = "check", "Check"
    CARD = "card", "Card outside Paywell"
    BANK = "bank", "Bank transfer"


class Entry(PracticeOwned):
    """One act by hand in an account's books. Frozen; undone by a reverse with a reason, never deleted.

    Its id comes with the form, so that pressing twice enters once. Its transfers have the source `entry:<id>`,
    those that undo it `entry_reversed:<id>`.
    """

    account = models.ForeignKey(BillingAccount, on_delete=models.PROTECT, related_name="entries")
    kind = models.CharField(max_length=20, choices=EntryKind)
    method = models.CharField(max_length=8, choices=Method, blank=True, help_text="Where money came or went.")
    reference = models.CharField(max_length=40, blank=True, help_text="A check's number, an outside receipt's.")
    amount_minor = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    on = models.DateField(help_text="The day on which the money came or the entry counts.")
    note = models.CharField(max_length=500, blank=True, help_text="Shown to the client.")
    reason = models.CharField(max_length=200, blank=True, help_text="Why; shown to staff and in the story.")
    service = models.ForeignKey(
        Service, null=True, on_delete=models.PROTECT, related_name="entries", help_text="For the insurer's part."
    )
    at = models.DateTimeField(
        db_default=Now(), help_text="Its place in lists: as it was entered on its day, else noon of the day."
    )
    recorded_at = models.DateTimeField()
    actor = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    reversed_at = models.DateTimeField(null=True)
    reversed_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    reverse_reason = models.CharField(max_length=200, blank=True)

    class Meta:
        verbose_name_plural = "entries"
        constraints = [
            models.CheckConstraint(condition=Q(amount_minor__gt=0), name="entry_amount"),
            models.CheckConstraint(condition=Q(kind__in=EntryKind.values), name="entry_kind"),
            models.CheckConstraint(condition=Q(kind="payment") | ~Q(reason=""), name="entry_reason"),
            models.CheckConstraint(
                condition=(Q(kind__in=WITH_METHOD) & ~Q(method="")) | (~Q(kind__in=WITH_METHOD) & Q(method="")),
                name="entry_method",
            ),
            models.CheckConstraint(
                condition=(Q(kind__in=OF_INSURER) & Q(service__isnull=False))
                | (~Q(kind__in=OF_INSURER) & Q(service=None)),
                name="entry_service",
            ),
            models.CheckConstraint(
                condition=(Q(reversed_at=None) & Q(reverse_reason=""))
                | (Q(reversed_at__isnull=False) & ~Q(reverse_reason="")),
                name="entry_reversed",
            ),
        ]
        indexes = [
            models.Index(fields=["practice", "account", "-recorded_at"], name="entry_account"),
            models.Index(fields=["practice", "-recorded_at"], name="entry_practice"),
            models.Index(fields=["practice", "-at", "-id"], name="entry_history", condition=Q(kind="payment")),
        ]


class SecondPersonRequest(PracticeOwned):
    """What one person asks for and another decides (`billing.second_person`). Nothing is done before their word."""

    amount_minor = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    reason = models.CharField(max_length=200)
    requested_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    requested_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    is_approved = models.BooleanField(null=True, help_text="Null while nobody has decided.")
    decided_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    decided_at = models.DateTimeField(null=True)

    class Meta:
        abstract = True


def need_two_people(name: str) -> list[models.BaseConstraint]:
    """What holds of each kind of request, in the database: decided whole or not at all, and never by who asked."""
    return [
        models.CheckConstraint(condition=Q(amount_minor__gt=0), name=f"{name}_amount"),
        models.CheckConstraint(
            condition=Q(is_approved=None, decided_by=None, decided_at=None)
            | Q(is_approved__isnull=False, decided_by__isnull=False, decided_at__isnull=False),
            name=f"{name}_decided",
        ),
        models.CheckConstraint(
            condition=Q(is_approved=None) | Q(is_approved=False) | ~Q(decided_by=F("requested_by")),
            name=f"{name}_two_people",
        ),
    ]


def find_undecided(name: str) -> models.Index:
    """By which the inbox reads what waits."""
    return models.Index(fields=["practice", "requested_at"], name=f"{name}_open", condition=Q(is_approved=None))


class PayOutRequest(SecondPersonRequest):
    """Credit to pay out above the practice's amount. Its id becomes the entry's: approving twice pays out once."""

    account = models.ForeignKey(BillingAccount, on_delete=models.PROTECT, related_name="pay_out_requests")
    method = models.CharField(max_length=8, choices=Method)
    reference = models.CharField(max_length=40, blank=True)
    on = models.DateField(help_text="The day on which the money goes out.")

    class Meta:
        constraints = need_two_people("pay_out")
        indexes = [find_undecided("pay_out")]


class TakeBackRequest(SecondPersonRequest):
    """A payment by hand above the practice's amount that somebody wants to take back; the whole of it."""

    entry = models.ForeignKey(Entry, on_delete=models.PROTECT, related_name="take_back_requests")

    class Meta:
        constraints = need_two_people("take_back")
        indexes = [find_undecided("take_back")]


class EntryLine(PracticeOwned):
    """How much of an entry is for which invoice line. Written with the entry, never changed."""

    entry = models.ForeignKey(Entry, on_delete=models.PROTECT, related_name="lines")
    line = models.ForeignKey(InvoiceLine, on_delete=models.PROTECT, related_name="entry_lines")
    amount_minor = models.BigIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["practice", "entry", "line"], name="entry_line_once"),
            models.CheckConstraint(condition=Q(amount_minor__gt=0), name="entry_line_amount"),
        ]


class Question(PracticeOwned):
    """A client asks about a line. While it is open, nobody is reminded of the line and nothing charged for it."""

    line = models.ForeignKey(InvoiceLine, on_delete=models.PROTECT, related_name="questions")
    contact = models.ForeignKey(Contact, on_delete=models.PROTECT, related_name="+")
    user = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    text = models.CharField(max_length=1000)
    asked_at = models.DateTimeField()
    answer = models.CharField(max_length=1000, blank=True)
    answered_at = models.DateTimeField(null=True)
    answered_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["practice", "line"], name="question_open_once", condition=Q(answered_at=None)
            ),
        ]
        indexes = [
            models.Index(fields=["practice", "asked_at"], name="question_open", condition=Q(answered_at=None))
        ]


class Cadence(models.TextChoices):
    OFF = "off", "Never by itself"
    DAILY = "daily", "Every day"
    WEEKLY = "weekly", "Every Monday"
    MONTHLY = "monthly", "On the first of the month"


class BillingRules(models.Model):
    """How a practice bills: one row each, made when something is first changed."""

    practice = models.OneToOneField(Practice, primary_key=True, on_delete=models.PROTECT, related_name="+")
    invoice_cadence = models.CharField(max_length=8, choices=Cadence, default=Cadence.OFF)
    invoiced_through = models.DateField(null=True, help_text="The day on which the rule last issued.")
    approve_refunds_above_minor = models.BigIntegerField(
        null=True, help_text="Refunds above this need a second person; null: none does."
    )

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(invoice_cadence__in=Cadence.values), name="billing_cadence"),
            models.CheckConstraint(
                condition=Q(approve_refunds_above_minor=None) | Q(approve_refunds_above_minor__gte=0),
                name="billing_approval",
            ),
        ]


class NotInvoicedByRule(PracticeOwned):
    """A client whom the practice invoices by hand, whatever the rule."""

    client = models.OneToOneField(Client, on_delete=models.PROTECT, related_name="+")
