"""The form that edits a recorded service."""

from __future__ import annotations

from typing import Any

from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from paywell.accounts.types import StaffViewer
from paywell.care.editing import ServiceEdit
from paywell.care.models import CatalogItem, Service
from paywell.codes.places import name_place
from paywell.core.money import Money
from paywell.desk.forms.billing import ServiceForm
from paywell.practice.models import Clinician, Location


class ServiceEditForm(ServiceForm):
    """What stands in the service, and what it may become. What is no longer offered can stay."""

    def __init__(self, *args: Any, viewer: StaffViewer, service: Service, **options: Any) -> None:
        mine = CatalogItem.objects.filter(practice=viewer.practice, code=service.code, wording=service.wording)
        item = mine.first()
        options["initial"] = {
            "catalog_item": item,
            "on": service.on,
            "clinician": service.clinician_id,
            "location": service.location_id,
            "place_of_service": service.place_of_service,
            "units": service.units,
            "fee": Money(service.fee_minor, service.currency),
            "insurer": Money(service.insurer_minor, service.currency) if service.insurer_minor else None,
            "modifiers": service.modifiers,
            "diagnoses": list(service.pointers.order_by("position").values_list("diagnosis_id", flat=True)),
        }
        super().__init__(*args, viewer=viewer, client=service.client, **options)
        del self.fields["times"], self.fields["is_second"]
        fields: dict[str, Any] = self.fields
        practice = viewer.practice
        fields["catalog_item"].queryset = CatalogItem.objects.filter(
            Q(is_active=True) | Q(pk=item.pk if item else None), practice=practice
        ).order_by("wording")
        fields["catalog_item"].required = item is not None
        fields["catalog_item"].empty_label = (
            None if item else _("As it is: %(wording)s") % {"wording": service.wording}
        )
        fields["clinician"].queryset = Clinician.objects.filter(
            Q(is_active=True) | Q(pk=service.clinician_id), practice=practice
        ).order_by("name")
        if "location" in fields:
            fields["location"].queryset = Location.objects.filter(
                Q(is_active=True) | Q(pk=service.location_id), practice=practice
            ).order_by("name")
        if service.place_of_service not in dict(fields["place_of_service"].choices):
            fields["place_of_service"].choices = [
                *fields["place_of_service"].choices,
                (service.place_of_service, name_place(service.place_of_service)),
            ]

    def get_fee(self, values: dict[str, Any]) -> Money | None:
        """What was typed. Where nothing was, `care.editing` knows what stays."""
        return values.get("fee")

    def edit(self) -> ServiceEdit:
        """What the form said. Only after `is_valid`."""
        said = self.cleaned_data
        return ServiceEdit(
            on=said["on"],
            clinician=said["clinician"],
            catalog_item=said["catalog_item"],
            units=said["units"],
            fee=said["fee"],
            insurer_minor=said["insurer"].minor if said["insurer"] else 0,
            modifiers=said["modifiers"],
            place_of_service=said["place_of_service"] or "11",
            location=said.get("location"),
            diagnosis_ids=[row.id for row in said["diagnoses"]] if "diagnoses" in self.fields else None,
        )
