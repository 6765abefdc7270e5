"""Services rendered, the practice's own catalogue, and diagnoses with their dates."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from encrypted_fields.fields import EncryptedTextField

from paywell.clients.models import Client
from paywell.practice.models import Clinician, Location, PracticeOwned


class ServiceKind(models.TextChoices):
    SESSION = "session", "Session"
    ITEM = "item", "Item"
    NO_SHOW = "no_show", "No-show fee"  #: never on a superbill
    LATE_CANCEL = "late_cancel", "Late-cancel fee"  #: never on a superbill


#: What did not take place may not be claimed from an insurer (standards.md 1.2).
NEVER_ON_A_SUPERBILL = (ServiceKind.NO_SHOW, ServiceKind.LATE_CANCEL)


class CatalogItem(PracticeOwned):
    """One entry of the practice's own price list: its code, its wording, its fee."""

    code = models.CharField(max_length=10)
    wording = models.CharField(max_length=120)
    kind = models.CharField(max_length=12, choices=ServiceKind, default=ServiceKind.SESSION)
    fee_minor = models.BigIntegerField()
    currency = models.CharField(max_length=3, default="USD")
    is_active = models.BooleanField(default=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["practice", "code", "wording"], name="catalog_item_once"),
            models.CheckConstraint(condition=Q(fee_minor__gt=0), name="catalog_item_fee"),
        ]

    def __str__(self) -> str:
        return self.wording


class CodeLicense(PracticeOwned):
    """The practice says that it holds a license for the codes of five digits that it brings along."""

    held_since = models.DateField()
    noted_by = models.UUIDField(help_text="The user.")
    noted_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["practice"], name="code_license_once")]


class ImportList(models.TextChoices):
    """What a file that a practice brings is a list of."""

    CLIENTS = "clients", "Clients"
    SERVICES = "services", "Services"
    CATALOGUE = "catalogue", "Price list"


class ImportFile(PracticeOwned):
    """A list that somebody brought, kept encrypted while it is looked at and read in, and not for long."""

    list = models.CharField(max_length=10, choices=ImportList)
    name = models.CharField(max_length=120, help_text="Of the file; for the screen.")
    content = EncryptedTextField(help_text="The file's bytes, compressed, as base64.")
    mapping = models.JSONField(default=dict, help_text="Header: field. What a person chose, or was found.")
    created_by = models.UUIDField(help_text="The user.")
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(list__in=ImportList.values), name="import_file_list"),
        ]
        indexes = [models.Index(fields=["expires_at"], name="import_file_expiry")]


class Diagnosis(PracticeOwned):
    """An ICD-10-CM code of a client, dated. It counts for services on or after `diagnosed_on`."""

    client = models.ForeignKey(Client, on_delete=models.PROTECT, related_name="diagnoses")
    code = models.CharField(max_length=8, help_text="With the dot, upper case.")
    description = models.CharField(max_length=200, blank=True)
    diagnosed_on = models.DateField()
    ended_on = models.DateField(null=True)
    rank = models.PositiveSmallIntegerField(default=1, help_text="Order on documents, primary first.")
    override = models.CharField(
        max_length=200, blank=True, help_text="Why staff use a code that the installed list calls not valid."
    )

    class Meta:
        verbose_name_plural = "diagnoses"
        constraints = [
            models.UniqueConstraint(fields=["practice", "client", "code", "diagnosed_on"], name="diagnosis_once"),
        ]


class Service(PracticeOwned):
    """One billed session or item: who, when, code, units, fee. Frozen once invoiced, save by void."""

    client = models.ForeignKey(Client, on_delete=models.PROTECT, related_name="services")
    clinician = models.ForeignKey(Clinician, on_delete=models.PROTECT, related_name="+")
    location = models.ForeignKey(Location, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    kind = models.CharField(max_length=12, choices=ServiceKind, default=ServiceKind.SESSION)
    on = models.DateField(help_text="Date of service.")
    code = models.CharField(max_length=10, blank=True)
    wording = models.CharField(max_length=120)
    modifiers = models.CharField(max_length=11, blank=True, help_text="Up to four, separated by blanks.")
    place_of_service = models.CharField(max_length=2, default="11")
    units = models.PositiveSmallIntegerField(default=1)
    fee_minor = models.BigIntegerField(help_text="The full fee, all units.")
    insurer_minor = models.BigIntegerField(default=0, help_text="What an insurer is to pay of it.")
    invoiced_minor = models.BigIntegerField(
        null=True,
        db_default=0,
        help_text="All live invoice lines of it together. Kept by the database's own triggers; never written.",
    )
    currency = models.CharField(max_length=3, default="USD")
    diagnoses = models.ManyToManyField(Diagnosis, through="ServiceDiagnosis", related_name="services")
    is_kept_from_insurer = models.BooleanField(
        default=False,
        help_text="The client paid in full and asked that no insurer hears of it (45 CFR 164.522(a)(1)(vi)).",
    )
    external_id = models.CharField(max_length=80, blank=True)
    recorded_at = models.DateTimeField()
    voided_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["practice", "external_id"], name="service_external_id", condition=~Q(external_id="")
            ),
            models.CheckConstraint(condition=Q(fee_minor__gt=0), name="service_fee"),
            models.CheckConstraint(
                condition=Q(insurer_minor__gte=0, insurer_minor__lte=F("fee_minor")), name="service_insurer"
            ),
            models.CheckConstraint(condition=Q(kind__in=ServiceKind.values), name="service_kind"),
            models.CheckConstraint(condition=Q(units__gte=1), name="service_units"),
        ]
        indexes = [
            models.Index(fields=["practice", "client", "-on"], name="service_client_on"),
            models.Index(fields=["practice", "-on", "-id"], name="service_list"),
            # Only those that wait for an invoice: few, however many there are.
            models.Index(
                fields=["practice", "-on", "-id"],
                name="service_uninvoiced",
                condition=Q(voided_at=None, fee_minor__gt=F("insurer_minor") + F("invoiced_minor")),
            ),
            # Of few wordings and codes each: `care.wordings` steps from one to the next.
            models.Index(fields=["practice", "wording"], name="service_wording"),
            models.Index(fields=["practice", "code"], name="service_code"),
        ]

    @property
    def client_minor(self) -> int:
        """The client's part: the fee less what an insurer is to pay."""
        return self.fee_minor - self.insurer_minor


class ServiceDiagnosis(PracticeOwned):
    """A diagnosis pointer of a service, at most four, primary first."""

    service = models.ForeignKey(Service, on_delete=models.PROTECT, related_name="pointers")
    diagnosis = models.ForeignKey(Diagnosis, on_delete=models.PROTECT, related_name="pointers")
    position = models.PositiveSmallIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["practice", "service", "position"], name="pointer_position"),
            models.UniqueConstraint(fields=["practice", "service", "diagnosis"], name="pointer_once"),
            models.CheckConstraint(condition=Q(position__gte=1, position__lte=4), name="pointer_four"),
        ]
