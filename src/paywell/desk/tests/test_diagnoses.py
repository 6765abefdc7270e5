from __future__ import annotations

from typing import Any

from django.urls import reverse

from paywell.accounts.models import Role
from paywell.audit.models import AuditEvent
from paywell.care.models import Diagnosis, Service
from paywell.codes.tests.factories import make_release
from paywell.desk.tests.factories import Desk


def send(desk: Desk, role: Role = Role.OWNER, **values: str) -> Any:
    body = {"diagnosed_on": "2026-11-03", "rank": "2", "step": "add", **values}
    return desk.browser(role).post(reverse("desk:diagnosis_new", args=[desk.client.id]), body)


def test_codes_are_found_by_words_and_the_one_chosen_is_taken_with_its_description(desk: Desk) -> None:
    make_release(2027)
    answer = send(desk, step="search", code="grief")
    content = answer.content.decode()
    assert answer.status_code == 200
    assert '<input type="radio" name="pick" value="F43.81"' in content
    assert "1 code found" in content
    assert send(desk, code="grief", pick="F43.81").status_code == 302
    diagnosis = Diagnosis.objects.get(code="F43.81")
    assert (diagnosis.description, diagnosis.override) == ("Prolonged grief disorder", "")


def test_a_search_stores_nothing_and_offers_no_heading(desk: Desk) -> None:
    make_release(2027)
    content = send(desk, step="search", code="post-traumatic").content.decode()
    assert 'value="F43.10"' in content
    assert 'value="F43.1"' not in content
    assert Diagnosis.objects.count() == 1
    assert "No code has these words" in send(desk, step="search", code="zebra").content.decode()


def test_without_a_list_the_page_says_so(desk: Desk) -> None:
    assert "No list of codes is installed" in send(desk, step="search", code="grief").content.decode()


def test_a_heading_is_refused_until_staff_say_why(desk: Desk) -> None:
    make_release(2027)
    answer = send(desk, code="F43.8")
    content = answer.content.decode()
    assert answer.status_code == 422
    assert "Choose a more exact code: F43.81, F43.89." in content
    assert "Why this code all the same" in content
    assert Diagnosis.objects.count() == 1
    assert send(desk, code="F43.8", override="").status_code == 422
    assert send(desk, code="F43.8", override="The insurer asks for it").status_code == 302
    assert Diagnosis.objects.get(code="F43.8").override == "The insurer asks for it"
    event = AuditEvent.objects.get(action="care.add_diagnosis", detail={"override": True})
    assert "insurer" not in str(event.detail)
    page = desk.browser().get(reverse("desk:client_diagnoses", args=[desk.client.id])).content.decode()
    assert "used because: The insurer asks for it" in page


def test_a_wrong_form_can_t_be_overridden(desk: Desk) -> None:
    answer = send(desk, code="anxious", override="because")
    assert answer.status_code == 422
    assert "it looks like F41.1" in answer.content.decode()
    assert Diagnosis.objects.count() == 1


def test_a_day_that_no_list_covers_is_taken_with_a_warning(desk: Desk) -> None:
    make_release(2021)
    answer = desk.browser().post(
        reverse("desk:diagnosis_new", args=[desk.client.id]),
        {"diagnosed_on": "2026-11-03", "rank": "1", "code": "F43.8", "step": "add"},
        follow=True,
    )
    assert "No installed list of ICD-10-CM covers Nov 3, 2026" in answer.content.decode()
    assert Diagnosis.objects.filter(code="F43.8").exists()


def test_a_service_is_recorded_with_its_place_and_not_with_one_that_did_not_hold_then(desk: Desk) -> None:
    address = reverse("desk:service_new", args=[desk.client.id])
    body = {
        "catalog_item": str(desk.item.id), "clinician": str(desk.clinician.id), "units": "1",
        "place_of_service": "10",
    }  # fmt: skip
    answer = desk.browser().post(address, {**body, "on": "2021-12-31"})
    assert answer.status_code == 422
    assert "Use 02" in answer.content.decode()
    assert desk.browser().post(address, {**body, "on": "2026-11-10"}).status_code == 302
    assert Service.objects.get(on="2026-11-10").place_of_service == "10"
