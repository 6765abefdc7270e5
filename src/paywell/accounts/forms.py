"""The form of the first start in a browser."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib.auth.password_validation import validate_password
from django.utils.translation import gettext_lazy as _

from paywell.accounts.errors import NO_EMAIL
from paywell.accounts.models import User
from paywell.core.zones import list_zones


def _text(label: Any, missing: Any, length: int, autocomplete: str) -> forms.CharField:
    widget = forms.TextInput(attrs={"autocomplete": autocomplete})
    return forms.CharField(label=label, max_length=length, widget=widget, error_messages={"required": missing})


class OwnerForm(forms.Form):
    """The practice's name and its owner. All that is wrong comes at once; the password alone is typed anew."""

    use_required_attribute = False

    practice_name = _text(_("Name of the practice"), _("Enter the name of the practice."), 120, "organization")
    owner_name = _text(_("Your name"), _("Enter your name."), 120, "name")
    owner_email = forms.EmailField(
        label=_("Your e-mail"),
        max_length=254,
        widget=forms.EmailInput(attrs={"autocomplete": "username"}),
        error_messages={"required": _("Enter your e-mail address: you sign in with it."), "invalid": NO_EMAIL},
    )
    password = forms.CharField(
        label=_("Password"),
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        help_text=_(
            "At least 15 characters. A few words that only you would put together are easy to keep; "
            "no special signs are needed."
        ),
        error_messages={"required": _("Choose a password of at least 15 characters.")},
    )
    timezone = forms.ChoiceField(
        label=_("Time zone"),
        choices=list_zones,
        initial="America/New_York",
        error_messages=dict.fromkeys(("required", "invalid_choice"), _("Choose a time zone of the list.")),
    )

    def __init__(self, data: Any = None) -> None:
        super().__init__(data, auto_id="%s")

    def clean(self) -> dict[str, Any]:
        """The password is compared with the name and the e-mail, as far as they are right."""
        values = super().clean() or {}
        if values.get("password"):
            person = User(email=values.get("owner_email", ""), name=values.get("owner_name", ""))
            try:
                validate_password(values["password"], person)
            except forms.ValidationError as weak:
                self.add_error("password", weak)
        return values
