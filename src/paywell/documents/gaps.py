"""What an insurer would miss on a superbill. For staff, before the client hears it from the insurer."""

from __future__ import annotations

from dataclasses import astuple

from paywell.care.models import NEVER_ON_A_SUPERBILL, Service
from paywell.clients.models import Client
from paywell.documents.superbills import valid_diagnoses
from paywell.practice.models import Clinician, Practice


def superbill_gaps(service: Service) -> list[str]:
    """The missing facts in words, in the order of the form; empty when nothing is missing.

    What must be there and what should: standards by insurers' and peers' checklists (CMS-1500 boxes 2 to 33).
    """
    if service.kind in NEVER_ON_A_SUPERBILL:
        return ["A no-show or late-cancellation fee is never on a superbill."]
    return [
        *_client_gaps(service.client),
        *_service_gaps(service),
        *_clinician_gaps(service.clinician),
        *_practice_gaps(service.practice),
    ]


def _client_gaps(client: Client) -> list[str]:
    return _missing(
        (client.legal_first_name and client.legal_last_name, "The client's full legal name is missing."),
        (client.birth_date, "The client's date of birth is missing."),
        (client.sex, "The client's sex, as the insurer has it, is missing."),
        (
            all(astuple(client.mail_address)),
            "The client's address is incomplete.",
        ),
    )


def _service_gaps(service: Service) -> list[str]:
    pointers = list(service.pointers.all())
    gaps = _missing(
        (service.code, "The service has no code."),
        (service.place_of_service, "The service has no place-of-service code."),
    )
    if not pointers:
        gaps.append("The service points to no diagnosis.")
    elif not valid_diagnoses(service):
        gaps.append("No diagnosis of the service was in force on its date.")
    elif len(valid_diagnoses(service)) < len(pointers):
        gaps.append("A diagnosis that was not in force on the date of service is left out.")
    return gaps


def _clinician_gaps(clinician: Clinician) -> list[str]:
    return _missing(
        (clinician.npi, f"{clinician.name} has no NPI."),
        (clinician.credentials, f"{clinician.name} has no credentials."),
        (
            clinician.license_number and clinician.license_state,
            f"{clinician.name} has no license number and state.",
        ),
    )


def _practice_gaps(practice: Practice) -> list[str]:
    complete = practice.street and practice.city and practice.state and practice.postal_code
    return _missing(
        (practice.tax_id, "The practice has no tax number."),
        (complete, "The practice's address is incomplete."),
        (practice.phone, "The practice's phone number is missing."),
    )


def _missing(*checks: tuple[object, str]) -> list[str]:
    return [words for present, words in checks if not present]
