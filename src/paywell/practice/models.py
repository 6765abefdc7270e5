"""The practice, its locations and clinicians, and the switch that allows payments."""

from __future__ import annotations

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q

from paywell.core.fields import SecretCharField
from paywell.core.ids import new_id


class Practice(models.Model):
    """One organization of the installation; everything else belongs to exactly one."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    name = models.CharField(max_length=120)
    slug = models.SlugField(max_length=60, unique=True)
    phone = models.CharField(max_length=32, blank=True, help_text="E.164, checked by phonenumbers.")
    email = models.EmailField(blank=True)
    street = models.CharField(max_length=200, blank=True)
    city = models.CharField(max_length=80, blank=True)
    state = models.CharField(max_length=2, blank=True)
    postal_code = models.CharField(max_length=10, blank=True)
    pay_to_name = models.CharField(max_length=120, blank=True, help_text="Blank: the practice's own name.")
    pay_to_street = models.CharField(max_length=200, blank=True, help_text="Blank: payments come to the address.")
    pay_to_city = models.CharField(max_length=80, blank=True)
    pay_to_state = models.CharField(max_length=2, blank=True)
    pay_to_postal_code = models.CharField(max_length=10, blank=True)
    pay_to_note = models.CharField(max_length=200, blank=True, help_text="What else invoices say of how to pay.")
    tax_id = SecretCharField()
    tax_id_kind = models.CharField(max_length=3, choices=[("EIN", "EIN"), ("SSN", "SSN")], default="EIN")
    npi = models.CharField(max_length=10, blank=True, help_text="Group NPI (type 2).")
    timezone = models.CharField(max_length=40, default="America/New_York")
    currency = models.CharField(max_length=3, default="USD")
    locale = models.CharField(max_length=10, default="en_US")
    accent = models.CharField(max_length=7, default="#0f5e5c", help_text="Corrected for contrast when chosen.")
    logo = models.BinaryField(null=True, help_text="PNG, see practice.logo. Deferred by every page's query.")
    logo_digest = models.CharField(max_length=16, blank=True, help_text="Part of its address; blank: none.")
    discreet_label = models.CharField(max_length=22, blank=True, help_text="What a processor shows; not clinical.")
    payments_allowed = models.BooleanField(default=False, help_text="Allow Payments Through Client Portal.")
    invoice_prefix = models.CharField(max_length=10, default="INV-")
    payment_terms_days = models.PositiveSmallIntegerField(default=14, validators=[MaxValueValidator(365)])
    pay_link_days = models.PositiveSmallIntegerField(
        default=30,
        validators=[MinValueValidator(1), MaxValueValidator(365)],
        help_text="A pay link's life.",
    )
    client_idle_minutes = models.PositiveSmallIntegerField(default=15, validators=[MinValueValidator(2)])
    staff_idle_minutes = models.PositiveSmallIntegerField(default=15, validators=[MinValueValidator(2)])
    paper = models.CharField(max_length=10, choices=[("us-letter", "US Letter"), ("a4", "A4")], default="us-letter")
    shows_diagnosis_words = models.BooleanField(
        default=True, help_text="Superbills print what a diagnosis means; its code they always print."
    )
    is_part2_program = models.BooleanField(
        default=False, help_text="A substance use disorder program: documents carry `part2_notice`."
    )
    part2_notice = models.CharField(max_length=600, blank=True, help_text="The statement of 42 CFR 2.32.")
    created_at = models.DateTimeField()
    setup_closed_at = models.DateTimeField(null=True, help_text="When the owner put the list of the set-up away.")

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(payment_terms_days__lte=365), name="practice_terms"),
            models.CheckConstraint(
                condition=Q(is_part2_program=False) | ~Q(part2_notice=""), name="practice_part2_notice"
            ),
            models.CheckConstraint(
                condition=Q(pay_to_street="", pay_to_city="", pay_to_state="", pay_to_postal_code="")
                | ~Q(pay_to_street="") & ~Q(pay_to_city="") & ~Q(pay_to_state="") & ~Q(pay_to_postal_code=""),
                name="practice_pay_to_whole",
            ),
            models.CheckConstraint(
                condition=Q(pay_link_days__gte=1, pay_link_days__lte=365), name="practice_pay_link_days"
            ),
        ]

    def __str__(self) -> str:
        return self.name


class PracticeOwned(models.Model):
    """Base of every row that belongs to a practice: a UUID of its own, and the practice's id."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    practice = models.ForeignKey(Practice, on_delete=models.PROTECT, related_name="+")

    class Meta:
        abstract = True


class LogoPicture(PracticeOwned):
    """A logo that the practice has or had: documents keep the one that they were issued with. Append-only."""

    digest = models.CharField(max_length=16)
    png = models.BinaryField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["practice", "digest"], name="logo_picture_once")]


class Location(PracticeOwned):
    """Where care takes place; prints on superbills when it is not the practice's own address."""

    name = models.CharField(max_length=120)
    street = models.CharField(max_length=200, blank=True)
    city = models.CharField(max_length=80, blank=True)
    state = models.CharField(max_length=2, blank=True)
    postal_code = models.CharField(max_length=10, blank=True)
    place_of_service = models.CharField(max_length=2, default="11", help_text="CMS place-of-service code.")
    npi = models.CharField(max_length=10, blank=True)
    is_active = models.BooleanField(default=True, db_default=True, help_text="Offered for new services.")
    pay_to_name = models.CharField(
        max_length=120, blank=True, default="", db_default="", help_text="Blank: as the practice says."
    )
    pay_to_street = models.CharField(
        max_length=200, blank=True, default="", db_default="", help_text="Blank: where the practice says."
    )
    pay_to_city = models.CharField(max_length=80, blank=True, default="", db_default="")
    pay_to_state = models.CharField(max_length=2, blank=True, default="", db_default="")
    pay_to_postal_code = models.CharField(max_length=10, blank=True, default="", db_default="")

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(pay_to_street="", pay_to_city="", pay_to_state="", pay_to_postal_code="")
                | ~Q(pay_to_street="") & ~Q(pay_to_city="") & ~Q(pay_to_state="") & ~Q(pay_to_postal_code=""),
                name="location_pay_to_whole",
            ),
        ]

    def __str__(self) -> str:
        return self.name


class Clinician(PracticeOwned):
    """Who renders care. A staff sign-in may point to one (accounts)."""

    name = models.CharField(max_length=120, help_text="As registered with the NPI.")
    credentials = models.CharField(max_length=40, blank=True)
    npi = models.CharField(max_length=10, blank=True, help_text="Individual NPI (type 1).")
    license_number = models.CharField(max_length=40, blank=True)
    license_state = models.CharField(max_length=2, blank=True)
    license_from = models.DateField(null=True, blank=True)
    license_until = models.DateField(null=True, blank=True, help_text="Last day on which the license is valid.")
    taxonomy = models.CharField(max_length=10, blank=True)
    has_signature_on_file = models.BooleanField(
        default=False, help_text="Superbills say so instead of leaving a line to sign on."
    )
    supervisor = models.ForeignKey("self", null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    external_id = models.CharField(max_length=80, blank=True)
    is_active = models.BooleanField(default=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["practice", "external_id"], name="clinician_external_id", condition=~Q(external_id="")
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name}, {self.credentials}" if self.credentials else self.name


class ImportKind(models.TextChoices):
    CLIENTS = "clients", "Clients"
    SERVICES = "services", "Services"
    CATALOGUE = "catalogue", "Catalogue"


class ImportPreset(PracticeOwned):
    """Which column of a file of some other product is which field here, kept under a name."""

    kind = models.CharField(max_length=10, choices=ImportKind)
    name = models.CharField(max_length=60)
    mapping = models.JSONField(default=dict, help_text="Header of the file: field here.")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["practice", "kind", "name"], name="import_preset_name"),
            models.CheckConstraint(condition=Q(kind__in=ImportKind.values), name="import_preset_kind"),
        ]
