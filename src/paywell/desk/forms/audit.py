"""What narrows the audit trail."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from paywell.accounts.models import User
from paywell.accounts.types import StaffViewer
from paywell.clients.access import access_client
from paywell.clients.models import Client
from paywell.desk.forms.base import DeskForm, day
from paywell.desk.queries.audit import AuditFilter, list_actors


class PersonChoice(forms.ModelChoiceField):
    def label_from_instance(self, obj: Any) -> str:
        return str(obj.get_full_name())


class AuditFilterForm(DeskForm):
    """What can't be read is left out; a client who is not the viewer's is a 404."""

    kind = forms.ChoiceField(
        label=_("Show"),
        required=False,
        choices=[("all", _("Everything")), ("views", _("Who looked")), ("changes", _("Changes"))],
    )
    person = PersonChoice(label=_("By"), queryset=User.objects.none(), required=False, empty_label=_("Anybody"))
    date_from = day(_("From"), required=False)
    date_to = day(_("To"), required=False)
    client = forms.UUIDField(required=False, widget=forms.HiddenInput())

    def __init__(self, *args: Any, viewer: StaffViewer, **options: Any) -> None:
        super().__init__(*args, **options)
        self.viewer = viewer
        self.fields["person"].queryset = list_actors(viewer)  # type: ignore[attr-defined]

    def wanted(self) -> AuditFilter:
        self.is_valid()
        values = self.cleaned_data
        client: Client | None = access_client(self.viewer, values["client"]) if values.get("client") else None
        person = values.get("person")
        return AuditFilter(
            person_id=person.id if person else None,
            client=client,
            kind=values.get("kind") or "all",
            date_from=values.get("date_from"),
            date_to=values.get("date_to"),
        )
