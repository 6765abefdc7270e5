"""Fields and the base that all desk forms share."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any, ClassVar, Final

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from paywell.accounts.errors import NO_EMAIL
from paywell.core import clock
from paywell.core.errors import UserError
from paywell.core.money import Money, format_plain, parse_money
from paywell.core.phones import format_phone, parse_phone
from paywell.core.states import LONGEST, abbreviate_state
from paywell.core.typed_days import DAY_FORMATS, NO_DAY
from paywell.practice.actions import clean_state


class MoneyInput(forms.TextInput):
    """A field with the currency's sign before it (parts/field.html)."""

    is_money = True


class MoneyField(forms.CharField):
    """An amount as people type it. Gives Money; with `required=False` nothing typed, or a zero, gives None."""

    widget = MoneyInput

    def __init__(self, *, currency: str = "USD", **options: Any) -> None:
        self.currency = currency
        super().__init__(**options)
        self.widget.attrs |= {"inputmode": "decimal", "autocomplete": "off", "maxlength": "14"}

    def clean(self, value: Any) -> Any:
        text = str(super().clean(value)).strip()
        if not self.required and text.removeprefix("$").strip() in ("", "0", "0.0", "0.00"):
            return None
        try:
            return parse_money(text, self.currency)
        except UserError as error:
            raise ValidationError(error.message, code=error.code) from None

    def prepare_value(self, value: Any) -> Any:
        return format_plain(value) if isinstance(value, Money) else value


class CheckedField(forms.CharField):
    """Text that a room's own check reads, so that its word comes together with those about the other fields.

    The check says more than the length does; what it gives is the action's to use: what was typed stays as it is.
    """

    def __init__(self, *, check: Callable[[str], object] | None = None, **options: Any) -> None:
        self.check = check
        super().__init__(**options)

    def run_validators(self, value: Any) -> None:
        if self.check is not None and value not in self.empty_values:
            try:
                self.check(value)
            except UserError as error:
                raise ValidationError(error.message, code=error.code) from None
        super().run_validators(value)


class PhoneField(CheckedField):
    """A phone number as people type it. A kept one stands there as screens show it; a typed one stays as it is."""

    def __init__(self, **options: Any) -> None:
        widget = forms.TextInput(attrs={"type": "tel"})
        super().__init__(check=parse_phone, max_length=32, required=False, widget=widget, **options)

    def prepare_value(self, value: Any) -> Any:
        return format_phone(value) if isinstance(value, str) and value.startswith("+") else value


class StateField(CheckedField):
    """A state in two letters. Its name is taken too: cut to two letters, Missouri would be Michigan."""

    def __init__(self, **options: Any) -> None:
        options.setdefault("help_text", _("Two letters, like CO, or its name."))
        super().__init__(check=clean_state, max_length=LONGEST, required=False, **options)

    def to_python(self, value: Any) -> str:
        return abbreviate_state(super().to_python(value) or "")


class DayInput(forms.DateInput):
    input_type = "date"

    def __init__(self, **options: Any) -> None:
        super().__init__(format="%Y-%m-%d", **options)


def day(label: Any, *, required: bool = True, **options: Any) -> forms.DateField:
    """A calendar day, typed or picked."""
    messages = {"invalid": NO_DAY, "required": _("Enter a date.")}
    return forms.DateField(
        label=label,
        required=required,
        widget=DayInput(),
        error_messages=messages,
        input_formats=DAY_FORMATS,
        **options,
    )


def refuse_long_ago(on: date) -> date:
    """The day as it is. What is written down lies within ten years; before, somebody mistyped the year."""
    if on < clock.now().date() - timedelta(days=3653):
        raise ValidationError(_("That day is more than ten years ago. Check the year."), code="date_too_early")
    return on


def text(
    label: Any, length: int, *, required: bool = False, check: Callable[[str], object] | None = None, **options: Any
) -> forms.CharField:
    """One line of text. `check` is what raises UserError where it has not the form it must have."""
    return CheckedField(label=label, max_length=length, required=required, check=check, **options)


#: How a limit is told, by the code of Django's validator.
LIMITS: Final = {
    "min_value": _("Enter %(limit_value)s or more."),
    "max_value": _("Enter %(limit_value)s or less."),
    "max_length": _("Use at most %(limit_value)s characters."),
}
#: What an empty field says, by its class, where it says nothing of its own: the first that fits.
EMPTY: Final = (
    (MoneyField, _("Enter an amount, like 120.00.")),
    (forms.IntegerField, _("Enter a number.")),
    (forms.EmailField, NO_EMAIL),
    (forms.ChoiceField, _("Choose one.")),
    (forms.Field, _("Enter this.")),
)
_UNSAID: Final = forms.Field.default_error_messages["required"]
#: Of a reason that stands in the story of a balance.
TOLD: Final = _("The client reads it under Why do I owe this?")


class DeskForm(forms.Form):
    """Marks what is optional rather than what is needed; no browser check hides ours."""

    use_required_attribute = False
    required_css_class = ""
    #: Fields that most people leave as they are: folded away in the set-up, and where nothing stands in them yet.
    CAN_WAIT: ClassVar[frozenset[str]] = frozenset()

    def __init__(self, *args: Any, **options: Any) -> None:
        options.setdefault("label_suffix", "")
        super().__init__(*args, **options)
        for field in self.fields.values():
            field.widget.is_required = False
            if not isinstance(field.widget, forms.CheckboxInput):
                field.widget.attrs.setdefault("autocomplete", "off")

    def full_clean(self) -> None:
        """As Django's, in our own words, each once; also of the fields that a form makes for itself."""
        for field in self.fields.values():
            for code, words in LIMITS.items():
                field.error_messages.setdefault(code, words)
            if isinstance(field, forms.EmailField):
                field.error_messages["invalid"] = NO_EMAIL
            if field.error_messages["required"] == _UNSAID:
                field.error_messages["required"] = next(words for kind, words in EMPTY if isinstance(field, kind))
        super().full_clean()
        for errors in self.errors.values():
            errors.data = list({error.messages[0]: error for error in errors.as_data()}.values())

    def judge(self, check: Callable[[], object]) -> None:
        """For `clean`: what a room's own check of several values refuses, beside all that is wrong otherwise.

        A field of which something is said already gets no second word.
        """
        try:
            check()
        except UserError as error:
            field = error.field if error.field in self.fields else None
            if field is None or field not in self.errors:
                self.add_error(field, ValidationError(error.message, code=error.code))

    @property
    def waiting(self) -> list[forms.BoundField]:
        """The fields that can wait, in their order."""
        return [self[name] for name in self.fields if name in self.CAN_WAIT]

    @property
    def is_new(self) -> bool:
        """Whether nothing but the usual stands in what can wait: where something does, all of it is shown."""
        usual = (None, "", False)
        given = ((field.field.initial, self.initial.get(field.name)) for field in self.waiting)
        return all(value in usual or value == initial for initial, value in given)

    @property
    def has_waiting_words(self) -> bool:
        """Whether something is wrong in what is folded away, or was typed there: then it is open."""
        if not self.is_bound:
            return False
        return not self.CAN_WAIT.isdisjoint(self.errors) or not self.CAN_WAIT.isdisjoint(self.changed_data)
