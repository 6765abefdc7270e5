"""Clients, billing accounts, contacts, grants, and the shares by which payers split a service."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.db import models
from django.db.models import F, Q

from paywell.accounts.models import Invitation, User
from paywell.core.fields import SecretCharField
from paywell.practice.models import Clinician, PracticeOwned


@dataclass(frozen=True, slots=True)
class Address:
    """Where mail goes."""

    street: str
    city: str
    state: str
    postal_code: str


class BillingAccount(PracticeOwned):
    """Who owes. The row that every transaction about money locks first."""

    name = models.CharField(max_length=120, help_text="Whom invoices are addressed to.")
    currency = models.CharField(max_length=3, default="USD")
    street = models.CharField(max_length=200, blank=True)
    city = models.CharField(max_length=80, blank=True)
    state = models.CharField(max_length=2, blank=True)
    postal_code = models.CharField(max_length=10, blank=True)
    created_at = models.DateTimeField()

    @property
    def mail_address(self) -> Address:
        """Where its documents go: the confidential address of the client whose own account it is, else its own.

        An account that several share keeps its address: nobody's confidential one may reach the others. One query.
        """
        clients = Client.objects.filter(practice_id=self.practice_id, default_account=self)[:2]
        return self.choose_mail_address(list(clients))

    def choose_mail_address(self, clients: Sequence[Client]) -> Address:
        """`mail_address` for who has the clients whose default account this is at hand; two of them will do."""
        if len(clients) == 1 and (clients[0].private_street or clients[0].private_city):
            return clients[0].mail_address
        return Address(self.street, self.city, self.state, self.postal_code)

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
    private_street = models.CharField(max_length=200, blank=True, help_text="Where mail goes instead, if asked.")
    private_city = models.CharField(max_length=80, blank=True)
    private_state = models.CharField(max_length=2, blank=True)
    private_postal_code = models.CharField(max_length=10, blank=True)
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
        indexes = [
            models.Index(fields=["practice", "legal_last_name", "legal_first_name"], name="client_name"),
            # The whole order of the list, for those whom it shows: a late page reads no row before its own.
            models.Index(
                fields=["practice", "legal_last_name", "legal_first_name", "id"],
                name="client_list",
                condition=Q(archived_at=None),
            ),
        ]

    @property
    def mail_address(self) -> Address:
        """Where documents go: the confidential address where the client asked for one, else their own."""
        if self.private_street or self.private_city:
            return Address(self.private_street, self.private_city, self.private_state, self.private_postal_code)
        return Address(self.street, self.city, self.state, self.postal_code)

    @property
    def legal_name(self) -> str:
        return f"{self.legal_first_name} {self.legal_last_name}".strip()

    @property
    def name(self) -> str:
        return name_client(self.preferred_name, self.legal_first_name, self.legal_last_name)

    def __str__(self) -> str:
        return self.name


class SearchWord(PracticeOwned):
    """A word by which a client is found (`clients.search`). Made of the client's own fields, and rebuildable."""

    client = models.ForeignKey(Client, on_delete=models.CASCADE, related_name="+")
    word = models.CharField(max_length=40)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["practice", "client", "word"], name="search_word_once")]
        indexes = [
            # The pattern classes are PostgreSQL's: beginnings of words, whatever the collation.
            models.Index(
                fields=["practice", "word", "client"],
                name="search_word_begins",
                opclasses=["uuid_ops", "varchar_pattern_ops", "uuid_ops"],
            ),
        ]


class AccountWord(PracticeOwned):
    """A word of an account's name, by which its invoices are found (`clients.search`). Rebuildable."""

    account = models.ForeignKey(BillingAccount, on_delete=models.CASCADE, related_name="+")
    word = models.CharField(max_length=40)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["practice", "account", "word"], name="account_word_once")]
        indexes = [
            models.Index(
                fields=["practice", "word", "account"],
                name="account_word_begins",
                opclasses=["uuid_ops", "varchar_pattern_ops", "uuid_ops"],
            ),
        ]


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


class Relationship(models.TextChoices):
    """Of the client to the subscriber (box 6 of the CMS-1500)."""

    SELF = "self", "Self"
    SPOUSE = "spouse", "Spouse"
    CHILD = "child", "Child"
    OTHER = "other", "Other"


class Coverage(PracticeOwned):
    """A client's insurance, as its card has it: what superbills tell the insurer. Its numbers are encrypted."""

    client = models.ForeignKey(Client, on_delete=models.PROTECT, related_name="coverages")
    insurer = models.CharField(max_length=120)
    member_id = SecretCharField()
    group_number = SecretCharField()
    relationship = models.CharField(max_length=8, choices=Relationship, default=Relationship.SELF)
    subscriber_name = models.CharField(max_length=160, blank=True, help_text="Blank where it is the client.")
    subscriber_birth_date = models.DateField(null=True)
    subscriber_street = models.CharField(max_length=200, blank=True, default="", db_default="")
    subscriber_city = models.CharField(max_length=80, blank=True, default="", db_default="")
    subscriber_state = models.CharField(max_length=2, blank=True, default="", db_default="")
    subscriber_postal_code = models.CharField(max_length=10, blank=True, default="", db_default="")
    needs_authorization = models.BooleanField(default=False)
    authorization_number = SecretCharField()
    referring_name = models.CharField(max_length=160, blank=True)
    referring_npi = models.CharField(max_length=10, blank=True)
    filing_days = models.PositiveSmallIntegerField(
        null=True, help_text="Within how many days of the service the insurer wants the claim."
    )
    rank = models.PositiveSmallIntegerField(default=1, help_text="Which insurer pays first.")
    starts_on = models.DateField()
    ends_on = models.DateField(null=True, help_text="Last day; null while it goes on.")

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(relationship__in=Relationship.values), name="coverage_relationship"),
            models.CheckConstraint(
                condition=Q(ends_on=None) | Q(ends_on__gte=F("starts_on")), name="coverage_dates"
            ),
        ]
        indexes = [models.Index(fields=["practice", "client", "rank"], name="coverage_client")]

    @property
    def subscriber_address(self) -> Address:
        """Where the subscriber lives, where that is not the client (box 7 of the CMS-1500)."""
        return Address(
            self.subscriber_street, self.subscriber_city, self.subscriber_state, self.subscriber_postal_code
        )


class StandingShare(PracticeOwned):
    """How much of each new service of a client one billing account owes: a fixed amount, or a part of the rest.

    Fixed amounts come first; what is left goes by basis points of 10,000. `applies_to` names a kind of service
    that is shared out in its own way; the shares without one are for every other kind. Without shares the client's
    default account owes everything.
    """

    client = models.ForeignKey(Client, on_delete=models.PROTECT, related_name="shares")
    account = models.ForeignKey(BillingAccount, on_delete=models.PROTECT, related_name="shares")
    applies_to = models.CharField(max_length=12, blank=True, help_text="A kind of service; blank: all others.")
    basis_points = models.PositiveSmallIntegerField(null=True, help_text="Of what fixed amounts leave.")
    fixed_minor = models.BigIntegerField(null=True, help_text="Of each service, in minor units.")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["practice", "client", "applies_to", "account"], name="standing_share_once"
            ),
            models.CheckConstraint(
                condition=Q(fixed_minor__isnull=True, basis_points__isnull=False, basis_points__range=(1, 10_000))
                | Q(basis_points__isnull=True, fixed_minor__isnull=False, fixed_minor__gte=1),
                name="standing_share_range",
            ),
        ]
