"""Builds superbills: what a client sends to an insurer to be reimbursed, by the boxes of the CMS-1500 (02/12)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final
from uuid import UUID

from paywell.care.models import NEVER_ON_A_SUPERBILL, Diagnosis, Service, ServiceDiagnosis
from paywell.clients.coverage import get_coverages
from paywell.clients.models import BillingAccount, Client, Coverage, Relationship
from paywell.core import clock
from paywell.core.db import apart
from paywell.core.prepared import Prepared
from paywell.documents.actions import Draft
from paywell.documents.errors import NoSuperbill
from paywell.documents.paid import Paid, get_payments_of
from paywell.documents.parts import address_lines, letterhead, phone_text, setting
from paywell.documents.text import clean
from paywell.documents.types import (
    SuperbillClinician,
    SuperbillCoverage,
    SuperbillDiagnosis,
    SuperbillDocument,
    SuperbillItem,
)
from paywell.practice.models import Clinician, Location, Practice

#: Box 21 of the CMS-1500 has twelve places for diagnoses.
LETTERS: Final = "ABCDEFGHIJKL"

_SERVICES = Prepared(
    lambda practice, services: (
        Service.objects.alias(of=apart("practice_id"))
        .filter(of=practice, id__in=services, voided_at=None)
        .select_related("client__default_account", "clinician__supervisor", "location")
    )
)
_POINTERS = Prepared(
    lambda practice, services: (
        ServiceDiagnosis.objects.filter(practice_id=practice, service_id__in=services)
        .select_related("diagnosis")
        .order_by("position")
    )
)


def draft_superbills(practice: Practice, services: Sequence[Service], account: BillingAccount) -> list[Draft]:
    """Superbills of one client for `services` (fetched by `get_services`), a line for each, by date of service.

    One, unless they have more than twelve diagnoses together: then as many as it takes, each marked as a part. The
    payee is the client. Raises NoSuperbill (`never_on_a_superbill`, `kept_from_insurer`, `several_clients`).
    """
    services = sorted(services, key=lambda service: (service.on, service.id))
    refuse_services(services)
    paid = get_payments_of(practice, services)
    client = services[0].client
    coverages = get_coverages(client, services[0].on, services[-1].on)
    groups = _split(services)
    drafts = []
    for number, group in enumerate(groups, 1):
        document = _document(practice, client, group, paid, coverages)
        if len(groups) > 1:
            document = replace(document, part=f"{number} / {len(groups)}")
        drafts.append(
            Draft(
                document,
                account,
                {client.id},
                has_diagnosis=bool(document.diagnoses),
                period=(group[0].on, group[-1].on),
            )
        )
    return drafts


def get_services(practice: Practice, service_ids: Sequence[UUID]) -> list[Service]:
    """The services with everything that a superbill prints, in two queries. Voided ones are left out."""
    services: list[Service] = list(_SERVICES(practice=practice.id, services=service_ids))
    pointers: dict[UUID, list[ServiceDiagnosis]] = {service.id: [] for service in services}
    for pointer in _POINTERS(practice=practice.id, services=list(pointers)):
        pointers[pointer.service_id].append(pointer)
    for service in services:
        rows = service.pointers.all()
        rows._result_cache = pointers[service.id]
        service._prefetched_objects_cache = {"pointers": rows}  # type: ignore[attr-defined]  # as prefetch_related does
    return services


def valid_diagnoses(service: Service) -> list[Diagnosis]:
    """The service's diagnoses that were in force on its date, primary first, at most four.

    A diagnosis made later doesn't reach back to earlier services; one that had ended doesn't count either.
    """
    found = (pointer.diagnosis for pointer in service.pointers.all())
    return [
        dx for dx in found if dx.diagnosed_on <= service.on and (dx.ended_on is None or service.on <= dx.ended_on)
    ]


def refuse_services(services: Sequence[Service]) -> None:
    """Raises NoSuperbill for what no check and no reason can put on a superbill."""
    if not services:
        raise NoSuperbill("There is no service to put on a superbill.", code="nothing_chosen")
    if any(service.kind in NEVER_ON_A_SUPERBILL for service in services):
        raise NoSuperbill(
            "A superbill lists sessions that took place. Fees for a no-show or a late cancellation are not "
            "claimed from an insurer; the invoice shows them.",
            code="never_on_a_superbill",
        )
    if any(service.is_kept_from_insurer for service in services):
        raise NoSuperbill(
            "The client pays for this service in full and asked that no insurer hears of it. A superbill is meant "
            "for an insurer, so the service can't be on one while the request stands.",
            code="kept_from_insurer",
        )
    if len({service.client_id for service in services}) > 1:
        raise NoSuperbill("A superbill is for one client. Choose services of one person.", code="several_clients")


def _split(services: Sequence[Service]) -> list[list[Service]]:
    """Runs of services that have at most twelve diagnoses together."""
    groups: list[list[Service]] = []
    codes: set[str] = set()
    for service in services:
        own = {dx.code for dx in valid_diagnoses(service)}
        if not groups or len(codes | own) > len(LETTERS):
            groups.append([])
            codes = set()
        groups[-1].append(service)
        codes |= own
    return groups


def _document(
    practice: Practice,
    client: Client,
    services: Sequence[Service],
    paid: Paid,
    coverages: Sequence[Coverage],
) -> SuperbillDocument:
    letters = _letters(services)
    clinicians = list({service.clinician_id: service.clinician for service in services}.values())
    places = {clinician.id: index for index, clinician in enumerate(clinicians)}
    items = tuple(_item(service, letters, places, paid) for service in services)
    charge_minor = sum(item.charge_minor for item in items)
    paid_minor = sum(item.paid_minor for item in items)
    today = clock.business_date(clock.now(), practice.timezone)
    coverage = coverages[0] if coverages else None
    is_signed = all(clinician.has_signature_on_file for clinician in clinicians)
    facility = _facility(practice, services)
    return SuperbillDocument(
        letterhead=letterhead(practice),
        setting=setting(practice, services[0].currency),
        number="",
        issued_on=today,
        client=clean(client.legal_name),
        birth_date=client.birth_date,
        sex=client.sex,
        client_address=address_lines(client.mail_address),
        client_phone=phone_text(client.phone),
        tax_id=clean(practice.tax_id),
        tax_id_kind=practice.tax_id_kind,
        group_npi=practice.npi,
        clinicians=tuple(describe_clinician(clinician) for clinician in clinicians),
        facility=(clean(facility.name), *address_lines(facility)) if facility else (),
        facility_npi=facility.npi if facility else "",
        diagnoses=tuple(
            SuperbillDiagnosis(letter=letter, code=clean(dx.code), description=clean(dx.description))
            for letter, dx in letters.values()
        ),
        show_descriptions=practice.shows_diagnosis_words,
        items=items,
        charge_minor=charge_minor,
        paid_minor=paid_minor,
        balance_minor=charge_minor - paid_minor,
        coverage=_coverage(client, coverage) if coverage else None,
        authorization=clean(coverage.authorization_number) if coverage else "",
        referring=clean(coverage.referring_name) if coverage else "",
        referring_npi=coverage.referring_npi if coverage else "",
        payments=paid.proof(service.id for service in services),
        signed_by=", ".join(clean(str(clinician)) for clinician in clinicians) if is_signed else "",
        signed_on=today if is_signed else None,
    )


def _item(
    service: Service, letters: dict[str, tuple[str, Diagnosis]], places: dict[UUID, int], paid: Paid
) -> SuperbillItem:
    return SuperbillItem(
        on=service.on,
        place_of_service=service.place_of_service,
        code=clean(service.code),
        modifiers=tuple(clean(service.modifiers).split())[:4],
        wording=clean(service.wording),
        pointers="".join(letters[dx.code][0] for dx in valid_diagnoses(service)),
        units=service.units,
        charge_minor=service.fee_minor,
        paid_minor=paid.of_service.get(service.id, 0),
        clinician=places[service.clinician_id],
        service_id=str(service.id),
    )


def _letters(services: Sequence[Service]) -> dict[str, tuple[str, Diagnosis]]:
    """Letter and diagnosis by code, in the order in which the lines first point to them."""
    found: dict[str, Diagnosis] = {}
    for service in services:
        for dx in valid_diagnoses(service):
            found.setdefault(dx.code, dx)
    return {code: (letter, dx) for letter, (code, dx) in zip(LETTERS, found.items(), strict=False)}


def describe_clinician(clinician: Clinician) -> SuperbillClinician:
    supervisor = clinician.supervisor
    return SuperbillClinician(
        name=clean(clinician.name),
        credentials=clean(clinician.credentials),
        npi=clinician.npi,
        license=_license(clinician),
        taxonomy=clinician.taxonomy,
        supervisor=clean(str(supervisor)) if supervisor else "",
        supervisor_license=_license(supervisor) if supervisor else "",
        supervisor_npi=supervisor.npi if supervisor else "",
    )


def _license(clinician: Clinician) -> str:
    return " ".join(part for part in (clinician.license_state, clean(clinician.license_number)) if part)


def _coverage(client: Client, coverage: Coverage) -> SuperbillCoverage:
    is_own = coverage.relationship == Relationship.SELF
    return SuperbillCoverage(
        insurer=clean(coverage.insurer),
        member_id=clean(coverage.member_id),
        group_number=clean(coverage.group_number),
        relationship=coverage.relationship,
        subscriber=clean(client.legal_name if is_own else coverage.subscriber_name),
        subscriber_birth_date=client.birth_date if is_own else coverage.subscriber_birth_date,
        subscriber_address=() if is_own else address_lines(coverage.subscriber_address),
    )


def _facility(practice: Practice, services: Sequence[Service]) -> Location | None:
    """Box 32: the one place of all these services, where it isn't the practice's own address."""
    places: dict[UUID | None, Location | None] = {service.location_id: service.location for service in services}
    place = next(iter(places.values()))
    if len(places) != 1 or place is None or address_lines(place) in ((), address_lines(practice)):
        return None
    return place
