"""Texts of notices, the schedule of reminders, and what narrows the delivery log."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any, TypeVar

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from paywell.core.errors import UserError
from paywell.desk.forms.base import DeskForm
from paywell.notifications.checks import BODY_MAX, SUBJECT_MAX, check_body, check_subject
from paywell.notifications.kinds import KINDS, NoticeKind
from paywell.notifications.reminders import check_days

Result = TypeVar("Result")


class NoticeTextForm(DeskForm):
    """Bounds and contents are the room's to check (`notifications.checks`), each field for itself."""

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

    def __init__(self, *args: Any, kind: NoticeKind, private: Collection[str], **options: Any) -> None:
        """`private`: wordings that may not leave in an e-mail (`notifications.texts.find_private`)."""
        super().__init__(*args, **options)
        self.kind, self.private = kind, private

    def clean_subject(self) -> str:
        return _ask(lambda: check_subject(self.kind, self.cleaned_data["subject"], private=self.private))

    def clean_body(self) -> str:
        return _ask(lambda: check_body(self.kind, self.cleaned_data["body"], private=self.private))


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

    def clean_days_before(self) -> list[int]:
        return _ask(lambda: check_days("days_before", self.cleaned_data["days_before"]))

    def clean_days_after(self) -> list[int]:
        return _ask(lambda: check_days("days_after", self.cleaned_data["days_after"]))


def _ask(check: Callable[[], Result]) -> Result:
    """What the room's own check gives, so that every field says what is wrong with it at once."""
    try:
        return check()
    except UserError as error:
        raise ValidationError(error.message, code=error.code) from error


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
