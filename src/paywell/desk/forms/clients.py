"""Forms about clients, the people with access, diagnoses and shares."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any
from uuid import UUID

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from paywell.accounts.types import StaffViewer
from paywell.care.actions import refuse_diagnosis_dates
from paywell.care.models import ServiceKind
from paywell.clients.actions import refuse_birth_date, refuse_half_a_private_address
from paywell.clients.models import BillingAccount, Client, GrantRole, StandingShare
from paywell.clients.people import refuse_diagnosis_alone, refuse_grant_dates, refuse_silent
from paywell.core.identifiers import clean_diagnosis_code
from paywell.core.money import Money
from paywell.desk.forms.base import DeskForm, MoneyField, PhoneField, StateField, day, text
from paywell.practice.models import Clinician


class ClientForm(DeskForm):
    """A client's record. What it says of form is checked by `clients.actions`."""

    CAN_WAIT = frozenset(
        {
            "preferred_name", "birth_date", "sex", "street", "city", "state", "postal_code", "private_street",
            "private_city", "private_state", "private_postal_code", "wants_no_email",
        }
    )  # fmt: skip

    legal_first_name = text(_("Legal first name"), 80, required=True)
    legal_last_name = text(_("Legal last name"), 80, required=True)
    preferred_name = text(
        _("Preferred name"), 120,
        help_text=_("What screens and messages call the client, first and last name. Empty: the legal name."),
    )  # fmt: skip
    birth_date = day(_("Date of birth"), required=False)
    sex = forms.ChoiceField(
        label=_("Sex, as the insurer has it"),
        required=False,
        choices=[("", _("Not given")), ("F", _("Female")), ("M", _("Male")), ("X", _("Other"))],
    )
    clinician = forms.ModelChoiceField(
        label=_("Clinician"), queryset=Clinician.objects.none(), required=False, empty_label=_("Nobody yet")
    )
    email = forms.EmailField(label=_("E-mail"), required=False, max_length=254)
    phone = PhoneField(label=_("Phone"))
    street = text(_("Street"), 200)
    city = text(_("City"), 80)
    state = StateField(label=_("State"))
    postal_code = text(_("ZIP code"), 10)
    private_street = text(
        _("Confidential address: street"), 200,
        help_text=_("Where documents go instead, if the client asked for it. None goes to the one above then."),
    )  # fmt: skip
    private_city = text(_("Confidential address: city"), 80)
    private_state = StateField(label=_("Confidential address: state"))
    private_postal_code = text(_("Confidential address: ZIP code"), 10)
    wants_no_email = forms.BooleanField(
        label=_("Send no e-mail"),
        required=False,
        help_text=_("Neither to the client nor to anybody about them. Invoices then reach them on paper."),
    )

    def __init__(self, *args: Any, viewer: StaffViewer, **options: Any) -> None:
        super().__init__(*args, **options)
        clinicians = Clinician.objects.filter(practice=viewer.practice, is_active=True).order_by("name")
        self.fields["clinician"].queryset = clinicians  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        self.judge(lambda: refuse_birth_date(values.get("birth_date")))
        self.judge(lambda: refuse_half_a_private_address(values))
        return values


class NewClientForm(ClientForm):
    invite = forms.BooleanField(
        label=_("Let the client use the portal"),
        required=False,
        help_text=_("Adds them as a person with access and sends an invitation to their e-mail."),
    )
    is_another = forms.BooleanField(label=_("This is another person"), required=False)

    def __init__(self, *args: Any, viewer: StaffViewer, **options: Any) -> None:
        super().__init__(*args, viewer=viewer, **options)
        field = self.fields["clinician"]
        who = list(field.queryset[:2])  # type: ignore[attr-defined]
        if len(who) == 1:  # the whole practice
            field.initial = who[0]

    def asks_who(self) -> bool:
        """Whether somebody of the same name is on file, so that the page has to ask."""
        return "is_another" in self.errors or bool(self["is_another"].value())

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        if values.get("invite"):
            _check_invitation(self, values, wants_no_email=values.get("wants_no_email", False))
        return values


def _check_invitation(form: DeskForm, values: dict[str, Any], *, wants_no_email: bool) -> None:
    """What keeps the ticked invitation from being sent."""
    if not values.get("email") and "email" not in form.errors:
        form.add_error(
            "email",
            ValidationError(_("An invitation needs an e-mail address. Enter one, or untick the invitation.")),
        )
    form.judge(lambda: refuse_silent(wants_no_email=wants_no_email))


class AccessForm(DeskForm):
    """What one person may do for one client, and from when until when."""

    role = forms.ChoiceField(label=_("Role"), choices=GrantRole.choices, initial=GrantRole.PAYER)
    account = forms.ModelChoiceField(
        label=_("Billing account"), queryset=BillingAccount.objects.none(), empty_label=None
    )
    may_pay = forms.BooleanField(label=_("May pay"), required=False, initial=True)
    may_see_documents = forms.BooleanField(
        label=_("May see documents"),
        required=False,
        help_text=_("Names of services, invoices in full, and superbills together with the diagnosis."),
    )
    may_see_diagnosis = forms.BooleanField(
        label=_("May see the diagnosis"), required=False, help_text=_("Needs the right to see documents.")
    )
    valid_from = day(_("From"))
    valid_until = day(_("Last day"), required=False, help_text=_("Empty: until access is taken away."))

    def __init__(self, *args: Any, accounts: Sequence[BillingAccount], **options: Any) -> None:
        super().__init__(*args, **options)
        known = BillingAccount.objects.filter(id__in=[account.id for account in accounts])
        self.fields["account"].queryset = known.order_by("name")  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        rights = {name: values.get(name, False) for name in ("may_see_documents", "may_see_diagnosis")}
        self.judge(lambda: refuse_diagnosis_alone(**rights))
        first = values.get("valid_from")
        if first is not None:
            self.judge(lambda: refuse_grant_dates(first, values.get("valid_until")))
        return values


class PersonForm(AccessForm):
    """A person who signs in or pays for a client."""

    name = text(_("Name"), 120, required=True)
    email = forms.EmailField(
        label=_("E-mail"),
        max_length=254,
        required=False,
        help_text=_("Somebody whom the practice knows by this address already is given access, not added twice."),
    )
    phone = PhoneField(label=_("Phone"))
    invite = forms.BooleanField(label=_("Send an invitation to the portal now"), required=False, initial=True)

    field_order = (
        "name", "email", "phone", "role", "account", "may_pay", "may_see_documents", "may_see_diagnosis",
        "valid_from", "valid_until", "invite",
    )  # fmt: skip

    def __init__(self, *args: Any, client: Client, **options: Any) -> None:
        super().__init__(*args, **options)
        self.client = client
        self.fields["invite"].initial = not client.wants_no_email

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        if values.get("invite"):
            _check_invitation(self, values, wants_no_email=self.client.wants_no_email)
        return values


class ContactForm(DeskForm):
    """How a person with access is called and reached."""

    name = text(_("Name"), 120, required=True)
    email = forms.EmailField(label=_("E-mail"), max_length=254, required=False)
    phone = PhoneField(label=_("Phone"))


class DiagnosisForm(DeskForm):
    """A code, or words to find one by; `pick` is the one chosen among what was found."""

    code = text(
        _("ICD-10-CM code"),
        60,
        required=True,
        check=clean_diagnosis_code,
        help_text=_("Like F41.1; or words, like anxiety."),
    )
    description = text(_("Description"), 200, help_text=_("Empty: what the list of codes says."))
    diagnosed_on = day(_("Date of diagnosis"))
    ended_on = day(_("Ended"), required=False)
    rank = forms.IntegerField(
        label=_("Order on documents"), min_value=1, max_value=12, initial=1, help_text=_("1 is the primary one.")
    )
    override = text(_("Why this code all the same"), 200, help_text=_("Kept with the diagnosis."))

    def __init__(self, *args: Any, asks_why: bool, **options: Any) -> None:
        super().__init__(*args, **options)
        if not asks_why:
            del self.fields["override"]

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        first = values.get("diagnosed_on")
        if first is not None:
            self.judge(lambda: refuse_diagnosis_dates(first, values.get("ended_on")))
        return values


class AccountForm(DeskForm):
    """One more billing account that may owe for a client."""

    name = text(_("Name"), 120, required=True, help_text=_("Whom invoices are addressed to."))
    street = text(_("Street"), 200)
    city = text(_("City"), 80)
    state = StateField(label=_("State"))
    postal_code = text(_("ZIP code"), 10)


#: What shares may be for: every kind of service, or one that is shared out in its own way.
SHARED_KINDS = {"": _("All services"), **{kind.value: kind.label for kind in ServiceKind}}


class SharesForm(DeskForm):
    """A percentage or a fixed amount for each billing account of a client; the percentages together 100."""

    def __init__(
        self,
        *args: Any,
        accounts: Sequence[BillingAccount],
        shares: Sequence[StandingShare],
        currency: str,
        **options: Any,
    ) -> None:
        super().__init__(*args, **options)
        present = {share.account_id: share for share in shares}
        self.accounts = accounts
        for account in accounts:
            share = present.get(account.id)
            points, minor = (share.basis_points, share.fixed_minor) if share else (None, None)
            self.fields[f"share_{account.id.hex}"] = forms.DecimalField(
                label=_("%(name)s: percent") % {"name": account.name},
                required=False,
                min_value=0,
                max_value=100,
                decimal_places=2,
                max_digits=5,
                error_messages=dict.fromkeys(
                    ("invalid", "min_value", "max_value", "max_digits", "max_decimal_places", "max_whole_digits"),
                    _("Enter a percentage up to 100, like 50 or 33.33."),
                ),
                initial=None if points is None else _percent(points),
                widget=forms.TextInput(attrs={"inputmode": "decimal"}),
            )
            self.fields[f"fixed_{account.id.hex}"] = MoneyField(
                label=_("%(name)s: or a fixed amount") % {"name": account.name},
                required=False,
                currency=currency,
                initial=None if minor is None else Money(minor, currency),
            )

    def clean(self) -> dict[str, Any]:
        """Each account once, and the percentages together 100."""
        values = super().clean() or {}
        for account in self.accounts:
            if values.get(f"share_{account.id.hex}") and values.get(f"fixed_{account.id.hex}"):
                self.add_error(
                    f"fixed_{account.id.hex}",
                    ValidationError(_("Enter a percentage or a fixed amount, and leave the other empty.")),
                )
        typed = [values.get(f"share_{account.id.hex}") for account in self.accounts]
        total = sum((percent for percent in typed if percent), Decimal(0))
        if total and total != 100 and not any(name.startswith("share_") for name in self.errors):
            words = _("The percentages come to %(total)s. Change them so that they come to 100.")
            self.add_error(None, ValidationError(words, params={"total": _percent(int(total * 100))}))
        return values

    def shares(self) -> dict[UUID, int]:
        """Basis points by account id, without those that owe nothing."""
        typed = {account.id: self.cleaned_data[f"share_{account.id.hex}"] for account in self.accounts}
        return {account_id: int(percent * 100) for account_id, percent in typed.items() if percent}

    def fixed(self) -> dict[UUID, int]:
        """Minor units by account id."""
        typed = {account.id: self.cleaned_data[f"fixed_{account.id.hex}"] for account in self.accounts}
        return {account_id: money.minor for account_id, money in typed.items() if money}


def _percent(points: int) -> str:
    whole, rest = divmod(points, 100)
    return f"{whole}.{rest:02}" if rest else str(whole)


class EndAccessForm(DeskForm):
    last_day = day(_("Last day of access"), required=False, help_text=_("Empty: access ends now."))
