"""Texts of notices, the schedule of reminders, and what narrows the delivery log."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from paywell.desk.forms.base import DeskForm
from paywell.notifications.checks import BODY_MAX, SUBJECT_MAX
from paywell.notifications.kinds import KINDS


class NoticeTextForm(DeskForm):
    """Bounds and contents are the room's to check (`notifications.checks`): it says why, these can't."""

    subject = forms.CharField(
        label=_("Subject"),
        strip=False,
        widget=forms.TextInput(attrs={"maxlength": SUBJECT_MAX}),
        error_messages={"required": _("Write a subject.")},
    )
    body = forms.CharField(
        label=_("Text"),
        widget=forms.Textarea(attrs={"rows": 12, "maxlength": BODY_MAX}),
        error_messages={"required": _("Write a text, or restore the standard one.")},
    )


class DaysField(forms.CharField):
    """Whole numbers with commas or blanks between them; a list of int."""

    def clean(self, value: Any) -> Any:
        parts = str(super().clean(value) or "").replace(",", " ").split()
        if not all(part.isascii() and part.isdigit() and len(part) < 5 for part in parts):
            raise ValidationError(_("Write whole numbers with commas between them, like 1, 7."), code="days")
        return [int(part) for part in parts]

    def prepare_value(self, value: Any) -> Any:
        return ", ".join(str(part) for part in value) if isinstance(value, list) else value


class ReminderForm(DeskForm):
    is_on = forms.BooleanField(label=_("Remind clients by e-mail"), required=False)
    days_before = DaysField(
        label=_("Days before the due date"),
        required=False,
        max_length=60,
        help_text=_("With commas between them, like 7, 1. 0 is the due date itself. At most five."),
    )
    days_after = DaysField(
        label=_("Days after the due date"),
        required=False,
        max_length=60,
        help_text=_("With commas between them, like 3, 14, 30. At most five."),
    )


class DeliveryFilterForm(DeskForm):
    """What can't be read narrows nothing."""

    outcome = forms.ChoiceField(
        label=_("Show"),
        required=False,
        choices=[
            ("", _("Everything")),
            ("sent", _("Sent")),
            ("failed", _("Failed")),
            ("skipped", _("Skipped")),
            ("waiting", _("Waiting")),
        ],
    )
    notice = forms.ChoiceField(
        label=_("Kind"),
        required=False,
        choices=[("", _("All")), *((key, kind.label) for key, kind in KINDS.items())],
    )

    def wanted(self) -> dict[str, str]:
        self.is_valid()
        return {name: str(self.cleaned_data.get(name) or "") for name in ("outcome", "notice")}
