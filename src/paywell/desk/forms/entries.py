"""Forms for what is entered in an account's books by hand."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any
from uuid import UUID

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from paywell.billing import errors
from paywell.billing.entries import EntryForm, refuse_card_number
from paywell.billing.models import WITH_METHOD, EntryKind, Method
from paywell.core.errors import UserError
from paywell.core.ids import new_id
from paywell.core.money import Money, format_money
from paywell.core.templatetags.paywell import day as write_day
from paywell.desk.forms.base import TOLD, DeskForm, MoneyField, day, refuse_long_ago, text
from paywell.desk.queries.accounts import OpenLine
from paywell.desk.words import METHOD_WORDS

_REFERENCES = {
    EntryKind.PAYMENT: _("Number of the check or of the outside receipt. Never a card number."),
    EntryKind.CREDIT_OUT: _("Number of the check or transfer by which it goes out."),
    EntryKind.INSURER_PAYMENT: _("Number of the check or transfer."),
}
#: Which kinds can be spread over chosen services.
_ON_LINES = (EntryKind.PAYMENT, EntryKind.CREDIT_USED, EntryKind.ADJUSTMENT, EntryKind.WRITE_OFF)


class EntryPageForm(DeskForm):
    """One entry. Which fields there are depends on its kind. Its id is made with the form (`billing.entries`)."""

    entry_id = forms.UUIDField(widget=forms.HiddenInput)
    kind = forms.ChoiceField(label=_("What it is"), widget=forms.RadioSelect)
    amount = MoneyField(label=_("Amount"))
    is_more = forms.BooleanField(label=_("Yes, that much was paid"), required=False)
    method = forms.ChoiceField(label=_("Method"), choices=list(METHOD_WORDS.items()), widget=forms.RadioSelect)
    reference = text(_("Reference"), 40, check=refuse_card_number)
    on = day(_("Date"))
    lines = forms.MultipleChoiceField(
        label=_("For these services"),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=_("None ticked: the oldest first."),
    )
    note = forms.CharField(
        label=_("Note to the client"),
        required=False,
        max_length=500,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text=_("Shown in Payment History. At most 500 characters."),
    )
    reason = text(
        _("Reason"),
        200,
        required=True,
        help_text=TOLD,
        error_messages={"required": _("Say why.")},
    )

    def __init__(
        self,
        *args: Any,
        kinds: Sequence[EntryKind],
        lines: Sequence[OpenLine] = (),
        currency: str,
        owed: Money | None = None,
        credit: Money | None = None,
        **options: Any,
    ) -> None:
        """`owed`: what the account owes; a payment of much more is asked about once. `credit`: what it has left.

        `initial["on"]` is the practice's today.
        """
        options["initial"] = {"entry_id": new_id(), "kind": kinds[0].value, "method": "check"} | (
            options.get("initial") or {}
        )
        super().__init__(*args, **options)
        self.kinds, self.owed, self.credit = kinds, owed, credit
        fields: dict[str, Any] = self.fields
        fields["amount"].currency = currency
        fields["kind"].choices = [(kind.value, kind.label) for kind in kinds]
        fields["lines"].choices = [(str(line.line_id), describe_line(line)) for line in lines]
        fields["reference"].help_text = _REFERENCES.get(kinds[0], "")
        dropped = {
            "is_more": kinds[0] is not EntryKind.PAYMENT,
            "kind": len(kinds) == 1,
            "method": kinds[0] not in WITH_METHOD,
            "reference": kinds[0] not in WITH_METHOD,
            "note": kinds[0] is not EntryKind.PAYMENT,
            "reason": kinds[0] is EntryKind.PAYMENT,
            "lines": kinds[0] not in _ON_LINES or len(lines) < 2,
        }
        for name, is_dropped in dropped.items():
            if is_dropped:
                del self.fields[name]
        fields["amount"].widget.attrs["autofocus"] = True

    def asks_more(self) -> bool:
        """Whether the amount looks like a slip of the keys, so that the page has to ask."""
        return (
            "is_more" in self.fields
            and self.is_bound
            and ("is_more" in self.errors or bool(self["is_more"].value()))
        )

    def clean(self) -> dict[str, Any]:
        """More than twice what is owed: two amounts in a row, or a figure too many."""
        values = super().clean() or {}
        amount = values.get("amount")
        # Only beside other errors: alone it may be the same form sent twice, and `make_entry` knows which it is.
        if amount is not None and self.errors and (refusal := self._refuse_amount(amount)):
            self.add_error("amount", refusal.message)
        if "is_more" not in self.fields or not self.owed or amount is None or values.get("is_more"):
            return values
        if amount.minor > 2 * self.owed.minor > 0:
            words = _("That is %(more)s more than is owed. If it is right, tick this; the rest becomes credit.")
            self.add_error("is_more", ValidationError(words % {"more": format_money(amount - self.owed)}))
        return values

    def _refuse_amount(self, amount: Money) -> UserError | None:
        """What the account can't bear as it is now. `make_entry` asks again with the account held."""
        kind = self.kinds[0]
        if kind in (EntryKind.CREDIT_USED, EntryKind.CREDIT_OUT) and self.credit is not None:
            return errors.above_credit(self.credit) if amount > self.credit else None
        if kind is EntryKind.ADJUSTMENT and self.owed is not None:
            return errors.above_owed(self.owed) if amount > self.owed else None
        return None

    def clean_on(self) -> date:
        on: date = self.cleaned_data["on"]
        if on > self.initial.get("on", on):
            raise ValidationError(errors.day_ahead().message, code="day_ahead")
        return refuse_long_ago(on)

    def entry(self, service_id: UUID | None = None) -> EntryForm:
        """What the form said. Only after `is_valid`."""
        said = self.cleaned_data
        kind = EntryKind(said.get("kind") or self.kinds[0])
        return EntryForm(
            entry_id=said["entry_id"],
            kind=kind,
            amount=said["amount"],
            on=said["on"],
            line_ids=tuple(UUID(each) for each in said.get("lines", ())),
            method=Method(said["method"]) if kind in WITH_METHOD else None,
            reference=said.get("reference", ""),
            note=said.get("note", ""),
            reason=said.get("reason", ""),
            service_id=service_id,
        )


class AnswerForm(DeskForm):
    """The answer to a client's question."""

    answer = forms.CharField(
        label=_("Your answer"),
        max_length=1000,
        widget=forms.Textarea(attrs={"rows": 5}),
        help_text=_("The client reads it in the portal. No e-mail carries it."),
        error_messages={"required": _("Write an answer.")},
    )


def describe_line(line: OpenLine) -> str:
    owed: Money = line.balance
    return f"{write_day(line.on)}, {line.wording}, {line.client_name}: {format_money(owed)}"
