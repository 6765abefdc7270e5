"""Forms for charging saved cards and offering payment plans."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any
from uuid import UUID

from django import forms
from django.utils.translation import gettext_lazy as _

from paywell.agreements import errors
from paywell.agreements.previews import BatchCard, BatchRow
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


class BatchForm(DeskForm):
    """The accounts that can be charged, each ticked or not: how much, and by which of its cards."""

    key = forms.CharField(widget=forms.HiddenInput, max_length=40)

    def __init__(self, *args: Any, ready: Sequence[BatchRow], **options: Any) -> None:
        options["initial"] = {"key": new_key()}
        super().__init__(*args, **options)
        self.ready = ready
        for row in ready:
            name, first = row.account_name, row.cards[0]
            amount = MoneyField(
                label=_("Amount for %(name)s") % {"name": name}, required=False, currency=first.most.currency,
                initial=first.most,
            )  # fmt: skip
            tick = forms.BooleanField(label=_("Charge %(name)s") % {"name": name}, required=False, initial=True)
            by = forms.ChoiceField(
                label=_("Card for %(name)s") % {"name": name}, initial=str(first.agreement_id),
                choices=[(str(each.agreement_id), _name_card(each)) for each in row.cards],
                required=len(row.cards) > 1,
            )  # fmt: skip
            mine = {_field("pay", row): tick, _field("amount", row): amount, _field("by", row): by}
            if len(row.cards) == 1:
                del mine[_field("by", row)]
            self.fields.update(mine)

    def rows(self) -> list[dict[str, Any]]:
        """For the table: each account with its fields."""
        return [
            {
                "row": row, "tick": self[_field("pay", row)], "amount": self[_field("amount", row)],
                "by": self[_field("by", row)] if len(row.cards) > 1 else None,
            }
            for row in self.ready
        ]  # fmt: skip

    def clean(self) -> dict[str, Any]:
        said: dict[str, Any] = super().clean() or {}
        known = {_field("pay", row) for row in self.ready}
        if any(name.startswith("pay_") and name not in known for name in self.data):
            raise forms.ValidationError(
                _(
                    "One of the accounts can't be charged any more. Nothing was charged. Look through the list "
                    "again."
                )
            )
        ticked = [row for row in self.ready if said.get(_field("pay", row))]
        for name in list(self.errors):  # what is not ticked is not looked at
            if (
                not any(name.endswith(row.account_id.hex) for row in ticked)
                and name in self.fields
                and name != "key"
            ):
                del self.errors[name]
        if not ticked:
            raise forms.ValidationError(_("Tick at least one account. Nothing was charged."))
        for row in ticked:
            self._check_amount(row, said)
        return said

    def _check_amount(self, row: BatchRow, said: dict[str, Any]) -> None:
        name = _field("amount", row)
        if name in self.errors:
            return
        most, amount = self._card(row, said).most, said.get(name)
        if amount is None:
            self.add_error(name, _("Enter an amount, or take the tick away."))
        elif amount.minor > most.minor:
            self.add_error(name, _("At most %(most)s.") % {"most": format_money(most)})

    def _card(self, row: BatchRow, said: dict[str, Any]) -> BatchCard:
        chosen = said.get(_field("by", row))
        return next((each for each in row.cards if str(each.agreement_id) == chosen), row.cards[0])

    def orders(self) -> list[dict[str, Any]]:
        """What the work is asked for: agreement, minor units and the account's name of each ticked row."""
        said = self.cleaned_data
        return [
            {
                "agreement": str(self._card(row, said).agreement_id),
                "minor": said[_field("amount", row)].minor,
                "label": row.account_name,
            }
            for row in self.ready
            if said[_field("pay", row)]
        ]


def _field(part: str, row: BatchRow) -> str:
    return f"{part}_{row.account_id.hex}"


def _name_card(card: BatchCard) -> str:
    return f"{card.card}, {card.owner} ({format_money(card.most)})"


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

    def __init__(self, *args: Any, lines: Sequence[OpenLine], today: date, **options: Any) -> None:
        super().__init__(*args, **options)
        self.today = today
        fields: dict[str, Any] = self.fields
        fields["lines"].choices = [(str(line.line_id), describe_line(line)) for line in lines]

    def clean_first_on(self) -> date:
        first_on: date = self.cleaned_data["first_on"]
        if first_on <= self.today:
            raise forms.ValidationError(errors.plan_begun().message, code="plan_invalid")
        return first_on
