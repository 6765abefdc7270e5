"""Imports as long work: each row once, whatever happens to the worker."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection

from paywell.accounts.models import Role
from paywell.accounts.tests.factories import make_staff
from paywell.accounts.types import StaffViewer
from paywell.care.actions import add_catalog_item
from paywell.care.imports import work as importing
from paywell.care.imports.client_list import ClientRun
from paywell.care.imports.files import KEEP, READINGS, keep_import_file, read_content
from paywell.care.imports.work import count_outcomes, request_check, request_import
from paywell.care.jobs import forget_imports
from paywell.care.models import ImportFile, ImportList, Service
from paywell.clients.models import Address, BillingAccount, Client, Coverage
from paywell.core import clock
from paywell.core.money import Money
from paywell.practice.actions import add_clinician, create_practice
from paywell.work.models import Work, WorkState
from paywell.work.queries import list_left_out
from paywell.work.tests.factories import serve_all

pytestmark = pytest.mark.django_db


@pytest.fixture
def viewer() -> StaffViewer:
    practice = create_practice(name="Willow Creek", actor_id=None)
    add_clinician(practice=practice, name="Mara Feldt", actor_id=None)
    add_catalog_item(practice=practice, code="IND50", wording="Session", fee=Money(15_000), actor_id=None)
    return StaffViewer(make_staff(practice, Role.OWNER).user_id, practice, Role.OWNER)


@pytest.fixture(autouse=True)
def few_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that a short list takes several steps."""
    monkeypatch.setattr(importing._Rows, "batch", 2)


def bring(viewer: StaffViewer, text: str, what: ImportList = ImportList.CLIENTS) -> ImportFile:
    file = keep_import_file(viewer, list=what, name="list.csv", data=text.encode())
    reading = READINGS[what]
    headers = text.splitlines()[0].split(",")
    file.mapping = {header: name for name, header in reading.map_columns(headers, {}).by_field.items()}
    file.save()
    return file


def check(viewer: StaffViewer, file: ImportFile) -> Work:
    work = request_check(viewer, file)
    serve_all()
    work.refresh_from_db()
    return work


def read_in(viewer: StaffViewer, text: str, what: ImportList = ImportList.CLIENTS) -> Work:
    file = bring(viewer, text, what)
    assert check(viewer, file).state == WorkState.DONE
    work = request_import(viewer, file)
    serve_all()
    work.refresh_from_db()
    return work


HOUSEHOLD = (
    "Client ID,First name,Last name,Guarantor client ID\n"
    "P-2,Eli,Brook,P-1\nP-3,Mia,Brook,P-1\nP-4,Ben,Stone,\nP-1,Ada,Brook,\nP-5,Zoe,Stray,P-9\n"
)


def test_a_check_says_what_the_import_does_and_changes_nothing(viewer: StaffViewer) -> None:
    work = check(viewer, bring(viewer, HOUSEHOLD))
    assert (work.state, work.done, work.skipped) == (WorkState.DONE, 4, 1)
    assert not Client.objects.exists()
    assert not BillingAccount.objects.exists()
    done = read_in(viewer, HOUSEHOLD)
    assert count_outcomes(done) == count_outcomes(work) == {"New": 4}
    assert [item.label for item in list_left_out(done)] == [item.label for item in list_left_out(work)] == ["Row 6"]


def test_a_household_in_several_steps_shares_the_account_of_its_head(viewer: StaffViewer) -> None:
    read_in(viewer, HOUSEHOLD)
    owing = dict(Client.objects.values_list("external_id", "default_account__name"))
    assert owing == {"P-1": "Ada Brook", "P-2": "Ada Brook", "P-3": "Ada Brook", "P-4": "Ben Stone"}
    assert BillingAccount.objects.count() == 2


def test_a_worker_that_dies_leaves_no_row_half_read_and_another_one_goes_on_with_the_next(
    viewer: StaffViewer, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = "First name,Last name\n" + "".join(f"Ana,Duarte{n}\n" for n in range(5))
    file = bring(viewer, text)
    check(viewer, file)
    work = request_import(viewer, file)

    class Killed(BaseException):
        pass

    whole, fails = ClientRun.read_row, [True]

    def die_at_the_fourth(run: ClientRun, row: Any, place: Any) -> None:
        whole(run, row, place)
        if row.number == 5 and fails and fails.pop():
            raise Killed

    monkeypatch.setattr(ClientRun, "read_row", die_at_the_fourth)
    with pytest.raises(Killed):
        serve_all()
    assert Client.objects.count() == work.items.filter(state="done").count() == 2
    serve_all()
    work.refresh_from_db()
    assert (work.state, work.done) == (WorkState.DONE, 5)
    assert Client.objects.count() == 5


def test_canceled_it_stops_and_what_is_read_in_stays(viewer: StaffViewer, monkeypatch: pytest.MonkeyPatch) -> None:
    file = bring(viewer, "First name,Last name\n" + "".join(f"Ana,Duarte{n}\n" for n in range(5)))
    check(viewer, file)
    work = request_import(viewer, file)
    whole = ClientRun.read_row

    def cancel(run: ClientRun, row: Any, place: Any) -> None:
        whole(run, row, place)
        Work.objects.filter(pk=work.pk).update(cancel_requested_at=clock.now())

    monkeypatch.setattr(ClientRun, "read_row", cancel)
    serve_all()
    work.refresh_from_db()
    assert (work.state, work.done) == (WorkState.CANCELED, 2)
    assert Client.objects.count() == 2


def test_the_same_session_given_twice_is_two_and_the_same_file_again_none(viewer: StaffViewer) -> None:
    read_in(viewer, "First name,Last name\nAda,Brook\n")
    text = "Client,Date,Code,Fee\n" + "Ada Brook,2026-11-02,IND50,150\n" * 3
    assert count_outcomes(read_in(viewer, text, ImportList.SERVICES)) == {"New": 3}
    assert count_outcomes(read_in(viewer, text, ImportList.SERVICES)) == {"As it was": 3}
    assert Service.objects.count() == 3


def test_a_second_row_of_a_client_or_a_number_is_left_out_even_in_another_step(viewer: StaffViewer) -> None:
    text = "Client ID,First name,Last name\nP-1,Ada,Brook\nP-2,Ben,Stone\nP-3,Cal,Reed\nP-1,Ada,Brooke\n"
    work = read_in(viewer, text)
    assert [(item.label, item.words) for item in list_left_out(work)] == [("Row 5", "Row 2 names the same client.")]
    assert Client.objects.get(external_id="P-1").legal_last_name == "Brook"


INSURED = (
    "First name,Last name,Insurance,Member ID,Group,Relationship to subscriber,Subscriber,Subscriber DOB,"
    "Subscriber address,Insured city,Insured state,Insured ZIP,Effective date\n"
    "Ada,Brook,Alder Mutual,ab 12-9,G7,Child,Nora Brook,4/25/1984,7 Elm Row,Boulder,co,80301,1/1/2026\n"
)


def test_a_client_comes_with_the_insurance_of_the_list(viewer: StaffViewer) -> None:
    assert count_outcomes(read_in(viewer, INSURED)) == {"New": 1}
    coverage = Coverage.objects.get()
    assert (coverage.client.name, coverage.insurer, coverage.member_id) == ("Ada Brook", "Alder Mutual", "AB129")
    assert (coverage.group_number, coverage.relationship, coverage.subscriber_name) == ("G7", "child", "Nora Brook")
    assert (str(coverage.subscriber_birth_date), str(coverage.starts_on)) == ("1984-04-25", "2026-01-01")
    assert coverage.subscriber_address == Address("7 Elm Row", "Boulder", "CO", "80301")
    assert count_outcomes(read_in(viewer, INSURED)) == {"As it was": 1}
    assert count_outcomes(read_in(viewer, INSURED.replace("ab 12-9", "AB130"))) == {"Changed": 1}
    assert Coverage.objects.get().member_id == "AB130"


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("1/1/2026", "", "Add a column with the day from which the insurance holds, like 1/1/2026."),
        ("Child", "cousin", "Relationship to subscriber: Write self, spouse, child or other."),
        ("Alder Mutual", "", "Member ID: Write the insurer's name beside the member ID."),
        ("ab 12-9", "12_9", "Member ID: Use letters and digits, at most 29."),
    ],
)
def test_an_insurance_that_can_t_be_read_leaves_its_client_out_and_says_why(
    viewer: StaffViewer, old: str, new: str, words: str
) -> None:
    work = read_in(viewer, INSURED.replace(old, new))
    assert words in list_left_out(work)[0].words
    assert not Client.objects.exists()
    assert not BillingAccount.objects.exists()


def test_the_file_is_encrypted_in_the_database_and_gone_after_a_week(viewer: StaffViewer) -> None:
    now = datetime(2026, 11, 23, 17, tzinfo=UTC)
    with clock.set_to(now):
        file = bring(viewer, HOUSEHOLD)
    with connection.cursor() as cursor:
        cursor.execute("SELECT content FROM care_importfile")
        assert str(cursor.fetchone()[0]).startswith("gAAAA")
    assert read_content(file) == HOUSEHOLD.encode()
    with clock.set_to(now + KEEP - timedelta(seconds=1)):
        forget_imports.func()
        assert ImportFile.objects.count() == 1
    with clock.set_to(now + KEEP):
        forget_imports.func()
    assert ImportFile.objects.count() == 0
    work = request_check(viewer, file)
    serve_all()
    work.refresh_from_db()
    assert (work.state, work.problem) == (WorkState.FAILED, "The file is not kept any more. Upload it again.")
