"""Rules about the services (standards 1.2 to 1.4)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Final

from paywell.care.models import NEVER_ON_A_SUPERBILL, Service, ServiceKind
from paywell.core.identifiers import CodeForm, are_modifiers, get_code_form, is_npi
from paywell.documents.check.types import Case, Level, Problem

#: Places of service for care at a distance, and the modifiers that say how it was given.
_AT_A_DISTANCE: Final = frozenset({"02", "10"})
_BY_VIDEO_OR_PHONE: Final = frozenset({"95", "93", "GT", "GQ", "FQ"})
_OFFICE: Final = "11"
#: Chapters of ICD-10-CM that tell why somebody comes, or of what happened, and name no disorder.
_NO_DISORDER: Final = frozenset("VWXYZ")


def check_lines(case: Case) -> Iterator[Problem]:
    for service in case.services:
        yield from _check_what(service, case)
        yield from _check_diagnoses(service, case)
        yield from _check_place(service, case)
        yield from _check_amounts(service, case)
        yield from _check_days(service, case)
    yield from _check_duplicates(case)


def _check_what(service: Service, case: Case) -> Iterator[Problem]:
    if service.kind in NEVER_ON_A_SUPERBILL:
        words = "A fee for a no-show or a late cancellation is never on a superbill."
        yield Problem("never_on_a_superbill", Level.BLOCK, words, service.on)
    if service.is_kept_from_insurer:
        words = "The client asked that no insurer hears of this service, so no superbill can have it."
        yield Problem("kept_from_insurer", Level.BLOCK, words, service.on)
    if service.client_id != case.client.id:
        yield Problem("several_clients", Level.BLOCK, "A superbill is for one client.", service.on)
    if not service.code:
        yield Problem("code_missing", Level.BLOCK, "The service has no code.", service.on, "16")
    elif get_code_form(service.code) is CodeForm.OWN:
        words = f"{service.code} is a code of your own. Insurers know the codes of CPT and HCPCS alone."
        yield Problem("code_form", Level.WARN, words, service.on, "16")
    if not are_modifiers(service.modifiers):
        words = "A line takes up to four modifiers of two capital letters or digits, each once."
        yield Problem("modifier_form", Level.BLOCK, words, service.on, "4")


def _check_diagnoses(service: Service, case: Case) -> Iterator[Problem]:
    pointers = list(service.pointers.all())
    codes = case.valid.get(service.id, ())
    if not pointers:
        words = "The service points to no diagnosis. An insurer pays for none without one."
        yield Problem("diagnosis_missing", Level.BLOCK, words, service.on, "16")
    elif not codes:
        words = "No diagnosis of this service was in force on its date. One that is dated later doesn't reach back."
        yield Problem("diagnosis_dated_later", Level.BLOCK, words, service.on, "16")
    elif len(codes) < len(pointers):
        words = "A diagnosis that was not in force on this date is left out."
        yield Problem("diagnosis_dated_later", Level.WARN, words, service.on)
    if len(pointers) > 4:
        yield Problem("pointers", Level.BLOCK, "A line points to at most four diagnoses.", service.on, "16")
    for code in codes:
        found = case.code_words.get((code, service.on))
        if found:
            yield Problem("diagnosis_code", found[0], found[1], service.on, "146")
    yield from _check_how_exact(service, codes)


def _check_how_exact(service: Service, codes: Sequence[str]) -> Iterator[Problem]:
    """What an insurer may find too vague, or no reason for the service."""
    if codes and codes[0][0] in _NO_DISORDER:
        words = (
            f"{codes[0]} stands first. It tells of a circumstance and of no disorder: many insurers pay only where "
            "the first diagnosis is one that is treated."
        )
        yield Problem("diagnosis_first", Level.WARN, words, service.on, "50")
    meanings = {pointer.diagnosis.code: pointer.diagnosis.description for pointer in service.pointers.all()}
    for code in codes:
        if "unspecified" in meanings.get(code, "").lower() or code.partition(".")[2] == "9":
            words = f"{code} leaves open what exactly it is. Some insurers want a more exact diagnosis."
            yield Problem("diagnosis_unspecific", Level.WARN, words, service.on, "11")


def _check_place(service: Service, case: Case) -> Iterator[Problem]:
    place, modifiers = service.place_of_service, set(service.modifiers.split())
    if not place:
        yield Problem("place_missing", Level.BLOCK, "The service has no place-of-service code.", service.on, "16")
        return
    found = case.place_words.get((place, service.on))
    if found:
        yield Problem("place_of_service", found[0], found[1], service.on, "5")
    location = service.location
    if location and location.place_of_service != place and place not in _AT_A_DISTANCE:
        words = (
            f"The service says place {place}, and {location.name}, where it was, is place "
            f"{location.place_of_service}."
        )
        yield Problem("place_and_location", Level.WARN, words, service.on, "5")
    if location and location.npi and not is_npi(location.npi):
        words = f"The NPI of {location.name} is not a valid one."
        yield Problem("facility_npi", Level.BLOCK, words, service.on, "16")
    if place in _AT_A_DISTANCE and not modifiers & _BY_VIDEO_OR_PHONE:
        words = (
            f"Place {place} is care at a distance, and no modifier says how: most insurers want 95, 93, GT or FQ."
        )
        yield Problem("telehealth_modifier", Level.WARN, words, service.on, "4")
    if place == _OFFICE and modifiers & _BY_VIDEO_OR_PHONE:
        words = "The modifier says video or phone, and the place says office. One of the two is wrong."
        yield Problem("telehealth_place", Level.WARN, words, service.on, "4")


def _check_amounts(service: Service, case: Case) -> Iterator[Problem]:
    paid = case.paid.get(service.id, 0)
    if service.fee_minor <= 0:
        yield Problem("charge_zero", Level.WARN, "The charge is zero.", service.on)
    if paid > service.fee_minor:
        yield Problem("paid_above_charge", Level.WARN, "More is paid than was charged.", service.on)
    if paid <= 0:
        words = "Nothing is paid on this service yet. Many insurers want proof that the client paid."
        yield Problem("not_paid", Level.WARN, words, service.on)
    if service.insurer_minor:
        words = "A part of this fee is billed to an insurer. A superbill would claim it a second time."
        yield Problem("insurer_part", Level.WARN, words, service.on, "18")
    if service.kind == ServiceKind.SESSION and service.units > 1:
        words = f"{service.units} units of a session on one day. Most session codes are billed once a day."
        yield Problem("units", Level.WARN, words, service.on)


def _check_days(service: Service, case: Case) -> Iterator[Problem]:
    if service.on > case.today:
        words = "The service is in the future. It can be claimed after it took place."
        yield Problem("date_in_future", Level.BLOCK, words, service.on)
    if case.client.birth_date and service.on < case.client.birth_date:
        yield Problem("before_birth", Level.BLOCK, "The service is before the client's birth.", service.on)


def _check_duplicates(case: Case) -> Iterator[Problem]:
    counted = Counter((service.on, service.code, service.clinician_id) for service in case.services)
    for (on, code, _), count in counted.items():
        if count > 1:
            words = (
                f"{count} lines have the same day, code {code} and clinician. An insurer takes them for duplicates."
            )
            yield Problem("duplicate", Level.WARN, words, on, "18")
    for service in case.services:
        label = case.issued.get(service.id)
        if label:
            words = f"{label} has this service already. An insurer pays for it once."
            yield Problem("already_issued", Level.WARN, words, service.on, "18")
