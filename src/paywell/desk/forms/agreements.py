"""Forms for charging saved cards and offering payment plans."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django import forms
from django.utils.translation import gettext_lazy as _

from paywell.core.ids import new_key
from paywell.core.money import Money, format_money
from paywell.desk.forms.base import DeskForm, MoneyField, day
from paywell.desk.forms.entries import describe_line
from paywell.desk.queries.accounts import OpenLine


class ChargeForm(DeskForm):
    """One charge of one card: a part or all, the oldest first or chosen services."""

    key = forms.CharField(widget=forms.HiddenInput, max_length=40)
    amount = MoneyField(label=_("Amount to charge"))
    lines = forms.MultipleChoiceField(
        label=_("For these services"),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=_("None ticked: the oldest first."),
    )

    def __init__(self, *args: Any, most: Money, lines: Sequence[OpenLine], **options: Any) -> None:
        options["initial"] = {"key": new_key(), "amount": most}
        super().__init__(*args, **options)
        fields: dict[str, Any] = self.fields
        fields["amount"].currency = most.currency
        fields["amount"].help_text = _("At most %(most)s.") % {"most": format_money(most)}
        fields["lines"].choices = [(str(line.line_id), describe_line(line)) for line in lines]
        if len(lines) < 2:
            del self.fields["lines"]

    def line_ids(self) -> tuple[UUID, ...]:
        return tuple(UUID(each) for each in self.cleaned_data.get("lines", ()))


class PlanForm(DeskForm):
    """Installments over chosen services."""

    lines = forms.MultipleChoiceField(
        label=_("What it pays off"),
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": _("Choose what the plan pays off.")},
    )
    count = forms.IntegerField(label=_("Installments"), min_value=2, max_value=36, initial=3)
    every = forms.ChoiceField(
        label=_("One each"),
        choices=[("month", _("month")), ("two_weeks", _("two weeks")), ("week", _("week"))],
        widget=forms.RadioSelect,
        initial="month",
    )
    first_on = day(_("First on"))

    def __init__(self, *args: Any, lines: Sequence[OpenLine], **options: Any) -> None:
        super().__init__(*args, **options)
        fields: dict[str, Any] = self.fields
        fields["lines"].choices = [(str(line.line_id), describe_line(line)) for line in lines]
