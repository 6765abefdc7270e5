"""Rules about the client, their insurance, the clinicians and the practice (standards 1.1 and 1.4)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import astuple
from datetime import timedelta

from paywell.clients.models import Relationship
from paywell.core.identifiers import get_tax_id_warning, is_npi, is_tax_id, is_taxonomy
from paywell.core.templatetags.paywell import day as write_day
from paywell.documents.check.types import Case, Level, Problem
from paywell.practice.models import Clinician


def check_client(case: Case) -> Iterator[Problem]:
    client = case.client
    if not (client.legal_first_name and client.legal_last_name):
        yield Problem("client_name", Level.BLOCK, "The client's full legal name is missing.", carc="16")
    if not client.birth_date:
        yield Problem("client_birth_date", Level.BLOCK, "The client's date of birth is missing.", carc="16")
    if not client.sex:
        yield Problem("client_sex", Level.WARN, "The client's sex, as the insurer has it, is missing.", carc="16")
    if not all(astuple(client.mail_address)):
        yield Problem("client_address", Level.WARN, "The client's address is incomplete.")


def check_coverage(case: Case) -> Iterator[Problem]:
    if not case.coverages:
        if case.ended:
            last = max(coverage.ends_on for coverage in case.ended if coverage.ends_on)
            words = f"The insurance on file ended on {write_day(last)}, before these services."
            yield Problem("coverage_ended", Level.WARN, words, carc="27")
        else:
            words = "No insurance is on file, so the superbill names no subscriber and no member ID."
            yield Problem("coverage_missing", Level.WARN, words, carc="16")
        return
    coverage = case.coverages[0]
    if not coverage.member_id:
        yield Problem("member_id", Level.WARN, "The member ID is missing.", carc="16")
    if coverage.relationship != Relationship.SELF and not (
        coverage.subscriber_name and coverage.subscriber_birth_date
    ):
        words = "The insurance is somebody else's: the subscriber's name and date of birth are needed too."
        yield Problem("subscriber", Level.BLOCK, words, carc="16")
    if coverage.needs_authorization and not coverage.authorization_number:
        words = "The insurer wants an authorization, and its number is missing."
        yield Problem("authorization_missing", Level.WARN, words, carc="197")
    if coverage.authorization_number and not coverage.authorization_number.isalnum():
        words = "The authorization number has signs in it: use letters and digits alone."
        yield Problem("authorization_form", Level.BLOCK, words, carc="15")
    if coverage.referring_name and not coverage.referring_npi:
        yield Problem("referring_npi", Level.WARN, "Who referred the client has no NPI on file.", carc="16")
    if coverage.referring_npi and not is_npi(coverage.referring_npi):
        words = "The NPI of who referred the client is not a valid one."
        yield Problem("referring_npi", Level.BLOCK, words, carc="16")
    if len(case.coverages) > 1:
        words = f"There are several insurances. {coverage.insurer} is named: it must be the one that pays first."
        yield Problem("other_insurer_first", Level.WARN, words, carc="22")
    yield from _check_filing(case)
    for service in case.services:
        if service.on < coverage.starts_on or (coverage.ends_on and service.on > coverage.ends_on):
            words = f"The insurance with {coverage.insurer} was not in force on this day."
            yield Problem("coverage_ended", Level.WARN, words, service.on, "27")


def _check_filing(case: Case) -> Iterator[Problem]:
    days = case.coverages[0].filing_days
    if not days:
        return
    last_day = case.services[0].on + timedelta(days=days)
    if case.today > last_day:
        words = f"The insurer wanted the claim by {write_day(last_day)}. It may be too late for this service."
        yield Problem("filing_limit", Level.WARN, words, case.services[0].on, "29")
    elif case.today > last_day - timedelta(days=30):
        words = f"Tell the client to send it soon: the insurer wants the oldest service by {write_day(last_day)}."
        yield Problem("filing_limit", Level.WARN, words, carc="29")


def check_clinicians(case: Case) -> Iterator[Problem]:
    for clinician in {service.clinician_id: service.clinician for service in case.services}.values():
        yield from _check_clinician(clinician)
        yield from _check_license_dates(case, clinician)


def _check_clinician(clinician: Clinician) -> Iterator[Problem]:
    name = clinician.name
    if not clinician.npi:
        yield Problem("clinician_npi", Level.BLOCK, f"{name} has no NPI.", carc="16")
    elif not is_npi(clinician.npi):
        words = f"The NPI of {name} is not a valid one: its check digit or its first digit is wrong."
        yield Problem("clinician_npi", Level.BLOCK, words, carc="16")
    if not clinician.credentials:
        yield Problem("clinician_credentials", Level.WARN, f"{name} has no credentials.")
    if not (clinician.license_number and clinician.license_state):
        yield Problem("clinician_license", Level.WARN, f"{name} has no license number and state.")
    if not clinician.taxonomy:
        words = f"{name} has no taxonomy code. Some insurers want one."
        yield Problem("clinician_taxonomy", Level.WARN, words, carc="16")
    elif not is_taxonomy(clinician.taxonomy):
        words = f"The taxonomy code of {name} is not one: it has ten letters and digits and ends in X."
        yield Problem("clinician_taxonomy", Level.BLOCK, words, carc="16")
    supervisor = clinician.supervisor
    if supervisor and not (supervisor.npi and supervisor.license_number):
        words = f"{name} is supervised by {supervisor.name}, whose NPI or license number is missing."
        yield Problem("supervisor", Level.WARN, words, carc="16")
    if supervisor and supervisor.npi and not is_npi(supervisor.npi):
        words = f"The NPI of {supervisor.name}, who supervises {name}, is not a valid one."
        yield Problem("supervisor", Level.BLOCK, words, carc="16")


def _check_license_dates(case: Case, clinician: Clinician) -> Iterator[Problem]:
    for service in case.services:
        if service.clinician_id != clinician.id:
            continue
        early = clinician.license_from and service.on < clinician.license_from
        if early or (clinician.license_until and service.on > clinician.license_until):
            words = f"The license of {clinician.name} was not valid on this day."
            yield Problem("license_dates", Level.WARN, words, service.on)


def check_practice(case: Case) -> Iterator[Problem]:
    practice = case.practice
    if not practice.tax_id:
        yield Problem("practice_tax_id", Level.BLOCK, "The practice has no tax number.", carc="16")
    elif not is_tax_id(practice.tax_id, practice.tax_id_kind):
        words = f"The practice's tax number is no {practice.tax_id_kind}: it has nine digits."
        yield Problem("practice_tax_id", Level.BLOCK, words, carc="16")
    warning = get_tax_id_warning(practice.tax_id, practice.tax_id_kind)
    if warning:
        yield Problem("tax_id_prefix", Level.WARN, warning, carc="16")
    if practice.tax_id and practice.tax_id_kind == "SSN":
        words = "The tax number is a Social Security number. Insurers take it; an EIN would keep it private."
        yield Problem("ssn_as_tax_id", Level.WARN, words)
    if not (practice.street and practice.city and practice.state and practice.postal_code):
        yield Problem("practice_address", Level.BLOCK, "The practice's address is incomplete.", carc="16")
    if not practice.phone:
        yield Problem("practice_phone", Level.WARN, "The practice's phone number is missing.")
    if practice.npi and not is_npi(practice.npi):
        yield Problem("group_npi", Level.BLOCK, "The group NPI is not a valid one.", carc="16")
    if not practice.npi and len({service.clinician_id for service in case.services}) > 1:
        words = "Several clinicians rendered these services, and the practice has no group NPI."
        yield Problem("group_npi", Level.WARN, words, carc="16")
