from __future__ import annotations

from datetime import date

import pytest

from paywell.care.actions import add_catalog_item
from paywell.care.imports.whole import import_whole
from paywell.care.models import Diagnosis, ImportList, Service, ServiceKind
from paywell.care.tests.lists import LINK2MD, MY_BEST_PRACTICE
from paywell.core.csv_import import BadFile, Report
from paywell.core.money import Money
from paywell.practice.actions import add_clinician, create_practice
from paywell.practice.models import Practice

pytestmark = pytest.mark.django_db


@pytest.fixture
def practice() -> Practice:
    practice = create_practice(name="Willow Creek", actor_id=None)
    add_clinician(practice=practice, name="Mara Feldt", credentials="LCSW", external_id="T7", actor_id=None)
    add_catalog_item(
        practice=practice, code="IND50", wording="Individual session, 50 minutes", fee=Money(15_000), actor_id=None
    )
    add_catalog_item(
        practice=practice, code="H0004", wording="Counseling, each 15 minutes", fee=Money(3_800), actor_id=None
    )
    assert not import_whole(ImportList.CLIENTS, practice=practice, data=LINK2MD.encode(), actor_id=None).errors
    return practice


def bring(practice: Practice, text: str, **options: object) -> Report:
    return import_whole(ImportList.SERVICES, practice=practice, data=text.encode(), actor_id=None, **options)  # type: ignore[arg-type]


def counts(report: Report) -> tuple[int, int, int]:
    return (report.created, report.updated, report.unchanged)


def test_a_my_best_practice_list_becomes_services(practice: Practice) -> None:
    report = bring(practice, MY_BEST_PRACTICE)
    assert report.errors == []
    assert counts(report) == (3, 0, 0)
    first = Service.objects.get(client__external_id="P-1", on=date(2026, 11, 3))
    assert (first.code, first.wording, first.fee_minor) == ("IND50", "Individual session, 50 minutes", 15_000)
    child = Service.objects.get(client__external_id="P-2")
    assert (child.units, child.fee_minor) == (3, 111_400)
    assert report.never == ("Note",)
    assert report.ignored == ("Address", "Office Number")


def test_a_diagnosis_of_a_list_begins_with_the_first_service_that_names_it(practice: Practice) -> None:
    bring(practice, MY_BEST_PRACTICE)
    diagnosis = Diagnosis.objects.get()
    assert (diagnosis.code, diagnosis.diagnosed_on) == ("F41.1", date(2026, 11, 3))
    assert diagnosis.services.count() == 2


def test_the_same_file_twice_changes_nothing(practice: Practice) -> None:
    bring(practice, MY_BEST_PRACTICE)
    assert counts(bring(practice, MY_BEST_PRACTICE)) == (0, 0, 3)
    assert Service.objects.count() == 3


def test_two_like_services_of_one_day_are_two_and_stay_two(practice: Practice) -> None:
    text = "Client ID,Date,Code\nP-1,2026-11-03,IND50\nP-1,2026-11-03,IND50\n"
    assert counts(bring(practice, text)) == (2, 0, 0)
    assert counts(bring(practice, text)) == (0, 0, 2)
    assert counts(bring(practice, text + "P-1,2026-11-03,IND50\n")) == (1, 0, 2)


def test_a_number_with_other_content_is_refused(practice: Practice) -> None:
    bring(practice, "Service ID,Client ID,Date,Code\nS1,P-1,2026-11-03,IND50\n")
    report = bring(practice, "Service ID,Client ID,Date,Code,Fee\nS1,P-1,2026-11-03,IND50,160\n")
    assert [(error.row, error.column) for error in report.errors] == [(2, "Service ID")]
    assert Service.objects.get().fee_minor == 15_000


def test_fees_parts_kinds_and_clinicians_are_read(practice: Practice) -> None:
    report = bring(
        practice,
        "Client,DOB,Date of Service,Description,Fee,Client responsibility,Status,Therapist,POS,Mod\n"
        '"Brook, Ada",1988-04-12,11/3/2026,Session,"$1,150.50",$40.50,Attended,T7,2,gt\n'
        "Ada Brook,1988-04-12,11/4/2026,Missed appointment,$75,,No-show,,,\n"
        "Ada Brook,1988-04-12,11/5/2026,Late cancellation,75,,late cancel,mara feldt,,\n",
    )
    assert report.errors == []
    session, missed, late = Service.objects.order_by("on")
    assert (session.fee_minor, session.insurer_minor, session.client_minor) == (115_050, 111_000, 4_050)
    assert (session.place_of_service, session.modifiers) == ("02", "GT")
    assert (missed.kind, late.kind) == (ServiceKind.NO_SHOW, ServiceKind.LATE_CANCEL)


def test_one_error_and_nothing_is_imported_and_all_errors_say_what_to_do(practice: Practice) -> None:
    report = bring(
        practice,
        "Client ID,Client name,Date,Code,Fee,Units,Therapist,Status,Description\n"
        "P-1,,2026-11-03,IND50,,,,,\n"
        "P-9,,2026-11-03,IND50,,,,,\n"
        ",Nobody Known,2026-11-03,IND50,,,,,\n"
        "P-1,,,IND50,,,,,\n"
        "P-1,,2026-11-03,NEW1,150,,,,\n"
        "P-1,,2026-11-03,NEW1,,,,,Session\n"
        'P-1,,2026-11-03,IND50,"1,00",,,,\n'
        "P-1,,2026-11-03,IND50,,1.5,,,\n"
        "P-1,,2026-11-03,IND50,,,Nobody,,\n"
        "P-1,,2026-11-03,IND50,,,,canceled,\n"
        "P-1,,1980-11-03,IND50,,,,,\n",
    )
    assert [(error.row, error.column) for error in report.errors] == [
        (3, "Client ID"),
        (4, "Client name"),
        (5, "Date"),
        (6, "Code"),
        (7, "Fee"),
        (8, "Fee"),
        (9, "Units"),
        (10, "Therapist"),
        (11, "Status"),
        (12, "Date"),
    ]
    assert not Service.objects.exists()


def test_without_a_clinician_a_practice_of_several_is_asked_who_it_was(practice: Practice) -> None:
    add_clinician(practice=practice, name="Jonas Adeyemi", actor_id=None)
    report = bring(practice, "Client ID,Date,Code\nP-1,2026-11-03,IND50\n")
    assert [error.reason for error in report.errors] == [
        "Say who gave the service: add a column Clinician, or set the client's clinician."
    ]


def test_two_clients_of_one_name_need_a_birth_date_or_a_number(practice: Practice) -> None:
    import_whole(ImportList.CLIENTS, practice=practice, data=b"Name,DOB\nAda Brook,1999-01-01\n", actor_id=None)
    report = bring(practice, "Client,Date,Code\nAda Brook,2026-11-03,IND50\n")
    assert [(error.row, error.column) for error in report.errors] == [(2, "Client")]
    assert counts(bring(practice, "Client,DOB,Date,Code\nAda Brook,1999-01-01,2026-11-03,IND50\n")) == (1, 0, 0)


@pytest.mark.parametrize(
    ("text", "code"),
    [("Client ID,Code\nP-1,IND50\n", "on_missing"), ("Date,Code\n2026-11-03,X\n", "client_name_missing")],
)
def test_a_list_without_dates_or_clients_says_what_to_do(practice: Practice, text: str, code: str) -> None:
    with pytest.raises(BadFile) as refused:
        bring(practice, text)
    assert refused.value.code == code


def test_a_dry_run_changes_nothing(practice: Practice) -> None:
    assert counts(bring(practice, MY_BEST_PRACTICE, dry_run=True)) == (3, 0, 0)
    assert not Service.objects.exists()
    assert not Diagnosis.objects.exists()
