"""Connecting a card processor: a form made of what its connector declares (`processors.contract.Setup`)."""

from __future__ import annotations

import re
from typing import Any, Final

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from paywell.desk.forms.base import DeskForm, text
from paywell.payments.models import ProcessorAccount
from paywell.processors.contract import ConnectionField, Setup
from paywell.processors.registry import CONNECTORS, Connector

_LENGTH_MAX: Final = 300
_LIVE: Final = "live"
_TEST: Final = "test"


def list_connectors() -> list[Connector]:
    """Those that this installation takes: test processors only where its settings say so, and last."""
    taken = [one for one in CONNECTORS.values() if settings.ALLOW_TEST_PROCESSORS or not one.is_test]
    return sorted(taken, key=lambda one: one.is_test)


class ConnectionForm(DeskForm):
    """The keys of one processor. With `account` its present ones are changed: an empty secret stays as it is."""

    def __init__(self, setup: Setup, *args: Any, account: ProcessorAccount | None = None, **options: Any) -> None:
        self.setup = setup
        self.account = account
        super().__init__(*args, **options)
        if setup.has_live_mode and account is None:
            self.fields["mode"] = forms.ChoiceField(
                label=_("Which keys are these?"),
                choices=[(_LIVE, _("Live: real cards are charged")), (_TEST, _("Test: no real money moves"))],
                widget=forms.RadioSelect,
                error_messages={"required": _("Choose one of the two.")},
            )
        for each in setup.fields:
            self.fields[each.name] = self._make(each)

    def _make(self, declared: ConnectionField) -> forms.CharField:
        widget: forms.Widget = forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"})
        is_kept = False
        if declared.is_secret:
            widget = forms.PasswordInput(attrs={"autocomplete": "off"})
            is_kept = self.account is not None and bool(self.account.secrets.get(declared.name))
        field = text(
            declared.label,
            _LENGTH_MAX,
            required=declared.is_required and not is_kept,
            help_text=_("It is stored. Leave this empty to keep it.") if is_kept else declared.help,
            widget=widget,
        )
        if not declared.is_secret and self.account is not None:
            field.initial = self.account.settings.get(declared.name, "")
        if declared.pattern:
            field.validators.append(_matches(declared))
        return field

    def connection(self) -> dict[str, Any]:
        """`settings`, `secrets` and, for a new one, `live_mode`, as the actions take them."""
        values = {each.name: str(self.cleaned_data[each.name]).rstrip("/") for each in self.setup.fields}
        given: dict[str, Any] = {
            "settings": {each.name: values[each.name] for each in self.setup.fields if not each.is_secret},
            "secrets": {each.name: values[each.name] for each in self.setup.fields if each.is_secret},
        }
        if self.account is None:
            given["live_mode"] = self.cleaned_data.get("mode") == _LIVE
        return given

    def merged(self) -> dict[str, Any]:
        """What the connection would be with these changes, for trying it first."""
        given = self.connection()
        if self.account is None:
            return given
        return {
            "settings": self.account.settings | {k: v for k, v in given["settings"].items() if v},
            "secrets": self.account.secrets | {k: v for k, v in given["secrets"].items() if v},
            "live_mode": self.account.live_mode,
        }


def _matches(declared: ConnectionField) -> Any:
    def check(value: str) -> None:
        if not re.fullmatch(declared.pattern, value):
            raise ValidationError(str(declared.advice or _("This does not look right. Copy it again.")))

    return check
