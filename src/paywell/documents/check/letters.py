"""The rule about letters that the PDF has no font for."""

from __future__ import annotations

from collections.abc import Iterator

from paywell.documents.check.types import Case, Level, Problem
from paywell.documents.letters import missing_letters, name_letters
from paywell.documents.parts import address_lines
from paywell.documents.text import clean


def check_letters(case: Case) -> Iterator[Problem]:
    """Letters that the PDF would print as squares. In a name or a number that an insurer reads it is no claim."""
    for what, text in _read_by_insurers(case):
        missing = missing_letters(clean(text))
        if missing:
            words = (
                f"The PDF has no font for letters in {what}: {name_letters(missing)}. Write it in Latin letters, "
                "as on the insurance card and in the NPI registry, or have a font added."
            )
            yield Problem("letters", Level.BLOCK, words)
    for service in case.services:
        missing = missing_letters(clean(service.wording))
        if missing:
            words = f"The PDF has no font for letters in the service's wording: {name_letters(missing)}."
            yield Problem("letters", Level.WARN, words, service.on)
    addresses = (*address_lines(case.practice), *address_lines(case.client.mail_address))
    missing = missing_letters(clean(case.practice.name), *addresses)
    if missing:
        words = f"The PDF has no font for letters in the practice's name or an address: {name_letters(missing)}."
        yield Problem("letters", Level.WARN, words)


def _read_by_insurers(case: Case) -> Iterator[tuple[str, str]]:
    yield "the client's name", case.client.legal_name
    for clinician in {service.clinician_id: service.clinician for service in case.services}.values():
        yield "a clinician's name", clinician.name
    for coverage in case.coverages[:1]:
        yield "the insurance", f"{coverage.insurer} {coverage.member_id} {coverage.subscriber_name}"
