"""All that is wrong with a form comes at once, each at its field; what was typed stays, and nothing is saved."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from django.urls import reverse

from paywell.care.models import CatalogItem, Diagnosis, Service
from paywell.clients.models import Client, Contact, Coverage, Grant
from paywell.desk.tests.factories import Desk
from paywell.practice.models import Clinician, Location, Practice


def url(name: str, *ids: Any) -> str:
    return reverse(f"desk:{name}", args=ids)


PRACTICE = {
    "name": "", "phone": "12", "email": "nobody", "state": "7", "postal_code": "8040", "tax_id_kind": "EIN",
    "tax_id": "12-34", "npi": "1234567890", "payment_terms_days": "", "pay_link_days": "900",
    "pay_to_street": "1 Elm St", "pay_to_state": "9!", "timezone": "Mars/Olympus", "is_part2_program": "on",
}  # fmt: skip
PRACTICE_SAYS = {
    "name": "Enter this.",
    "phone": "Enter a phone number with its area code, like (202) 555-0143.",
    "email": "Enter an e-mail address, like name@example.org.",
    "state": "Write the state as two letters, like CO.",
    "postal_code": "A ZIP code has five digits, or nine like 80401-1234.",
    "tax_id": "An EIN has nine digits, like 12-3456789.",
    "npi": "That is not an NPI: it has ten digits",
    "payment_terms_days": "Enter a number.",
    "pay_link_days": "Enter 365 or less.",
    "pay_to_state": "Write the state as two letters, like CO.",
    "pay_to_city": "Enter the whole address to which payments are sent, or leave all of it empty.",
    "part2_notice": "Enter the notice: documents of such a program must carry it.",
}


def read_errors(html: str, names: Any) -> dict[str, str]:
    """The first error at each field."""
    parts = {name: html.partition(f'id="id_{name}_error">')[2].partition("</p>")[0] for name in names}
    return {name: part.rpartition("<span>")[2].replace("</span>", "") for name, part in parts.items()}


def test_the_practices_page_says_all_that_is_wrong_at_once_and_keeps_what_was_typed(desk: Desk) -> None:
    before = Practice.objects.values().get()
    answer = desk.browser().post(url("settings_practice"), PRACTICE)
    html = answer.content.decode()
    assert answer.status_code == 422
    said = read_errors(html, PRACTICE_SAYS)
    assert {name: words for name, words in PRACTICE_SAYS.items() if not said[name].startswith(words)} == {}
    assert 'id="id_timezone_error"' in html
    for typed in ("8040", "12-34", "1234567890", "1 Elm St", "9!", "nobody"):
        assert f'value="{typed}"' in html
    assert Practice.objects.values().get() == before


@pytest.mark.parametrize(
    ("page", "form", "says"),
    [
        (
            "clinician_new",
            {
                "name": "", "npi": "123", "license_state": "Q1", "taxonomy": "1", "license_from": "2026-05-01",
                "license_until": "2025-05-01",
            },
            {
                "name": "Enter this.",
                "npi": "That is not an NPI",
                "license_state": "Write the state as two letters, like CO.",
                "taxonomy": "A taxonomy code has ten letters and digits and ends in X.",
                "license_until": "The license ends before it begins. Check both dates.",
            },
        ),
        (
            "location_new",
            {
                "name": "", "place_of_service": "11", "state": "1", "postal_code": "1", "npi": "1",
                "pay_to_city": "Ely",
            },
            {
                "name": "Enter this.",
                "state": "Write the state as two letters, like CO.",
                "postal_code": "A ZIP code has five digits",
                "npi": "That is not an NPI",
                "pay_to_street": "Enter the whole address to which payments are sent",
            },
        ),
        (
            "catalog_item_new",
            {"code": "?", "wording": "", "kind": "session", "fee": "0"},
            {
                "code": "A code has up to ten letters and digits.",
                "wording": "Enter this.",
                "fee": "Enter an amount that is more than zero.",
            },
        ),
        (
            "staff_new",
            {"name": "", "email": "", "role": "clinician"},
            {
                "name": "Enter this.",
                "email": "Enter an e-mail address, like name@example.org.",
                "clinician": "Choose which clinician signs in: they see their own clients only.",
            },
        ),
    ],
)  # fmt: skip
def test_a_form_of_the_settings_says_all_that_is_wrong_at_once(
    desk: Desk, page: str, form: dict[str, str], says: dict[str, str]
) -> None:
    counts = [model.objects.count() for model in (Clinician, Location, CatalogItem)]
    answer = desk.browser().post(url(page), form)
    assert answer.status_code == 422
    said = read_errors(answer.content.decode(), says)
    assert {name: words for name, words in says.items() if not said[name].startswith(words)} == {}
    assert [model.objects.count() for model in (Clinician, Location, CatalogItem)] == counts


@pytest.mark.parametrize(
    ("page", "form", "says"),
    [
        (
            "client_edit",
            {"legal_first_name": "", "birth_date": "2030-01-01", "phone": "1", "email": "x"},
            {
                "legal_first_name": "Enter this.",
                "legal_last_name": "Enter this.",
                "birth_date": "Enter a date of birth in the past.",
                "phone": "Enter a phone number with its area code",
                "email": "Enter an e-mail address",
            },
        ),
        (
            "person_new",
            {
                "name": "", "phone": "1", "role": "payer", "may_see_diagnosis": "on", "valid_from": "2026-11-23",
                "valid_until": "2026-11-01", "invite": "on",
            },
            {
                "name": "Enter this.",
                "phone": "Enter a phone number with its area code",
                "email": "An invitation needs an e-mail address.",
                "may_see_diagnosis": "Seeing the diagnosis needs the right to see documents too.",
                "valid_until": "The last day of access can&#x27;t be before its first.",
            },
        ),
        (
            "diagnosis_new",
            {"code": "anxious", "diagnosed_on": "2026-11-01", "ended_on": "2026-10-01", "rank": ""},
            {
                "code": "That is not an ICD-10-CM code: it looks like F41.1.",
                "ended_on": "The end is before the beginning.",
                "rank": "Enter a number.",
            },
        ),
        (
            "coverage_new",
            {
                "insurer": "", "member_id": "a?", "relationship": "self", "starts_on": "2026-11-01",
                "ends_on": "2026-10-01", "rank": "1", "referring_npi": "1",
            },
            {
                "insurer": "Enter this.",
                "member_id": "Use letters and digits, at most 29.",
                "ends_on": "The end is before the beginning.",
                "referring_npi": "That is not an NPI",
            },
        ),
    ],
)  # fmt: skip
def test_a_form_about_a_client_says_all_that_is_wrong_at_once(
    desk: Desk, page: str, form: dict[str, str], says: dict[str, str]
) -> None:
    before = [list(model.objects.values()) for model in (Client, Contact, Grant, Diagnosis, Coverage)]
    answer = desk.browser().post(url(page, desk.client.id), form)
    assert answer.status_code == 422
    said = read_errors(answer.content.decode(), says)
    assert {name: words for name, words in says.items() if not said[name].startswith(words)} == {}
    assert [list(model.objects.values()) for model in (Client, Contact, Grant, Diagnosis, Coverage)] == before


@pytest.mark.parametrize("times", ["", "4"])
def test_recording_a_service_says_all_that_is_wrong_at_once_also_of_one_that_repeats(
    desk: Desk, times: str
) -> None:
    Client.objects.update(birth_date=date(2020, 1, 1))
    gone = Diagnosis.objects.create(
        practice=desk.practice, client=desk.client, code="F41.1", diagnosed_on=date(2018, 1, 1),
        ended_on=date(2018, 2, 1),
    )  # fmt: skip
    count = Service.objects.count()
    form = {
        "catalog_item": desk.item.id, "on": "2019-05-06", "clinician": desk.clinician.id, "units": "1",
        "insurer": "9000", "modifiers": "HOHJ", "place_of_service": "10", "diagnoses": gone.id, "times": times,
    }  # fmt: skip
    answer = desk.browser().post(url("service_new", desk.client.id), form)
    says = {
        "on": "That day is before the client was born.",
        "insurer": "The insurer&#x27;s part is between zero and the fee.",
        "modifiers": "A modifier has two letters or digits",
        "place_of_service": "Place of service 10 (By video or phone, client at home) holds from Jan 1, 2022 on.",
        "diagnoses": "A diagnosis counts from its own date on",
    }
    assert answer.status_code == 422
    said = read_errors(answer.content.decode(), says)
    assert {name: words for name, words in says.items() if not said[name].startswith(words)} == {}
    assert Service.objects.count() == count


def test_a_number_as_long_as_a_cards_is_refused_together_with_the_missing_amount(desk: Desk) -> None:
    form = {
        "kind": "payment",
        "amount": "",
        "method": "check",
        "on": "2026-11-23",
        "reference": "4242 4242 4242 4242",
    }
    answer = desk.browser().post(url("payment_new", desk.client.id), form)
    said = read_errors(answer.content.decode(), ("amount", "reference"))
    assert answer.status_code == 422
    assert said["amount"] == "Enter an amount, like 120.00."
    assert said["reference"].endswith("enter a card number. Its last four digits are enough.")


def test_no_form_of_the_desk_answers_in_the_frameworks_words(desk: Desk) -> None:
    browser = desk.browser()
    pages = [
        url("settings_practice"), url("staff_new"), url("catalog_item_new"), url("clinician_new"),
        *(url(name, desk.client.id) for name in (
            "client_edit", "person_new", "service_new", "service_fee", "diagnosis_new", "coverage_new",
            "payment_new", "adjust", "plan_new", "estimate_new",
        )),
    ]  # fmt: skip
    for page in pages:
        for form in ({"x": ""}, {"count_1": "5000", "rank": "50", "units": "0", "base_url": "a" * 400}):
            html = browser.post(page, form).content.decode()
            assert "This field is required" not in html, page
            assert "Ensure this value" not in html, page
    long = browser.post(url("processor_connect", "test_inline"), {"account": "a" * 400}).content.decode()
    assert "Ensure this value" not in long
    assert "Use at most 300 characters." in long


def test_a_states_name_is_kept_as_its_two_letters_and_not_cut_to_the_first_two(desk: Desk) -> None:
    browser = desk.browser()
    page = browser.get(url("client_edit", desk.client.id)).content.decode()
    assert 'maxlength="2"' not in page
    form = {"legal_first_name": "Ana", "legal_last_name": "Duarte", "state": "Missouri"}
    away = {"private_street": "PO Box 7", "private_city": "Nome", "private_state": "alaska"}
    form |= away | {"private_postal_code": "99762"}
    assert browser.post(url("client_edit", desk.client.id), form).status_code == 302
    row = Client.objects.get(pk=desk.client.pk)
    assert (row.state, row.private_state) == ("MO", "AK")
    wrong = browser.post(url("client_edit", desk.client.id), form | {"state": "Missuri"})
    assert wrong.status_code == 422
    assert 'value="Missuri"' in wrong.content.decode()
    assert read_errors(wrong.content.decode(), ["state"]) == {"state": "Write the state as two letters, like CO."}
    assert Client.objects.get(pk=desk.client.pk).state == "MO"
