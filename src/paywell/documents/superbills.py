"""Builds superbills: what a client sends to an insurer to be reimbursed, by the boxes of the CMS-1500 (02/12)."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from uuid import UUID

from django.db.models import Prefetch

from paywell.care.models import NEVER_ON_A_SUPERBILL, Diagnosis, Service, ServiceDiagnosis
from paywell.core import clock
from paywell.documents.errors import NoSuperbill
from paywell.documents.parts import address_lines, get_paid, letterhead, phone_text, setting
from paywell.documents.text import clean
from paywell.documents.types import (
    SuperbillClinician,
    SuperbillDiagnosis,
    SuperbillDocument,
    SuperbillItem,
)
from paywell.invoicing.models import InvoiceLine
from paywell.practice.models import Clinician, Location, Practice

#: Box 21 of the CMS-1500 has twelve places for diagnoses.
LETTERS = "ABCDEFGHIJKL"


def build_superbill(practice: Practice, services: Sequence[Service]) -> SuperbillDocument:
    """One superbill of one client for `services` (fetched by `get_services`), a line for each, by date.

    The payee is the client. Raises NoSuperbill (`never_on_a_superbill`, `several_clients`,
    `too_many_diagnoses`).
    """
    services = sorted(services, key=lambda service: (service.on, service.id))
    _refuse(services)
    client = services[0].client
    letters = _letters(services)
    clinicians = list({service.clinician_id: service.clinician for service in services}.values())
    places = {clinician.id: index for index, clinician in enumerate(clinicians)}
    paid = get_paid_on_services(practice.id, [service.id for service in services])
    items = tuple(
        SuperbillItem(
            on=service.on,
            place_of_service=service.place_of_service,
            code=clean(service.code),
            modifiers=tuple(clean(service.modifiers).split())[:4],
            wording=clean(service.wording),
            pointers="".join(letters[dx.code][0] for dx in valid_diagnoses(service)),
            units=service.units,
            charge_minor=service.fee_minor,
            paid_minor=paid.get(service.id, 0),
            clinician=places[service.clinician_id],
        )
        for service in services
    )
    charge_minor = sum(item.charge_minor for item in items)
    paid_minor = sum(item.paid_minor for item in items)
    return SuperbillDocument(
        letterhead=letterhead(practice),
        setting=setting(practice, services[0].currency),
        number=_number(services),
        issued_on=clock.business_date(clock.now(), practice.timezone),
        client=clean(client.legal_name),
        birth_date=client.birth_date,
        sex=client.sex,
        client_address=address_lines(client.mail_address),
        client_phone=phone_text(client.phone),
        tax_id=clean(practice.tax_id),
        tax_id_kind=practice.tax_id_kind,
        group_npi=practice.npi,
        clinicians=tuple(_clinician(clinician) for clinician in clinicians),
        facility=_facility(practice, services),
        diagnoses=tuple(
            SuperbillDiagnosis(letter=letter, code=clean(dx.code), description=clean(dx.description))
            for letter, dx in letters.values()
        ),
        items=items,
        charge_minor=charge_minor,
        paid_minor=paid_minor,
        balance_minor=charge_minor - paid_minor,
    )


def get_services(practice: Practice, service_ids: Sequence[UUID]) -> list[Service]:
    """The services with everything that a superbill prints, in three queries. Voided ones are left out."""
    return list(
        Service.objects.filter(practice=practice, id__in=service_ids, voided_at=None)
        .select_related("client", "clinician__supervisor", "location")
        .prefetch_related(
            Prefetch(
                "pointers",
                ServiceDiagnosis.objects.filter(practice=practice).select_related("diagnosis").order_by("position"),
            )
        )
    )


def valid_diagnoses(service: Service) -> list[Diagnosis]:
    """The service's diagnoses that were in force on its date, primary first, at most four.

    A diagnosis made later doesn't reach back to earlier services; one that had ended doesn't count either.
    """
    found = (pointer.diagnosis for pointer in service.pointers.all())
    return [
        dx for dx in found if dx.diagnosed_on <= service.on and (dx.ended_on is None or service.on <= dx.ended_on)
    ]


def get_paid_on_services(practice_id: UUID, service_ids: Sequence[UUID]) -> dict[UUID, int]:
    """What was paid on each service over all its payers' lines, in minor units (box 29)."""
    lines = dict(
        InvoiceLine.objects.filter(practice_id=practice_id, service_id__in=service_ids).values_list(
            "id", "service_id"
        )
    )
    paid: dict[UUID, int] = {}
    for line_id, minor in get_paid(practice_id=practice_id, line_ids=lines.keys()).items():
        paid[lines[line_id]] = paid.get(lines[line_id], 0) + minor
    return paid


def _refuse(services: Sequence[Service]) -> None:
    if any(service.kind in NEVER_ON_A_SUPERBILL for service in services):
        raise NoSuperbill(
            "A superbill lists sessions that took place. Fees for a no-show or a late cancellation are not "
            "claimed from an insurer; the invoice shows them.",
            code="never_on_a_superbill",
        )
    if len({service.client_id for service in services}) > 1:
        raise NoSuperbill("A superbill is for one client. Choose services of one person.", code="several_clients")


def _letters(services: Sequence[Service]) -> dict[str, tuple[str, Diagnosis]]:
    """Letter and diagnosis by code, in the order in which the lines first point to them."""
    found: dict[str, Diagnosis] = {}
    for service in services:
        for dx in valid_diagnoses(service):
            found.setdefault(dx.code, dx)
    if len(found) > len(LETTERS):
        raise NoSuperbill(
            f"These services have more than {len(LETTERS)} diagnoses. Choose fewer services.",
            code="too_many_diagnoses",
        )
    return {code: (letter, dx) for letter, (code, dx) in zip(LETTERS, found.items(), strict=False)}


def _clinician(clinician: Clinician) -> SuperbillClinician:
    supervisor = clinician.supervisor
    return SuperbillClinician(
        name=clean(clinician.name),
        credentials=clean(clinician.credentials),
        npi=clinician.npi,
        license=" ".join(part for part in (clinician.license_state, clean(clinician.license_number)) if part),
        taxonomy=clinician.taxonomy,
        supervisor=f"{clean(str(supervisor))} {supervisor.npi}".strip() if supervisor else "",
    )


def _facility(practice: Practice, services: Sequence[Service]) -> tuple[str, ...]:
    """Box 32: the one place of all these services, where it isn't the practice's own address."""
    places: dict[UUID | None, Location | None] = {service.location_id: service.location for service in services}
    place = next(iter(places.values()))
    if len(places) != 1 or place is None or address_lines(place) in ((), address_lines(practice)):
        return ()
    return (clean(place.name), *address_lines(place))


def _number(services: Sequence[Service]) -> str:
    """Ours, stable for the same services, and telling nothing of the client."""
    digest = hashlib.sha256(b"".join(service.id.bytes for service in services)).hexdigest()
    return f"SB-{digest[:8].upper()}"
