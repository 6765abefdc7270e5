"""Forms about documents and insurance."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from paywell.accounts.types import StaffViewer
from paywell.care.models import CatalogItem, Diagnosis
from paywell.clients.coverage import clean_number, refuse_coverage_dates
from paywell.clients.models import BillingAccount, Client, Relationship
from paywell.core.identifiers import clean_npi
from paywell.core.money import Money
from paywell.desk.forms.base import DeskForm, StateField, day, text
from paywell.desk.forms.billing import DiagnosisChoice, ItemChoice
from paywell.documents.estimates import Expected, get_last_day
from paywell.practice.models import Clinician


class RangeForm(DeskForm):
    """Days, both included. Begins with the month before."""

    date_from = day(_("From"))
    date_to = day(_("To"))

    def __init__(self, *args: Any, today: date, **options: Any) -> None:
        last = today.replace(day=1) - timedelta(days=1)
        super().__init__(*args, initial={"date_from": last.replace(day=1), "date_to": last}, **options)

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        first, last = values.get("date_from"), values.get("date_to")
        if first and last and last < first:
            self.add_error("date_to", ValidationError(_("The range ends before it begins.")))
        return values


class SuperbillRangeForm(RangeForm):
    """All services of some days."""


class StatementForm(RangeForm):
    kind = forms.ChoiceField(
        label=_("What for"),
        choices=[
            ("statement", _("A statement for these days")),
            ("yearly", _("A yearly statement, of the year in which the days end")),
        ],
        widget=forms.RadioSelect,
        initial="statement",
    )
    account = forms.ModelChoiceField(
        label=_("Billing account"), queryset=BillingAccount.objects.none(), empty_label=None
    )
    field_order = ["kind", "account", "date_from", "date_to"]

    def __init__(self, *args: Any, accounts: Sequence[BillingAccount], **options: Any) -> None:
        super().__init__(*args, **options)
        known = BillingAccount.objects.filter(id__in=[account.id for account in accounts])
        self.fields["account"].queryset = known.order_by("name")  # type: ignore[attr-defined]
        self.fields["kind"].initial = "statement"


#: Kinds of services on one estimate.
ESTIMATE_LINES = 4


class EstimateForm(DeskForm):
    """What care is expected, for a Good Faith Estimate."""

    why = forms.ChoiceField(
        label=_("Why now"),
        choices=[("request", _("The client asked what care costs")), ("scheduled", _("A service was scheduled"))],
        widget=forms.RadioSelect,
        initial="request",
    )
    asked_on = day(_("On"))
    first_on = day(_("First date of service"), required=False, help_text=_("Empty: not scheduled yet."))
    clinician = forms.ModelChoiceField(
        label=_("Clinician"), queryset=Clinician.objects.none(), empty_label=_("Choose")
    )
    period_from = day(_("Care from"))
    period_to = day(_("Care until"), help_text=_("At most twelve months."))
    frequency = text(_("How often"), 120, required=True, help_text=_("Like once a week."))
    diagnoses = DiagnosisChoice(
        label=_("Diagnoses"),
        queryset=Diagnosis.objects.none(),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=_("Where they are known."),
    )

    def __init__(self, *args: Any, viewer: StaffViewer, client: Client, today: date, **options: Any) -> None:
        initial = {
            "asked_on": today,
            "period_from": today,
            "period_to": get_last_day(today),
            "clinician": client.clinician_id,
        }
        super().__init__(*args, initial=initial, **options)
        practice = viewer.practice
        clinicians = Clinician.objects.filter(practice=practice, is_active=True).order_by("name")
        self.fields["clinician"].queryset = clinicians  # type: ignore[attr-defined]
        mine = Diagnosis.objects.filter(practice=practice, client=client).exclude(ended_on__lt=today)
        diagnoses = mine.order_by("rank", "code")
        self.fields["diagnoses"].queryset = diagnoses  # type: ignore[attr-defined]
        if not diagnoses.exists():
            del self.fields["diagnoses"]
        items = CatalogItem.objects.filter(practice=practice, is_active=True).order_by("wording")
        for number in range(1, ESTIMATE_LINES + 1):
            label = {"number": number}
            self.fields[f"item_{number}"] = ItemChoice(
                label=_("Service %(number)s") % label, queryset=items, required=False, empty_label=_("None")
            )
            self.fields[f"count_{number}"] = forms.IntegerField(
                label=_("How many times, service %(number)s") % label, required=False, min_value=1, max_value=400
            )
            self.fields[f"separate_{number}"] = forms.BooleanField(
                label=_("Service %(number)s is scheduled separately") % label, required=False
            )

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        for number in range(1, ESTIMATE_LINES + 1):
            if values.get(f"item_{number}") and not values.get(f"count_{number}"):
                self.add_error(f"count_{number}", ValidationError(_("Say how many times.")))
        return values

    def expected(self) -> list[Expected]:
        """What was chosen, in order."""
        values, found = self.cleaned_data, []
        for number in range(1, ESTIMATE_LINES + 1):
            item = values[f"item_{number}"]
            if item is not None:
                found.append(
                    Expected(
                        wording=item.wording,
                        code=item.code,
                        fee=Money(item.fee_minor, item.currency),
                        count=values[f"count_{number}"],
                        clinician=values["clinician"],
                        is_separate=values[f"separate_{number}"],
                    )
                )
        return found


class CoverageForm(DeskForm):
    """A client's insurance, as its card has it."""

    CAN_WAIT = frozenset(
        {
            "ends_on", "rank", "filing_days", "needs_authorization", "authorization_number", "referring_name",
            "referring_npi",
        }
    )  # fmt: skip

    insurer = text(_("Insurer"), 120, required=True)
    member_id = text(_("Member ID"), 40, check=clean_number, help_text=_("Kept encrypted."))
    group_number = text(_("Group number"), 40, check=clean_number)
    relationship = forms.ChoiceField(
        label=_("The client is, to the subscriber"), choices=Relationship.choices, initial=Relationship.SELF
    )
    subscriber_name = text(_("Subscriber's name"), 160, help_text=_("Where it is somebody else's insurance."))
    subscriber_birth_date = day(_("Subscriber's date of birth"), required=False)
    subscriber_street = text(
        _("Subscriber's street"), 200, help_text=_("Where it is somebody else's insurance. Superbills print it.")
    )
    subscriber_city = text(_("Subscriber's city"), 80)
    subscriber_state = StateField(label=_("Subscriber's state"))
    subscriber_postal_code = text(_("Subscriber's ZIP code"), 10)
    starts_on = day(_("In force from"))
    ends_on = day(_("Last day"), required=False, help_text=_("Empty while it goes on."))
    rank = forms.IntegerField(
        label=_("Pays as number"), min_value=1, max_value=9, initial=1, help_text=_("1 is who pays first.")
    )
    filing_days = forms.IntegerField(
        label=_("Days to file a claim"),
        min_value=1,
        max_value=1_100,
        required=False,
        help_text=_("From the day of the service; commonly 90 to 365."),
    )
    needs_authorization = forms.BooleanField(label=_("Wants an authorization"), required=False)
    authorization_number = text(_("Authorization number"), 40, check=clean_number)
    referring_name = text(_("Referred by"), 160)
    referring_npi = text(_("Their NPI"), 10, check=clean_npi)

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        first = values.get("starts_on")
        if first is not None:
            self.judge(lambda: refuse_coverage_dates(first, values.get("ends_on")))
        return values
