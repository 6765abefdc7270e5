"""Forms of the set-up: the practice, its clinicians, its catalogue, its staff, its processor."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from paywell.accounts.actions import refuse_role_alone
from paywell.accounts.models import Role
from paywell.accounts.types import StaffViewer
from paywell.care.actions import clean_code
from paywell.care.models import ServiceKind
from paywell.core.identifiers import clean_npi, clean_tax_id, clean_taxonomy
from paywell.core.zones import ZONES, describe_zone, list_zones
from paywell.desk.forms.base import DeskForm, MoneyField, PhoneField, StateField, day, text
from paywell.practice.actions import (
    clean_postal_code,
    refuse_half_a_pay_to_address,
    refuse_license_dates,
    refuse_part2_without_notice,
)
from paywell.practice.logo import MAX_BYTES
from paywell.practice.models import Clinician


class PracticeForm(DeskForm):
    """What documents, the portal and processors say of the practice."""

    CAN_WAIT = frozenset(
        {
            "pay_to_name", "pay_to_street", "pay_to_city", "pay_to_state", "pay_to_postal_code", "pay_to_note",
            "discreet_label", "invoice_prefix", "payment_terms_days", "paper", "shows_diagnosis_words",
            "is_part2_program", "part2_notice", "pay_link_days",
        }
    )  # fmt: skip

    name = text(_("Name"), 120, required=True)
    phone = PhoneField(label=_("Phone"))
    email = forms.EmailField(label=_("E-mail"), required=False)
    street = text(_("Street"), 200)
    city = text(_("City"), 80)
    state = StateField(label=_("State"))
    postal_code = text(_("ZIP code"), 10, check=clean_postal_code)
    pay_to_name = text(
        _("Send payments to"),
        120,
        help_text=_("Whose name stands on checks, where it is another one. Invoices and statements print it."),
    )
    pay_to_street = text(
        _("Street for payments"), 200, help_text=_("Empty: payments come to the practice's own address.")
    )
    pay_to_city = text(_("City for payments"), 80)
    pay_to_state = StateField(label=_("State for payments"))
    pay_to_postal_code = text(_("ZIP code for payments"), 10, check=clean_postal_code)
    pay_to_note = text(
        _("What else to say of paying"), 200, help_text=_("Like: Write the invoice number on your check.")
    )
    tax_id_kind = forms.ChoiceField(label=_("Kind of tax number"), choices=[("EIN", "EIN"), ("SSN", "SSN")])
    tax_id = text(_("Tax number"), 11)
    npi = text(_("Group NPI"), 10, check=clean_npi)
    timezone = forms.ChoiceField(label=_("Time zone"), choices=list_zones)
    discreet_label = text(
        _("Name on card statements"), 22, help_text=_("Others may read it: better nothing that tells of therapy.")
    )
    invoice_prefix = text(_("Before invoice numbers"), 10)
    payment_terms_days = forms.IntegerField(label=_("Days to pay an invoice"), min_value=0, max_value=365)
    paper = forms.ChoiceField(
        label=_("Paper of documents"),
        choices=[("us-letter", _("US Letter")), ("a4", _("A4"))],
        required=False,
    )
    shows_diagnosis_words = forms.BooleanField(
        label=_("Superbills say what a diagnosis means"),
        required=False,
        help_text=_("Its code they always have."),
    )
    is_part2_program = forms.BooleanField(
        label=_("This is a substance use disorder program under 42 CFR Part 2"),
        required=False,
        help_text=_("Every document then carries the notice below."),
    )
    part2_notice = text(
        _("Notice on documents"),
        600,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_("The statement of 42 CFR 2.32 that the program uses."),
    )
    pay_link_days = forms.IntegerField(label=_("Days a pay link works"), min_value=1, max_value=365, initial=30)

    def __init__(self, *args: Any, viewer: StaffViewer, **options: Any) -> None:
        super().__init__(*args, **options)
        self.practice = viewer.practice
        self.fields["tax_id"].help_text = _("Printed on superbills and kept encrypted.")
        if self.practice.tax_id:
            self.fields["tax_id"].help_text = _("One that ends in %(end)s is on file. Empty: it stays.") % {
                "end": self.practice.tax_id[-4:]
            }
        zone = viewer.practice.timezone
        if zone not in ZONES:
            kept = (zone, describe_zone(zone))
            self.fields["timezone"].choices = [kept, *list_zones()]  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        """An empty tax number leaves the one on file, as long as its kind stays too."""
        values = super().clean() or {}
        if not values.get("paper"):
            values.pop("paper", None)
        if not values.get("tax_id"):
            values.pop("tax_id", None)
            if self.practice.tax_id and values.get("tax_id_kind") != self.practice.tax_id_kind:
                self.add_error("tax_id", ValidationError(_("Enter the number too when its kind changes.")))
        self.judge(lambda: clean_tax_id(values.get("tax_id", ""), values.get("tax_id_kind", "EIN")))
        self.judge(lambda: refuse_part2_without_notice(values))
        self.judge(lambda: refuse_half_a_pay_to_address(values))
        return values


class ClinicianForm(DeskForm):
    CAN_WAIT = frozenset({"license_from", "license_until", "taxonomy", "has_signature_on_file", "supervisor"})

    name = text(_("Name"), 120, required=True, help_text=_("As registered with the NPI."))
    credentials = text(_("Credentials"), 40, help_text=_("Like LCSW or PhD."))
    npi = text(_("NPI"), 10, check=clean_npi)
    license_number = text(_("License number"), 40)
    license_state = StateField(label=_("License state"))
    license_from = day(_("License valid from"), required=False)
    license_until = day(_("License valid until"), required=False)
    taxonomy = text(_("Taxonomy code"), 10, check=clean_taxonomy)
    has_signature_on_file = forms.BooleanField(
        label=_("Signature is on file"),
        required=False,
        help_text=_("Superbills say so instead of leaving a line to sign on."),
    )
    supervisor = forms.ModelChoiceField(
        label=_("Supervisor"), queryset=Clinician.objects.none(), required=False, empty_label=_("None")
    )
    is_active = forms.BooleanField(label=_("Sees clients now"), required=False, initial=True)

    def __init__(self, *args: Any, viewer: StaffViewer, own_id: Any = None, **options: Any) -> None:
        super().__init__(*args, **options)
        others = Clinician.objects.filter(practice=viewer.practice).exclude(pk=own_id).order_by("name")
        self.fields["supervisor"].queryset = others  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        self.judge(lambda: refuse_license_dates(values))
        return values


class CatalogItemForm(DeskForm):
    code = text(
        _("Code"), 10, required=True, check=clean_code, help_text=_("HCPCS, or a code of your own like IND50.")
    )
    wording = text(_("Wording"), 120, required=True, help_text=_("What invoices and superbills print."))
    kind = forms.ChoiceField(label=_("Kind"), choices=ServiceKind.choices)
    fee = MoneyField(label=_("Fee"))

    def __init__(self, *args: Any, viewer: StaffViewer, **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["fee"].currency = viewer.practice.currency  # type: ignore[attr-defined]


class CatalogItemChangeForm(DeskForm):
    """Code and wording stay: another service is another entry."""

    fee = MoneyField(label=_("Fee"), help_text=_("Services recorded before keep their fee."))
    is_active = forms.BooleanField(label=_("Offered when a service is recorded"), required=False)

    def __init__(self, *args: Any, viewer: StaffViewer, **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["fee"].currency = viewer.practice.currency  # type: ignore[attr-defined]


class RoleForm(DeskForm):
    """What somebody at the desk may do."""

    role = forms.ChoiceField(label=_("Role"), choices=Role.choices, initial=Role.BILLER)
    clinician = forms.ModelChoiceField(
        label=_("Clinician"),
        queryset=Clinician.objects.none(),
        required=False,
        empty_label=_("Not a clinician"),
        help_text=_("For the role Clinician: whose clients they see."),
    )

    def __init__(self, *args: Any, viewer: StaffViewer, **options: Any) -> None:
        super().__init__(*args, **options)
        clinicians = Clinician.objects.filter(practice=viewer.practice, is_active=True).order_by("name")
        self.fields["clinician"].queryset = clinicians  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        self.judge(lambda: refuse_role_alone(values.get("role", ""), values.get("clinician")))
        return values


class StaffForm(RoleForm):
    """Somebody who is to work at the desk."""

    name = text(_("Name"), 120, required=True)
    email = forms.EmailField(label=_("E-mail"), max_length=254)
    field_order = ("name", "email", "role", "clinician")


class LookForm(DeskForm):
    """What clients see of the practice: its color, and its picture beside the name."""

    accent = forms.CharField(
        label=_("Accent color"),
        max_length=7,
        widget=forms.TextInput(attrs={"type": "color"}),
        help_text=_("Of the portal's buttons and links. Made darker or lighter where it would be hard to read."),
    )
    logo = forms.FileField(
        label=_("Logo"),
        required=False,
        widget=forms.FileInput(attrs={"accept": "image/png"}),
        help_text=_("A PNG picture of at most 200 kB. Without one the name stands alone."),
    )
    remove_logo = forms.BooleanField(label=_("Show no logo any more"), required=False)

    def read_logo(self) -> bytes | None:
        """The picture's bytes; never more than can be a logo. None where no file was sent."""
        file = self.cleaned_data["logo"]
        return file.read(MAX_BYTES + 1) if file else None
