"""The form of a place where care is given."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from paywell.codes.places import list_places, name_place
from paywell.core import clock
from paywell.core.identifiers import clean_npi
from paywell.desk.forms.base import DeskForm, StateField, text
from paywell.practice.actions import clean_postal_code, refuse_half_a_pay_to_address


class PlaceForm(DeskForm):
    """What superbills print of a place, and where payments for care there are sent."""

    name = text(_("Name"), 120, required=True, help_text=_("As you call it. Superbills print it with its address."))
    place_of_service = forms.ChoiceField(
        label=_("Place of service"),
        help_text=_("What kind of place it is, in the two digits that insurers read on a superbill."),
    )
    street = text(_("Street"), 200, help_text=_("Empty: superbills print the practice's own address."))
    city = text(_("City"), 80)
    state = StateField(label=_("State"))
    postal_code = text(_("ZIP code"), 10, check=clean_postal_code)
    npi = text(_("NPI of the place"), 10, check=clean_npi, help_text=_("Where it has one of its own."))
    pay_to_name = text(
        _("Send payments to"), 120, help_text=_("Whose name stands on checks. Empty: as for the practice.")
    )
    pay_to_street = text(
        _("Street for payments"), 200, help_text=_("Empty: payments go where the practice's details say.")
    )
    pay_to_city = text(_("City for payments"), 80)
    pay_to_state = StateField(label=_("State for payments"))
    pay_to_postal_code = text(_("ZIP code for payments"), 10, check=clean_postal_code)
    is_active = forms.BooleanField(
        label=_("Offered when a service is recorded"),
        required=False,
        initial=True,
        help_text=_("Services and documents made before keep it."),
    )

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        places = [(place.code, name_place(place.code)) for place in list_places(clock.now().date())]
        present = self.initial.get("place_of_service", "11")
        if present not in dict(places):
            places.append((present, present))
        self.fields["place_of_service"].choices = places  # type: ignore[attr-defined]
        self.fields["place_of_service"].initial = "11"

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        self.judge(lambda: refuse_half_a_pay_to_address(values))
        return values
