"""Editing a recorded service while nobody was told of it: on no invoice or superbill, without an insurer's answer.

Nothing of it is in the ledger before an invoice is issued, so no money has to be moved; the audit trail keeps what
it said before.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from django.db import transaction

from paywell.audit.actions import record
from paywell.care import holds
from paywell.care.actions import MAX_UNITS, clean_place, get_diagnoses, refuse_day, refuse_fee, refuse_insurer
from paywell.care.models import CatalogItem, Service, ServiceDiagnosis
from paywell.core.db import lock
from paywell.core.errors import UserError
from paywell.core.identifiers import clean_modifiers
from paywell.core.money import Money, format_plain
from paywell.practice.models import Clinician, Location


@dataclass(frozen=True, slots=True)
class ServiceEdit:
    """What the service shall say. `catalog_item` None: code, wording and kind stay as they are.

    `fee` None: the catalogue's fee times the units, or the present fee where the item stays. `diagnosis_ids` None:
    the pointers stay, as long as they are in force on the day.
    """

    on: date
    clinician: Clinician
    catalog_item: CatalogItem | None = None
    units: int = 1
    fee: Money | None = None
    insurer_minor: int = 0
    modifiers: str = ""
    place_of_service: str = "11"
    location: Location | None = None
    diagnosis_ids: Sequence[UUID] | None = None


def get_lock(service: Service) -> str:
    """Why the service can't be edited, as a code: "voided", "invoiced", "answered", "on_superbill"; or ""."""
    if service.voided_at is not None:
        return "voided"
    if holds.any_held([service.id]):
        return "invoiced"
    if holds.is_answered([service.id]):
        return "answered"
    return "on_superbill" if holds.on_superbill([service.id]) else ""


def edit_service(*, service: Service, edit: ServiceEdit, actor_id: UUID) -> Service:
    """Change it, with what it said before and says now in the audit trail. Nothing changed: nothing is written.

    Raises UserError `service_locked`, and those of `record_service`; then everything is as it was.
    """
    for owned in (edit.clinician, edit.catalog_item, edit.location):
        if owned is not None and owned.practice_id != service.practice_id:
            raise ValueError("Everything about a service belongs to one practice.")
    with transaction.atomic():
        row = lock(Service.objects.filter(practice_id=service.practice_id, pk=service.pk)).get()
        if get_lock(row):
            raise UserError("This service can't be edited any more.", code="service_locked")
        before = _tell(row)
        _apply(row, edit)
        is_pointed_elsewhere = _point(row, edit)
        row.save()
        after = _tell(row)
        changed = {key: f"{before[key]} \u2192 {after[key]}" for key in after if before[key] != after[key]}
        if is_pointed_elsewhere:
            changed["pointers"] = "changed"
        if changed:
            record(
                practice_id=row.practice_id, actor_id=actor_id, action="care.edit_service",
                target_kind="service", target_id=row.id, detail=changed,
            )  # fmt: skip
    return row


def _apply(row: Service, edit: ServiceEdit) -> None:
    item = edit.catalog_item
    is_other_item = item is not None and (item.code, item.wording) != (row.code, row.wording)
    fee = edit.fee
    if fee is None and item is not None and (is_other_item or edit.units != row.units):
        fee = Money(item.fee_minor * edit.units, item.currency)
    if fee is None:
        fee = Money(row.fee_minor, row.currency)
    refuse_fee(row.practice, fee)
    if not 1 <= edit.units <= MAX_UNITS:
        raise UserError("Units are a whole number from 1.", code="units_invalid", field="units")
    refuse_insurer(edit.insurer_minor, fee)
    refuse_day(row.client, edit.on)
    if item is not None and is_other_item:
        row.code, row.wording, row.kind = item.code, item.wording, item.kind
    row.on, row.clinician, row.units, row.location = edit.on, edit.clinician, edit.units, edit.location
    row.fee_minor, row.currency, row.insurer_minor = fee.minor, fee.currency, edit.insurer_minor
    row.modifiers = clean_modifiers(edit.modifiers)
    place = edit.location.place_of_service if edit.location else edit.place_of_service
    row.place_of_service = clean_place(place, edit.on)


def _point(row: Service, edit: ServiceEdit) -> bool:
    """Point to the diagnoses of the edit; whether that is a change. Those that stay must hold on the day too."""
    pointers = ServiceDiagnosis.objects.filter(practice_id=row.practice_id, service=row)
    present = list(pointers.order_by("position").values_list("diagnosis_id", flat=True))
    wanted = present if edit.diagnosis_ids is None else list(edit.diagnosis_ids)
    diagnoses = get_diagnoses(row.client, row.on, wanted)
    if wanted == present:
        return False
    pointers.delete()
    ServiceDiagnosis.objects.bulk_create(
        ServiceDiagnosis(practice_id=row.practice_id, service=row, diagnosis=diagnosis, position=position)
        for position, diagnosis in enumerate(diagnoses, start=1)
    )
    return True


def _tell(row: Service) -> dict[str, str]:
    """What the audit trail says of a service. No diagnosis."""
    return {
        "date": row.on.isoformat(),
        "code": row.code,
        "wording": row.wording[:24],
        "fee": format_plain(Money(row.fee_minor, row.currency)),
        "insurer": format_plain(Money(row.insurer_minor, row.currency)),
        "units": str(row.units),
        "clinician": row.clinician.name[:24],
        "place": row.location.name[:24] if row.location else row.place_of_service,
        "modifiers": row.modifiers,
    }
