from __future__ import annotations

from django.urls import reverse

from paywell.audit.models import AuditEvent
from paywell.care.models import CatalogItem, CodeLicense
from paywell.desk.tests.factories import Desk


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
