from __future__ import annotations

import csv
import io
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from paywell.accounts.models import Role
from paywell.care.models import CatalogItem, ImportFile
from paywell.clients.models import Client
from paywell.desk.tests.factories import Desk
from paywell.work.models import Work, WorkState
from paywell.work.tests.factories import serve_all

PRICES = "desk:catalog_import"


def bring(desk: Desk, text: str, address: str = PRICES, role: Role = Role.OWNER) -> str:
    """Upload the file; where that leads to."""
    file = SimpleUploadedFile("list.csv", text.encode())
    answer = desk.browser(role).post(reverse(address), {"file": file})
    assert answer.status_code == 302, answer.content.decode()
    return str(answer["Location"])


def look(desk: Desk, page: str) -> str:
    """The page when the worker has checked the file."""
    serve_all()
    return " ".join(desk.browser().get(page).content.decode().split())


def rows_of(work: Work) -> list[list[str]]:
    return list(csv.reader(io.StringIO(bytes(work.files.get(name="rows.csv").content).decode("utf-8-sig"))))


def test_a_file_is_checked_by_the_worker_and_changes_nothing_before_it_is_told_to(desk: Desk) -> None:
    page = bring(desk, "Code,Description,Rate\nGRP,Group,45\n")
    content = desk.browser().get(page).content.decode()
    assert "data-poll" in content
    assert "Import 1 row" not in content
    content = look(desk, page)
    assert "This would be 1 new, 0 changed, 0 as they are." in content
    assert CatalogItem.objects.count() == 1
    answer = desk.browser().post(page, {"step": "import"})
    assert answer.status_code == 302
    serve_all()
    assert CatalogItem.objects.get(code="GRP").fee_minor == 4_500
    shown = desk.browser().get(answer["Location"]).content.decode()
    assert "1 of 1 done." in " ".join(shown.split())
    assert "1 new, 0 changed, 0 as they were." in shown


def test_told_twice_it_is_imported_once(desk: Desk) -> None:
    page = bring(desk, "Code,Description,Rate\nGRP,Group,45\n")
    serve_all()
    leads = {desk.browser().post(page, {"step": "import"})["Location"] for _ in range(2)}
    serve_all()
    assert len(leads) == 1
    assert Work.objects.filter(kind="import_catalogue").count() == 1
    assert "This file was imported." in desk.browser().get(page).content.decode()


def test_columns_that_nobody_knows_are_chosen_and_checked(desk: Desk) -> None:
    page = bring(desk, "A,B,C\nGRP,Group,45\n")
    assert not Work.objects.filter(kind="check_catalogue").exists()
    answer = desk.browser().post(page, {"step": "look", "column0": "code", "column1": "wording"})
    assert answer.status_code == 422
    assert "No column holds the fees" in answer.content.decode()
    sent = {"step": "look", "column0": "code", "column1": "wording", "column2": "fee"}
    assert desk.browser().post(page, sent).status_code == 302
    assert "This would be 1 new" in look(desk, page)


def test_a_row_that_can_t_be_read_is_named_with_its_column_and_left_out_while_the_rest_goes_in(desk: Desk) -> None:
    page = bring(desk, "Code,Description,Rate\nGRP,Group,45\nBAD,Bad,free\n")
    content = look(desk, page)
    assert "1 row can't be read" in content
    assert "Row 3: Rate: " in content
    desk.browser().post(page, {"step": "import"})
    serve_all()
    assert set(CatalogItem.objects.values_list("code", flat=True)) == {"IND50", "GRP"}
    work = Work.objects.get(kind="import_catalogue")
    assert (work.state, work.done, work.skipped) == (WorkState.DONE, 1, 1)
    assert [row[:2] for row in rows_of(work)] == [["Row", "Result"], ["2", "New"], ["3", "Left out"]]


def test_nothing_is_imported_before_the_check_has_ended(desk: Desk) -> None:
    page = bring(desk, "Code,Description,Rate\nGRP,Group,45\n")
    answer = desk.browser().post(page, {"step": "import"}, follow=True)
    assert "Wait until the file is checked." in answer.content.decode()
    assert not Work.objects.filter(kind="import_catalogue").exists()


def test_no_file_and_what_is_no_table_are_refused_and_not_kept(desk: Desk) -> None:
    before = ImportFile.objects.count()
    assert desk.browser().post(reverse(PRICES), {}).status_code == 422
    for content in (b"", b"PK\x03\x04book"):
        file = SimpleUploadedFile("list.csv", content)
        assert desk.browser().post(reverse(PRICES), {"file": file}).status_code == 422
    assert ImportFile.objects.count() == before


def test_clients_and_then_their_services_are_brought_at_the_desk(desk: Desk) -> None:
    page = bring(desk, "Client ID,First name,Last name\nC-1,Ida,Moss\n", "desk:client_import")
    look(desk, page)
    desk.browser().post(page, {"step": "import"})
    serve_all()
    client = Client.objects.get(external_id="C-1")
    page = bring(desk, "Client ID,Date,Code\nC-1,2026-11-02,IND50\nC-9,2026-11-02,IND50\n", "desk:service_import")
    assert "No client has the number" in look(desk, page)
    desk.browser().post(page, {"step": "import"})
    serve_all()
    service = client.services.get()
    assert (service.fee_minor, service.on.isoformat()) == (14_000, "2026-11-02")


@pytest.mark.parametrize("role", [Role.BILLER, Role.CLINICIAN, Role.READ_ONLY])
def test_a_price_list_is_opened_by_whoever_changes_settings_alone(desk: Desk, role: Role) -> None:
    page = bring(desk, "Code,Description,Rate\nGRP,Group,45\n")
    assert desk.browser(role).get(page).status_code == 404
    assert desk.browser(role).post(page, {"step": "import"}).status_code == 404


def test_whoever_lost_the_right_meanwhile_imports_nothing(desk: Desk) -> None:
    page = bring(desk, "First name,Last name\nIda,Moss\n", "desk:client_import", Role.BILLER)
    serve_all()
    desk.browser(Role.BILLER).post(page, {"step": "import"})
    type(desk.members[Role.BILLER]).objects.filter(pk=desk.members[Role.BILLER].pk).update(role=Role.READ_ONLY)
    serve_all()
    work: Any = Work.objects.get(kind="import_clients")
    assert work.state == WorkState.FAILED
    assert not Client.objects.filter(legal_last_name="Moss").exists()
