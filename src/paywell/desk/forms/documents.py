"""Forms about documents and insurance."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from paywell.clients.models import BillingAccount, Relationship
from paywell.desk.forms.base import DeskForm, day, text


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


class CoverageForm(DeskForm):
    """A client's insurance, as its card has it."""

    insurer = text(_("Insurer"), 120, required=True)
    member_id = text(_("Member ID"), 40, help_text=_("Kept encrypted."))
    group_number = text(_("Group number"), 40)
    relationship = forms.ChoiceField(
        label=_("The client is, to the subscriber"), choices=Relationship.choices, initial=Relationship.SELF
    )
    subscriber_name = text(_("Subscriber's name"), 160, help_text=_("Where it is somebody else's insurance."))
    subscriber_birth_date = day(_("Subscriber's date of birth"), required=False)
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
    authorization_number = text(_("Authorization number"), 40)
    referring_name = text(_("Referred by"), 160)
    referring_npi = text(_("Their NPI"), 10)
