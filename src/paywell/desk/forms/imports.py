"""Forms about a list that the practice brings as a file."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from django import forms
from django.core.exceptions import ValidationError
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from paywell.core.csv_import import MAX_BYTES, Field
from paywell.desk.forms.base import DeskForm

#: Where a field's name does not say it on the screen.
_LABELS: Final[dict[str, str | Promise]] = {
    "external_id": _("Number"),
    "client_id": _("Client's number"),
    "client_name": _("Client's name"),
    "full_name": _("Whole name"),
    "legal_first_name": _("First name"),
    "legal_last_name": _("Last name"),
    "birth_date": _("Date of birth"),
    "street_2": _("Street, second line"),
    "postal_code": _("ZIP"),
    "payer_name": _("Whom invoices are addressed to"),
    "shares_account_with": _("Number of the client who pays too"),
    "on": _("Date of service"),
    "insurer_part": _("Insurer's part"),
    "client_part": _("Client's part"),
    "is_active": _("Offered: yes or no"),
    "member_id": _("Insurance: member ID"),
    "group_number": _("Insurance: group number"),
    "relationship": _("Insurance: relationship to subscriber"),
    "subscriber_name": _("Insurance: subscriber's name"),
    "subscriber_birth_date": _("Insurance: subscriber's date of birth"),
    "subscriber_street": _("Insurance: subscriber's street"),
    "subscriber_city": _("Insurance: subscriber's city"),
    "subscriber_state": _("Insurance: subscriber's state"),
    "subscriber_postal_code": _("Insurance: subscriber's ZIP code"),
    "starts_on": _("Insurance: in force from"),
    "ends_on": _("Insurance: last day"),
    "authorization_number": _("Insurance: authorization number"),
    "referring_name": _("Insurance: referred by"),
    "referring_npi": _("Insurance: NPI of who referred"),
    "filing_days": _("Insurance: days to file a claim"),
    "rank": _("Insurance: pays as number"),
}


class FileForm(DeskForm):
    file = forms.FileField(
        label=_("CSV file"),
        widget=forms.FileInput(attrs={"accept": ".csv,text/csv"}),
        error_messages={"required": _("Choose a CSV file."), "empty": _("The file is empty.")},
        help_text=_("A heading for each column, up to 10,000 rows. Nothing is changed before you say so."),
    )

    def clean_file(self) -> Any:
        file = self.cleaned_data["file"]
        if file.size > MAX_BYTES:
            raise ValidationError(_("The file is larger than 10 MB. Split it."))
        return file


class ColumnsForm(DeskForm):
    """What each column of the file is."""

    def __init__(self, *args: Any, headers: Sequence[str], fields: Sequence[Field], **options: Any) -> None:
        super().__init__(*args, **options)
        self.headers = headers
        choices = [("", _("Not read")), *((one.name, _label(one.name)) for one in fields)]
        for number, header in enumerate(headers):
            self.fields[f"column{number}"] = forms.ChoiceField(label=header, choices=choices, required=False)

    def get_mapping(self) -> dict[str, str]:
        """Header: field. Empty means that the column is left out."""
        return {header: self.cleaned_data[f"column{number}"] for number, header in enumerate(self.headers)}


def _label(name: str) -> str | Promise:
    return _LABELS.get(name, name.replace("_", " ").capitalize())
