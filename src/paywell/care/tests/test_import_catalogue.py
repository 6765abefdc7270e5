from __future__ import annotations

import io
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from paywell.audit.models import AuditEvent
from paywell.care.actions import add_catalog_item
from paywell.care.imports.whole import import_whole
from paywell.care.models import CatalogItem, ImportList
from paywell.core.csv_import import BadFile, Report
from paywell.core.money import Money
from paywell.practice.actions import create_practice
from paywell.practice.models import Practice

pytestmark = pytest.mark.django_db


@pytest.fixture
def practice() -> Practice:
    return create_practice(name="Willow", actor_id=None)


def bring(practice: Practice, text: str, **options: object) -> Report:
    return import_whole(ImportList.CATALOGUE, practice=practice, data=text.encode(), actor_id=None, **options)  # type: ignore[arg-type]


def entries(practice: Practice) -> list[tuple[str, str, int, str, bool]]:
    rows = CatalogItem.objects.filter(practice=practice).order_by("code")
    return [(row.code, row.wording, row.fee_minor, row.kind, row.is_active) for row in rows]


def test_a_price_list_becomes_the_catalogue(practice: Practice) -> None:
    report = bring(
        practice,
        "Code,Description,Rate,Type,Active\n"
        'ind50,"Individual session, 50 minutes","$1,140.00",,\n'
        "NS,Missed session,75,no show,no\n",
    )
    assert (report.created, report.updated, report.errors) == (2, 0, [])
    assert entries(practice) == [
        ("IND50", "Individual session, 50 minutes", 114_000, "session", True),
        ("NS", "Missed session", 7_500, "no_show", False),
    ]
    event = AuditEvent.objects.get(action="care.import_catalogue")
    assert event.detail == {"created": 2, "updated": 0, "unchanged": 0}


def test_an_entry_is_found_again_by_code_and_wording_and_takes_the_new_fee(practice: Practice) -> None:
    add_catalog_item(practice=practice, code="IND50", wording="Individual", fee=Money(12_000), actor_id=None)
    text = "code,wording,fee\nIND50,individual,130\nIND50,Individual by video,120\n"
    report = bring(practice, text)
    assert (report.created, report.updated) == (1, 1)
    again = bring(practice, text)
    assert (again.created, again.updated, again.unchanged) == (0, 0, 2)
    assert sorted(entries(practice)) == [
        ("IND50", "Individual", 13_000, "session", True),
        ("IND50", "Individual by video", 12_000, "session", True),
    ]


def test_a_dry_run_changes_nothing(practice: Practice) -> None:
    assert bring(practice, "code,wording,fee\nA1,One,10\n", dry_run=True).created == 1
    assert entries(practice) == []


def test_with_one_error_nothing_is_imported_and_each_row_says_what_is_wrong(practice: Practice) -> None:
    report = bring(
        practice,
        "code,wording,fee,kind,active\n"
        "A1,One,10,,\n"
        "A2,Two,nothing,,\n"
        "A3,,10,,\n"
        "A4,Four,10,concert,\n"
        "A5,Five,10,,perhaps\n"
        "A1,one,12,,\n"
        "A!,Six,10,,\n",
    )
    assert [(error.row, error.column) for error in report.errors] == [
        (3, "fee"), (4, "wording"), (5, "kind"), (6, "active"), (7, "code"), (8, "code"),
    ]  # fmt: skip
    assert entries(practice) == []
    assert not AuditEvent.objects.filter(action="care.import_catalogue").exists()


def test_columns_can_be_named_and_a_missing_one_is_asked_for(practice: Practice) -> None:
    text = "Kürzel,Text,Preis\nA1,One,10\n"
    with pytest.raises(BadFile) as refused:
        bring(practice, text)
    assert refused.value.code == "code_missing"
    bring(practice, text, mapping={"Kürzel": "code", "Text": "wording", "Preis": "fee"})
    assert entries(practice) == [("A1", "One", 1_000, "session", True)]


def test_the_command_imports_into_the_practice(practice: Practice, tmp_path: Path) -> None:
    file = tmp_path / "prices.csv"
    file.write_text("code,wording,fee\nA1,One,10\n")
    out = io.StringIO()
    call_command("import_catalogue", str(file), "--dry-run", stdout=out)
    assert "1 created" in out.getvalue()
    assert entries(practice) == []
    call_command("import_catalogue", str(file), "--preset", "old", "--save-preset", stdout=out)
    assert entries(practice) == [("A1", "One", 1_000, "session", True)]
    file.write_text("code,wording,fee\nA2,Two,0\n")
    with pytest.raises(CommandError, match="Nothing was imported"):
        call_command("import_catalogue", str(file), "--preset", "old", stdout=out, stderr=out)
