from __future__ import annotations

from datetime import date
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from paywell.audit.models import AuditEvent
from paywell.care.imports.client_list import split_name
from paywell.care.imports.whole import import_whole
from paywell.care.models import ImportList
from paywell.care.tests.lists import BOSWELL, LINK2MD, SIMPLEPRACTICE
from paywell.clients.models import BillingAccount, Client
from paywell.core.csv_import import BadFile, Report
from paywell.practice.actions import add_clinician, create_practice
from paywell.practice.models import ImportPreset, Practice

pytestmark = pytest.mark.django_db


@pytest.fixture
def practice() -> Practice:
    practice = create_practice(name="Willow Creek", actor_id=None)
    add_clinician(practice=practice, name="Mara Feldt", credentials="LCSW", actor_id=None)
    return practice


def bring(practice: Practice, text: str, **options: object) -> Report:
    return import_whole(ImportList.CLIENTS, practice=practice, data=text.encode(), actor_id=None, **options)  # type: ignore[arg-type]


def counts(report: Report) -> tuple[int, int, int]:
    return (report.created, report.updated, report.unchanged)


def test_a_link2md_list_is_read_by_its_own_headers(practice: Practice) -> None:
    report = bring(practice, LINK2MD)
    assert report.errors == []
    assert counts(report) == (2, 0, 0)
    ada, eli = Client.objects.order_by("external_id")
    assert (ada.legal_name, ada.birth_date, ada.sex) == ("Ada Brook", date(1988, 4, 12), "F")
    assert (ada.phone, ada.email) == ("+13035550121", "ada.brook@example.org")
    assert (ada.street, ada.city, ada.state, ada.postal_code) == ("12 Maple Avenue, Apt 4", "Golden", "CO", "80401")
    assert (eli.state, eli.postal_code, eli.email) == ("CO", "80401-1234", "")
    assert eli.default_account_id == ada.default_account_id
    assert {"username", "portal_user_id", "active", "insurance_payer_id", "client"} <= set(report.ignored)


def test_the_same_file_twice_changes_nothing(practice: Practice) -> None:
    bring(practice, LINK2MD)
    before = list(Client.objects.order_by("id").values())
    assert counts(bring(practice, LINK2MD)) == (0, 0, 2)
    assert list(Client.objects.order_by("id").values()) == before
    assert BillingAccount.objects.count() == 1


def test_a_list_without_numbers_is_found_again_by_name_and_birth_date(practice: Practice) -> None:
    text = "Client Name,DOB,Email\nAda Brook,1988-04-12,\nAda Brook,1999-01-01,\n"
    assert counts(bring(practice, text)) == (2, 0, 0)
    assert counts(bring(practice, text)) == (0, 0, 2)
    changed = text.replace("1988-04-12,", "1988-04-12,ada.brook@example.org")
    assert counts(bring(practice, changed)) == (0, 1, 1)
    assert Client.objects.get(birth_date=date(1988, 4, 12)).email == "ada.brook@example.org"


def test_an_empty_cell_never_erases_what_is_there(practice: Practice) -> None:
    bring(practice, "Client ID,First name,Last name,Email\nC1,Ada,Brook,ada.brook@example.org\n")
    report = bring(practice, "Client ID,First name,Last name,Email\nC1,Ada,Brooke,\n")
    assert counts(report) == (0, 1, 0)
    client = Client.objects.get()
    assert (client.legal_last_name, client.email) == ("Brooke", "ada.brook@example.org")


def test_a_household_shares_the_account_of_its_head_wherever_it_stands_in_the_file(practice: Practice) -> None:
    report = bring(practice, BOSWELL)
    assert report.errors == []
    nora, leo = Client.objects.order_by("external_id")
    assert leo.default_account_id == nora.default_account_id
    assert nora.default_account.name == "Nora Vance"
    assert (leo.sex, leo.birth_date) == ("M", date(2016, 2, 11))


def test_a_head_of_household_who_is_nowhere_is_an_error(practice: Practice) -> None:
    report = bring(practice, BOSWELL.replace("\n1;;", "\n7;;"))
    assert [(error.row, error.column) for error in report.errors] == [(2, "related_to_row_id")]
    assert not Client.objects.exists()


def test_a_responsible_party_gets_the_invoices_of_each_client_in_an_account_of_its_own(practice: Practice) -> None:
    bring(practice, "Client ID,Name,Responsible party\n1,Mia Vance,Nora Vance\n2,Leo Vance,Nora Vance\n")
    assert [account.name for account in BillingAccount.objects.all()] == ["Nora Vance", "Nora Vance"]


def test_simplepractices_columns_give_names_and_clinicians(practice: Practice) -> None:
    report = bring(practice, SIMPLEPRACTICE)
    assert report.errors == []
    assert sorted(client.legal_name for client in Client.objects.all()) == ["Ines Coral", "Owen Pike"]
    assert {client.clinician.name for client in Client.objects.all() if client.clinician} == {"Mara Feldt"}
    assert len(report.ignored) == 13


def test_one_error_and_nothing_is_imported_and_all_errors_are_listed(practice: Practice) -> None:
    report = bring(
        practice,
        "Client ID,First name,Last name,DOB,Sex,Email,State,Therapist\n"
        "1,Ada,Brook,1988-04-12,F,ada.brook@example.org,CO,Mara Feldt\n"
        "2,,Vance,1984-04-25,F,,CO,\n"
        "3,Ben,Ashby,1997-02-20,male-ish,,CO,\n"
        "4,Cleo,Dunn,2999-01-01,F,,CO,\n"
        "5,Dora,Hale,1979-01-23,F,nobody,CO,\n"
        "6,Eve,Lund,1969-05-31,F,,Bavaria,\n"
        "7,Fay,Moon,2000-11-11,F,,CO,Nobody Known\n"
        "1,Gus,Pike,1991-03-17,M,,CO,\n",
    )
    assert [(error.row, error.column) for error in report.errors] == [
        (3, "First name"),
        (4, "Sex"),
        (5, "DOB"),
        (6, "Email"),
        (7, "State"),
        (8, "Therapist"),
        (9, ""),
    ]
    assert report.errors[-1].reason == "Row 2 names the same client."
    assert not Client.objects.exists()
    assert not BillingAccount.objects.exists()
    assert not AuditEvent.objects.filter(action__startswith="care.import").exists()


def test_a_dry_run_says_what_would_happen_and_changes_nothing(practice: Practice) -> None:
    assert counts(bring(practice, LINK2MD, dry_run=True)) == (2, 0, 0)
    assert not Client.objects.exists()
    assert not AuditEvent.objects.filter(action__startswith="clients").exists()


def test_another_practices_clients_are_never_touched(practice: Practice) -> None:
    other = create_practice(name="Harbor", actor_id=None)
    bring(other, LINK2MD)
    before = list(Client.objects.order_by("id").values())
    assert counts(bring(practice, LINK2MD.replace("Brook", "Brooke"))) == (2, 0, 0)
    assert list(Client.objects.filter(practice=other).order_by("id").values()) == before


def test_a_list_without_names_says_what_to_do(practice: Practice) -> None:
    with pytest.raises(BadFile) as refused:
        bring(practice, "Email\nada.brook@example.org\n")
    assert refused.value.code == "names_missing"


def test_names_are_split_at_the_comma_or_before_the_last_word() -> None:
    assert split_name("Brook, Ada May") == ("Ada May", "Brook")
    assert split_name("Ada May Brook") == ("Ada May", "Brook")
    assert split_name("Ada") == ("", "Ada")


def test_the_command_keeps_a_mapping_as_a_preset(practice: Practice, tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    path.write_text("Number,Who\nC1,Ada Brook\n")
    out = StringIO()
    call_command(
        "import_clients",
        str(path),
        "--map",
        "Number=external_id",
        "--map",
        "Who=full_name",
        "--preset",
        "old desk",
        "--save-preset",
        stdout=out,
    )
    assert "Done: 1 created, 0 updated, 0 unchanged." in out.getvalue()
    assert ImportPreset.objects.get().mapping == {"Number": "external_id", "Who": "full_name"}
    out = StringIO()
    call_command("import_clients", str(path), "--preset", "old desk", "--dry-run", stdout=out)
    assert "Would be 0 created, 0 updated, 1 unchanged." in out.getvalue()
    with pytest.raises(CommandError, match="no preset 'new desk'"):
        call_command("import_clients", str(path), "--preset", "new desk")


def test_the_command_lists_errors_and_asks_which_practice(practice: Practice, tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    path.write_text("Name,Sex\nAda Brook,?\n")
    err = StringIO()
    with pytest.raises(CommandError, match=r"1 errors\. Nothing was imported\."):
        call_command("import_clients", str(path), stderr=err, stdout=StringIO())
    assert "Row 2, Sex: Write F, M or X" in err.getvalue()
    create_practice(name="Harbor", actor_id=None)
    with pytest.raises(CommandError, match="There are: harbor, willow-creek"):
        call_command("import_clients", str(path))
    with pytest.raises(CommandError, match="can't be read"):
        call_command("import_clients", str(tmp_path / "none.csv"), "--practice", "harbor")


def test_a_states_name_is_brought_in_as_its_two_letters(practice: Practice) -> None:
    report = bring(practice, "First name,Last name,State\nEve,Lund,New Mexico\n")
    assert report.errors == []
    assert Client.objects.get().state == "NM"
