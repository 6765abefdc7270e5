"""The check before a superbill is issued: one test for each rule, named after it."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest

from paywell.care.models import ServiceKind
from paywell.clients.models import Coverage, Relationship
from paywell.core import clock
from paywell.documents import check
from paywell.documents.check import Case, Level, Problem, apply_rules, check_superbill
from paywell.documents.check import _collect as collect
from paywell.documents.making_superbills import make_superbills
from paywell.documents.superbills import get_services
from paywell.documents.tests.factories import NOON, add_diagnosis, make_case, make_staff_viewer
from paywell.invoicing.tests.factories import make_client, make_clinician, make_service
from paywell.practice.models import Location

pytestmark = pytest.mark.django_db

Change = Callable[[Case], object]


@pytest.fixture
def case() -> Case:
    """A superbill to which nothing can be said."""
    made = make_case()
    made.service.code, made.service.place_of_service = "H0004", "11"
    made.service.clinician.taxonomy = "103T00000X"
    made.service.clinician.save()
    made.service.save()
    Coverage.objects.create(
        practice=made.practice,
        client=made.client,
        insurer="Alder Mutual",
        member_id="A1",
        starts_on=date(2026, 1, 1),
    )
    with clock.set_to(NOON):
        whole = collect(made.practice, get_services(made.practice, [made.service.id]))
    return replace(whole, code_words={})


def found(case: Case, rule: str) -> Problem | None:
    return next((problem for problem in apply_rules(case) if problem.rule == rule), None)


def level_of(case: Case, rule: str) -> Level | None:
    problem = found(case, rule)
    return problem.level if problem else None


def test_nothing_is_said_of_a_superbill_that_is_right(case: Case) -> None:
    assert apply_rules(case) == []


# A fact that is missing or wrong: what is changed, the rule that finds it, and how much it weighs


def change(path: str, value: object) -> Change:
    """Set `a.b` of the case, beginning at its first service where the path says so."""

    def apply(case: Case) -> None:
        target: object = case
        *way, last = path.split(".")
        for name in way:
            target = case.services[0] if name == "service" else getattr(target, name)
        object.__setattr__(target, last, value)

    return apply


RULES: list[tuple[str, str, object, Level]] = [
    ("client_name", "client.legal_last_name", "", Level.BLOCK),
    ("client_birth_date", "client.birth_date", None, Level.BLOCK),
    ("client_sex", "client.sex", "", Level.WARN),
    ("client_address", "client.postal_code", "", Level.WARN),
    ("clinician_npi", "service.clinician.npi", "", Level.BLOCK),
    ("clinician_npi", "service.clinician.npi", "1234567890", Level.BLOCK),  # wrong check digit
    ("clinician_npi", "service.clinician.npi", "9941339100", Level.BLOCK),  # right check digit, begins with 9
    ("clinician_credentials", "service.clinician.credentials", "", Level.WARN),
    ("clinician_license", "service.clinician.license_number", "", Level.WARN),
    ("clinician_license", "service.clinician.license_state", "", Level.WARN),
    ("clinician_taxonomy", "service.clinician.taxonomy", "", Level.WARN),
    ("clinician_taxonomy", "service.clinician.taxonomy", "103T00000", Level.BLOCK),
    ("license_dates", "service.clinician.license_from", date(2026, 11, 4), Level.WARN),
    ("license_dates", "service.clinician.license_until", date(2026, 11, 2), Level.WARN),
    ("practice_tax_id", "practice.tax_id", "", Level.BLOCK),
    ("practice_tax_id", "practice.tax_id", "12-34567", Level.BLOCK),
    ("tax_id_prefix", "practice.tax_id", "07-1234567", Level.WARN),
    ("ssn_as_tax_id", "practice.tax_id_kind", "SSN", Level.WARN),
    ("practice_address", "practice.street", "", Level.BLOCK),
    ("practice_phone", "practice.phone", "", Level.WARN),
    ("group_npi", "practice.npi", "1234567890", Level.BLOCK),
    ("never_on_a_superbill", "service.kind", ServiceKind.NO_SHOW, Level.BLOCK),
    ("never_on_a_superbill", "service.kind", ServiceKind.LATE_CANCEL, Level.BLOCK),
    ("kept_from_insurer", "service.is_kept_from_insurer", True, Level.BLOCK),
    ("code_missing", "service.code", "", Level.BLOCK),
    ("code_form", "service.code", "IND50", Level.WARN),
    ("modifier_form", "service.modifiers", "HO HO", Level.BLOCK),
    ("modifier_form", "service.modifiers", "HO HN HP AH AJ", Level.BLOCK),
    ("modifier_form", "service.modifiers", "HOO", Level.BLOCK),
    ("modifier_form", "service.modifiers", "ho", Level.BLOCK),
    ("modifier_form", "service.modifiers", "H-", Level.BLOCK),
    ("code_form", "service.code", "H004", Level.WARN),
    ("place_missing", "service.place_of_service", "", Level.BLOCK),
    ("telehealth_modifier", "service.place_of_service", "02", Level.WARN),
    ("telehealth_modifier", "service.place_of_service", "10", Level.WARN),
    ("telehealth_place", "service.modifiers", "GT", Level.WARN),
    ("charge_zero", "service.fee_minor", 0, Level.WARN),
    ("insurer_part", "service.insurer_minor", 500, Level.WARN),
    ("units", "service.units", 2, Level.WARN),
    ("date_in_future", "today", date(2026, 11, 2), Level.BLOCK),
    ("before_birth", "client.birth_date", date(2026, 11, 4), Level.BLOCK),
    ("coverage_missing", "coverages", (), Level.WARN),
]


@pytest.mark.parametrize(("rule", "path", "value", "level"), RULES, ids=[f"{r[0]}-{r[1]}={r[2]}" for r in RULES])
def test_rule(case: Case, rule: str, path: str, value: object, level: Level) -> None:
    assert level_of(case, rule) is None
    change(path, value)(case)
    assert level_of(case, rule) is level


@pytest.mark.parametrize("modifier", ["95", "93", "GT", "GQ", "FQ"])
def test_telehealth_modifier_is_said_no_more_where_one_says_how(case: Case, modifier: str) -> None:
    change("service.place_of_service", "10")(case)
    change("service.modifiers", modifier)(case)
    assert level_of(case, "telehealth_modifier") is None


# Insurance


def coverage(case: Case, **fields: object) -> Coverage:
    values = {"insurer": "Alder Mutual", "member_id": "A1", "starts_on": date(2026, 1, 1), **fields}
    return Coverage(practice=case.practice, client=case.client, **values)


@pytest.mark.parametrize(
    ("rule", "fields", "level"),
    [
        ("member_id", {"member_id": ""}, Level.WARN),
        ("subscriber", {"relationship": Relationship.CHILD}, Level.BLOCK),
        ("subscriber", {"relationship": Relationship.CHILD, "subscriber_name": "Rui Duarte"}, Level.BLOCK),
        (
            "subscriber",
            {
                "relationship": Relationship.CHILD,
                "subscriber_name": "Rui Duarte",
                "subscriber_birth_date": date(1960, 1, 1),
            },
            None,
        ),
        ("authorization_missing", {"needs_authorization": True}, Level.WARN),
        ("authorization_missing", {"needs_authorization": True, "authorization_number": "AB12"}, None),
        ("authorization_form", {"authorization_number": "AB-12"}, Level.BLOCK),
        ("referring_npi", {"referring_name": "Dr. Holt"}, Level.WARN),
        ("referring_npi", {"referring_name": "Dr. Holt", "referring_npi": "1234567890"}, Level.BLOCK),
        ("referring_npi", {"referring_name": "Dr. Holt", "referring_npi": "1234567893"}, None),
        ("filing_limit", {"filing_days": 10}, Level.WARN),
        ("filing_limit", {"filing_days": 40}, Level.WARN),
        ("filing_limit", {"filing_days": 180}, None),
        ("coverage_ended", {"ends_on": date(2026, 11, 2)}, Level.WARN),
        ("coverage_ended", {"ends_on": date(2026, 11, 3)}, None),
    ],
)
def test_rule_of_insurance(case: Case, rule: str, fields: dict[str, object], level: Level | None) -> None:
    assert level_of(replace(case, coverages=[coverage(case, **fields)]), rule) is level


def test_other_insurer_first(case: Case) -> None:
    two = replace(case, coverages=[coverage(case), coverage(case, insurer="Birch Health", rank=2)])
    assert level_of(two, "other_insurer_first") is Level.WARN


def test_coverage_ended_before_all_services(case: Case) -> None:
    ended = replace(case, coverages=[], ended=[coverage(case, ends_on=date(2026, 10, 1))])
    problem = found(ended, "coverage_ended")
    assert problem is not None
    assert "Oct 1, 2026" in problem.words


# Supervision, groups, several lines


def test_supervisor(case: Case) -> None:
    clinician = case.services[0].clinician
    clinician.supervisor = make_clinician(case.practice, license_number="77", license_state="OR")
    assert level_of(case, "supervisor") is None
    clinician.supervisor.npi = ""
    assert level_of(case, "supervisor") is Level.WARN
    clinician.supervisor.npi = "1234567890"
    assert level_of(case, "supervisor") is Level.BLOCK


def test_group_npi_is_missed_where_several_clinicians_rendered_care(case: Case) -> None:
    other = make_service(case.client, clinician=make_clinician(case.practice))
    [whole] = get_services(case.practice, [other.id])
    assert level_of(replace(case, services=[*case.services, whole]), "group_npi") is Level.WARN


def test_several_clients(case: Case) -> None:
    other = make_service(make_client(case.practice))
    [whole] = get_services(case.practice, [other.id])
    assert level_of(replace(case, services=[*case.services, whole]), "several_clients") is Level.BLOCK


def test_duplicate_is_the_same_day_code_and_clinician(case: Case) -> None:
    service = case.services[0]
    same = make_service(case.client, clinician=service.clinician, code="H0004")
    later = make_service(case.client, on=date(2026, 11, 4), clinician=service.clinician, code="H0004")
    for other, expected in ((same, Level.WARN), (later, None)):
        [whole] = get_services(case.practice, [other.id])
        assert level_of(replace(case, services=[service, whole]), "duplicate") is expected


# Diagnoses


def test_diagnosis_missing(case: Case) -> None:
    other = make_service(case.client, clinician=case.services[0].clinician)
    with clock.set_to(NOON):
        whole = collect(case.practice, get_services(case.practice, [other.id]))
    assert level_of(whole, "diagnosis_missing") is Level.BLOCK


def test_a_diagnosis_must_be_dated_on_or_before_the_service(case: Case) -> None:
    service = case.services[0]
    add_diagnosis(service, "F32.A", service.on + timedelta(days=1), position=2)
    with clock.set_to(NOON):
        [fresh] = get_services(case.practice, [service.id])
        whole = collect(case.practice, [fresh])
        assert whole.valid[service.id] == ("F41.1",)
        assert level_of(whole, "diagnosis_dated_later") is Level.WARN
        pointer = fresh.pointers.get(position=1)
        pointer.diagnosis.diagnosed_on = service.on + timedelta(days=1)
        pointer.diagnosis.save()
        whole = collect(case.practice, get_services(case.practice, [service.id]))
    assert level_of(whole, "diagnosis_dated_later") is Level.BLOCK


@pytest.mark.parametrize(("count", "level"), [(4, None), (5, Level.BLOCK)])
def test_pointers_are_four_at_most(case: Case, count: int, level: Level | None) -> None:
    """The database refuses a fifth; should one be there all the same, it is said."""
    [service] = get_services(case.practice, [case.services[0].id])
    service.pointers.all()._result_cache *= count
    assert level_of(replace(case, services=[service]), "pointers") is level


@pytest.mark.parametrize("level", [Level.BLOCK, Level.REASON, Level.WARN])
def test_diagnosis_code_says_what_the_release_of_the_day_says(case: Case, level: Level) -> None:
    on = case.services[0].on
    said = replace(case, code_words={("F41.1", on): (level, "words of the list")})
    assert found(said, "diagnosis_code") == Problem("diagnosis_code", level, "words of the list", on, "146")


def test_without_an_installed_release_a_code_could_not_be_checked(case: Case) -> None:
    with clock.set_to(NOON):
        problems = check_superbill(case.practice, case.services)
    assert [(problem.rule, problem.level) for problem in problems] == [("diagnosis_code", Level.WARN)]


def test_place_of_service_holds_from_its_day_on(case: Case) -> None:
    service = case.services[0]
    service.place_of_service, service.modifiers, service.on = "10", "95", date(2021, 11, 3)
    with clock.set_to(NOON):
        problems = check_superbill(case.practice, [service])
    problem = next(each for each in problems if each.rule == "place_of_service")
    assert problem.level is Level.REASON
    assert "Use 02" in problem.words


@pytest.mark.parametrize(
    ("code", "meaning", "rule"),
    [
        ("F41.9", "Anxiety disorder, unspecified", "diagnosis_unspecific"),
        ("F32.A", "Depression, unspecified", "diagnosis_unspecific"),
        ("F39", "Unspecified mood disorder", "diagnosis_unspecific"),
        ("F43.9", "", "diagnosis_unspecific"),
        ("F90.2", "Attention-deficit hyperactivity disorder, combined type", None),
        ("F43.10", "Post-traumatic stress disorder", None),
        ("Z63.0", "Problems in relationship with spouse or partner", "diagnosis_first"),
        ("Y07.01", "Husband, perpetrator of maltreatment and neglect", "diagnosis_first"),
    ],
)
def test_a_diagnosis_that_is_vague_or_no_disorder_is_warned_of(
    case: Case, code: str, meaning: str, rule: str | None
) -> None:
    service = case.services[0]
    diagnosis = service.pointers.get(position=1).diagnosis
    diagnosis.code, diagnosis.description = code, meaning
    diagnosis.save()
    [fresh] = get_services(case.practice, [service.id])
    changed = replace(case, services=[fresh], valid={service.id: (code,)})
    for each in ("diagnosis_unspecific", "diagnosis_first"):
        assert level_of(changed, each) is (Level.WARN if each == rule else None)


def test_a_circumstance_behind_a_disorder_is_right(case: Case) -> None:
    changed = replace(case, valid={case.services[0].id: ("F41.1", "Z63.0")})
    assert level_of(changed, "diagnosis_first") is None


# Where it was


def test_the_place_of_service_fits_the_location(case: Case) -> None:
    service = case.services[0]
    service.location = Location(practice=case.practice, name="Elm School", place_of_service="03")
    problem = found(case, "place_and_location")
    assert problem is not None
    assert (problem.level, problem.carc) == (Level.WARN, "5")
    assert "Elm School, where it was, is place 03" in problem.words
    service.place_of_service = "03"
    assert level_of(case, "place_and_location") is None
    service.place_of_service, service.modifiers = "10", "95"
    assert level_of(case, "place_and_location") is None


def test_the_npi_of_a_location_is_a_valid_one(case: Case) -> None:
    location = Location(practice=case.practice, name="Elm School", place_of_service="11", npi="1234567890")
    case.services[0].location = location
    assert level_of(case, "facility_npi") is Level.BLOCK
    location.npi = "1234567893"
    assert level_of(case, "facility_npi") is None


# Money


def test_not_paid_and_paid_above_charge(case: Case) -> None:
    service = case.services[0]
    assert level_of(replace(case, paid={}), "not_paid") is Level.WARN
    assert level_of(replace(case, paid={service.id: 14_000}), "paid_above_charge") is None
    assert level_of(replace(case, paid={service.id: 14_001}), "paid_above_charge") is Level.WARN


# What was issued before


def test_already_issued_names_the_other_superbill_and_not_its_own(case: Case) -> None:
    service = case.services[0]
    later = make_service(case.client, on=date(2026, 11, 10), clinician=service.clinician, code="H0004")
    add_diagnosis(later, "F32.A", date(2026, 11, 1))
    viewer = make_staff_viewer(case.practice)
    with clock.set_to(NOON):
        make_superbills(viewer, [service.id])
        alone = check_superbill(case.practice, get_services(case.practice, [service.id]))
        both = check_superbill(case.practice, get_services(case.practice, [service.id, later.id]))
    assert "already_issued" not in {problem.rule for problem in alone}
    problem = next(each for each in both if each.rule == "already_issued")
    assert (problem.on, problem.level) == (service.on, Level.WARN)
    assert problem.words.startswith("SB-0001")


def test_the_worst_stands_first(case: Case) -> None:
    change("client.sex", "")(case)
    change("practice.tax_id", "")(case)
    assert [problem.level for problem in apply_rules(case)] == [Level.BLOCK, Level.WARN]


# Letters that the PDF can't print


@pytest.mark.parametrize(
    ("path", "level"),
    [
        ("client.legal_last_name", Level.BLOCK),
        ("service.clinician.name", Level.BLOCK),
        ("service.wording", Level.WARN),
        ("client.street", Level.WARN),
        ("practice.name", Level.WARN),
    ],
)
def test_letters_without_a_font_are_named_before_issue(case: Case, path: str, level: Level) -> None:
    change(path, "שלום")(case)
    assert level_of(case, "letters") is None
    change(path, "前田")(case)
    problem = found(case, "letters")
    assert problem is not None
    assert problem.level is level
    assert "前, 田" in problem.words


def test_letters_of_the_insurance_without_a_font_are_named_before_issue(case: Case) -> None:
    assert level_of(replace(case, coverages=[coverage(case, insurer="健保")]), "letters") is Level.BLOCK


def test_every_rule_of_the_check_is_named_by_a_test() -> None:
    rules = {
        call.args[0].value
        for path in Path(check.__file__).parent.glob("*.py")
        for call in ast.walk(ast.parse(path.read_text()))
        if isinstance(call, ast.Call) and getattr(call.func, "id", "") == "Problem"
        if isinstance(call.args[0], ast.Constant)
    }
    assert len(rules) > 40
    named = set(re.findall(r'"([a-z_]+)"', Path(__file__).read_text()))
    assert sorted(rules - named) == []
