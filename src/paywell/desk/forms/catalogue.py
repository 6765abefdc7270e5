"""Forms about a price list that the practice brings, and the license for its codes."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from typing import Any, Final

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from paywell.desk.forms.base import DeskForm, day

MAX_BYTES: Final = 500_000
_FIELDS: Final = [
    ("", _("Not read")),
    ("code", _("Code")),
    ("wording", _("Wording")),
    ("fee", _("Fee")),
    ("kind", _("Kind")),
    ("is_active", _("Offered: yes or no")),
]


class PriceListForm(DeskForm):
    """The file; after the first look its content comes back with the form, so that nothing is kept in between."""

    file = forms.FileField(
        label=_("CSV file"),
        required=False,
        widget=forms.FileInput(attrs={"accept": ".csv,text/csv"}),
        help_text=_("Code, wording and fee, with a heading for each column. Nothing is changed before you say so."),
    )
    content = forms.CharField(required=False, widget=forms.HiddenInput)

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        file = values.get("file")
        data = file.read(MAX_BYTES + 1) if file else _decode(values.get("content", ""))
        if not data:
            self.add_error("file", ValidationError(_("Choose a CSV file.")))
        elif len(data) > MAX_BYTES:
            self.add_error("file", ValidationError(_("The file is larger than 500 kB. Split it.")))
        values["data"] = data
        return values


class ColumnsForm(DeskForm):
    """What each column of the file is."""

    def __init__(self, *args: Any, headers: Sequence[str], **options: Any) -> None:
        super().__init__(*args, **options)
        self.headers = headers
        for number, header in enumerate(headers):
            self.fields[f"column{number}"] = forms.ChoiceField(label=header, choices=_FIELDS, required=False)

    def get_mapping(self) -> dict[str, str]:
        """Header: field. Empty means that the column is left out."""
        return {header: self.cleaned_data[f"column{number}"] for number, header in enumerate(self.headers)}


class LicenseForm(DeskForm):
    held_since = day(_("Held since"))
    confirmed = forms.BooleanField(
        label=_("The practice holds a license of the American Medical Association for the codes in its catalogue."),
        error_messages={"required": _("Tick this to note the license.")},
    )


def encode(data: bytes) -> str:
    """The file's content as it goes along with the form."""
    return base64.b64encode(data).decode()


def _decode(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return b""
