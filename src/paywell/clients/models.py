"""Clients, billing accounts, contacts, grants, and the shares by which payers split a service."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from paywell.accounts.models import Invitation, User
from paywell.practice.models import Clinician, PracticeOwned


class BillingAccount(PracticeOwned):
    """Who owes. The row that every transaction about money locks first."""

    name = models.CharField(max_length=120, help_text="Whom invoices are addressed to.")
    currency = models.CharField(max_length=3, default="USD")
    street = models.CharField(max_length=200, blank=True)
    city = models.CharField(max_length=80, blank=True)
    state = models.CharField(max_length=2, blank=True)
    postal_code = models.CharField(max_length=10, blank=True)
    created_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.name


def name_client(preferred: str, legal_first: str, legal_last: str) -> str:
    """What screens call a client: the preferred name, else the legal one."""
    return preferred or f"{legal_first} {legal_last}".strip()


class Client(PracticeOwned):
    """Who receives care."""

    legal_first_name = models.CharField(max_length=80)
    legal_last_name = models.CharField(max_length=80)
    preferred_name = models.CharField(max_length=120, blank=True)
    birth_date = models.DateField(null=True)
    sex = models.CharField(max_length=1, blank=True, choices=[("F", "F"), ("M", "M"), ("X", "X")])
    email = models.EmailField(max_length=254, blank=True)
    phone = models.CharField(max_length=32, blank=True)
    street = models.CharField(max_length=200, blank=True)
    city = models.CharField(max_length=80, blank=True)
    state = models.CharField(max_length=2, blank=True)
    postal_code = models.CharField(max_length=10, blank=True)
    clinician = models.ForeignKey(Clinician, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    default_account = models.ForeignKey(BillingAccount, on_delete=models.PROTECT, related_name="clients")
    payments_allowed = models.BooleanField(default=True, help_text="The client's own payment switch.")
    wants_no_email = models.BooleanField(default=False)
    external_id = models.CharField(max_length=80, blank=True)
    created_at = models.DateTimeField()
    archived_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["practice", "external_id"], name="client_external_id", condition=~Q(external_id="")
            ),
        ]
        indexes = [models.Index(fields=["practice", "legal_last_name", "legal_first_name"], name="client_name")]

    @property
    def legal_name(self) -> str:
        return f"{self.legal_first_name} {self.legal_last_name}".strip()

    @property
    def name(self) -> str:
        return name_client(self.preferred_name, self.legal_first_name, self.legal_last_name)

    def __str__(self) -> str:
        return self.name


class Contact(PracticeOwned):
    """A person who signs in or pays: the client, a parent, an agency. Not the same as a client."""

    name = models.CharField(max_length=120)
    email = models.EmailField(max_length=254, blank=True)
    phone = models.CharField(max_length=32, blank=True)
    user = models.ForeignKey(User, null=True, blank=True, on_delete=models.PROTECT, related_name="contacts")
    invitation = models.ForeignKey(Invitation, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["practice", "user"], name="contact_user_once", condition=Q(user__isnull=False)
            ),
        ]

    def __str__(self) -> str:
        return self.name


class GrantRole(models.TextChoices):
    SELF = "self", "Self"
    GUARDIAN = "guardian", "Guardian"
    PAYER = "payer", "Payer"


class Grant(PracticeOwned):
    """What one contact may do for one client on one billing account, from and until.

    A grant always shows balance, dates, amounts and the contact's own receipts; the rest are rights.
    """

    contact = models.ForeignKey(Contact, on_delete=models.PROTECT, related_name="grants")
    client = models.ForeignKey(Client, on_delete=models.PROTECT, related_name="grants")
    account = models.ForeignKey(BillingAccount, on_delete=models.PROTECT, related_name="grants")
    role = models.CharField(max_length=10, choices=GrantRole)
    may_pay = models.BooleanField(default=True)
    may_see_documents = models.BooleanField(default=False)
    may_see_diagnosis = models.BooleanField(default=False)
    valid_from = models.DateField()
    valid_until = models.DateField(null=True, help_text="Last day; null means until withdrawn.")
    withdrawn_at = models.DateTimeField(null=True, help_text="Set when access is taken away at once.")
    created_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["practice", "contact", "client", "account", "valid_from"],
                name="grant_once",
                condition=Q(withdrawn_at=None),
            ),
            models.CheckConstraint(condition=Q(role__in=GrantRole.values), name="grant_role"),
            models.CheckConstraint(
                condition=Q(valid_until=None) | Q(valid_until__gte=F("valid_from")), name="grant_dates"
            ),
            models.CheckConstraint(
                condition=Q(may_see_diagnosis=False) | Q(may_see_documents=True),
                name="grant_diagnosis_documents",
            ),
        ]


class StandingShare(PracticeOwned):
    """How much of each new service of a client one billing account owes, in basis points of 10,000.

    Without shares the client's default account owes everything.
    """

    client = models.ForeignKey(Client, on_delete=models.PROTECT, related_name="shares")
    account = models.ForeignKey(BillingAccount, on_delete=models.PROTECT, related_name="shares")
    basis_points = models.PositiveSmallIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["practice", "client", "account"], name="standing_share_once"),
            models.CheckConstraint(
                condition=Q(basis_points__gte=1, basis_points__lte=10_000), name="standing_share_range"
            ),
        ]
