from __future__ import annotations

import re
from typing import Any

from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from paywell.audit.models import AuditEvent
from paywell.care.models import CatalogItem, CodeLicense
from paywell.desk.tests.factories import Desk

IMPORT = "desk:catalog_import"


def upload(desk: Desk, text: str, **values: str) -> Any:
    file = SimpleUploadedFile("prices.csv", text.encode())
    return desk.browser().post(reverse(IMPORT), {"file": file, "step": "look", **values})


def test_a_file_is_looked_at_before_anything_changes(desk: Desk) -> None:
    answer = upload(desk, "Code,Description,Rate\nGRP,Group,45\n")
    content = answer.content.decode()
    assert answer.status_code == 200
    assert "1 new, 0 changed, 0 as they are." in content
    assert "Import it" in content
    assert CatalogItem.objects.count() == 1
    body = re.search(r'name="content" value="([^"]+)"', content)
    assert body
    sent = {"content": body[1], "step": "import", "column0": "code", "column1": "wording", "column2": "fee"}
    assert desk.browser().post(reverse(IMPORT), sent).status_code == 302
    assert CatalogItem.objects.get(code="GRP").fee_minor == 4_500


def test_columns_can_be_chosen_anew(desk: Desk) -> None:
    content = upload(desk, "A,B,C\nGRP,Group,45\n").content.decode()
    assert "No column holds the codes" in content
    body = re.search(r'name="content" value="([^"]+)"', content)
    assert body
    sent = {"content": body[1], "step": "look", "column0": "code", "column1": "wording", "column2": "fee"}
    assert "1 new" in desk.browser().post(reverse(IMPORT), sent).content.decode()
    assert CatalogItem.objects.count() == 1


def test_errors_name_the_row_and_import_nothing_even_if_asked_to(desk: Desk) -> None:
    answer = upload(desk, "Code,Description,Rate\nGRP,Group,45\nBAD,Bad,free\n", step="import")
    assert answer.status_code == 422
    assert "Row 3, Rate" in answer.content.decode()
    assert CatalogItem.objects.count() == 1


def test_no_file_and_no_csv_are_refused(desk: Desk) -> None:
    assert desk.browser().post(reverse(IMPORT), {"step": "look"}).status_code == 422
    assert desk.browser().post(reverse(IMPORT), {"step": "import", "content": "%%%"}).status_code == 422
    assert upload(desk, "").status_code == 422
    assert CatalogItem.objects.count() == 1


def test_codes_of_five_digits_ask_for_the_note_of_a_license_which_names_day_and_person(desk: Desk) -> None:
    browser, page = desk.browser(), reverse("desk:catalog")
    assert "needs its license" not in browser.get(page).content.decode()
    CatalogItem.objects.filter(pk=desk.item.pk).update(code="1" * 5)
    assert "needs its license" in browser.get(page).content.decode()
    address = reverse("desk:code_license")
    assert browser.post(address, {"held_since": "2026-01-01"}).status_code == 422
    assert browser.post(address, {"held_since": "2027-01-01", "confirmed": "on"}).status_code == 422
    assert not CodeLicense.objects.exists()
    assert browser.post(address, {"held_since": "2026-01-01", "confirmed": "on"}).status_code == 302
    noted = CodeLicense.objects.get()
    assert noted.noted_by == desk.members["owner"].user_id
    content = browser.get(page).content.decode()
    assert "held since Jan 1, 2026" in content
    assert "needs its license" not in content
    browser.post(address, {"step": "withdraw"})
    assert not CodeLicense.objects.exists()
    told = AuditEvent.objects.filter(action__contains="code_license").order_by("seq")
    assert [event.action for event in told] == ["care.note_code_license", "care.withdraw_code_license"]
