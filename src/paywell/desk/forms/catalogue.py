"""The form about the license for the codes of the practice's catalogue."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _

from paywell.desk.forms.base import DeskForm, day


class LicenseForm(DeskForm):
    held_since = day(_("Held since"))
    confirmed = forms.BooleanField(
        label=_("The practice holds a license of the American Medical Association for the codes in its catalogue."),
        error_messages={"required": _("Tick this to note the license.")},
    )
