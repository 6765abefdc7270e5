"""Connecting a card processor: which one, and what it gave the practice to connect with."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from paywell.desk.forms.base import DeskForm, text
from paywell.processors.registry import CONNECTORS, Connector


def list_connectors() -> list[Connector]:
    """Those that this installation takes: test processors only where its settings say so."""
    return [one for one in CONNECTORS.values() if settings.ALLOW_TEST_PROCESSORS or not one.is_test]


class ProcessorForm(DeskForm):
    """What a test processor needs. A real one brings its own fields with its connector."""

    connector = forms.ChoiceField(label=_("Processor"), widget=forms.RadioSelect)
    base_url = text(_("Address"), 200, required=True, help_text=_("Where the test processor runs."))
    account = text(_("Account"), 60, required=True, help_text=_("Like acct_willow."))
    api_key = text(_("Secret key"), 200, required=True, widget=forms.PasswordInput())
    notice_secret = text(_("Secret for notices"), 200, required=True, widget=forms.PasswordInput())

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        choices = [(one.name, one.label) for one in list_connectors()]
        self.fields["connector"].choices = choices  # type: ignore[attr-defined]
        self.fields["connector"].initial = choices[0][0] if choices else None

    def clean_base_url(self) -> str:
        address = str(self.cleaned_data["base_url"]).rstrip("/")
        parts = urlsplit(address)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.username or parts.query:
            raise ValidationError(_("Enter an address, like http://127.0.0.1:8001."))
        return address

    def connection(self) -> dict[str, Any]:
        """The arguments of `connect_processor`."""
        values = self.cleaned_data
        return {
            "connector": values["connector"],
            "settings": {"base_url": values["base_url"], "account": values["account"]},
            "secrets": {"api_key": values["api_key"], "notice_secret": values["notice_secret"]},
            "live_mode": False,
        }
