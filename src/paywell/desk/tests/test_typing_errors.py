"""What a tired person types twice or wrongly: the desk asks before it writes it down."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from django.urls import reverse

from paywell.accounts.access import access_desk
from paywell.accounts.models import Role
from paywell.accounts.types import Permission
from paywell.billing.invoice_runs import reissue_invoice
from paywell.billing.models import Entry
from paywell.care.models import Service
from paywell.clients.models import Client, StandingShare
from paywell.clients.queries import list_namesakes
from paywell.core.ids import new_id
from paywell.desk.tests.factories import Desk
from paywell.invoicing.actions import void_invoice
from paywell.payments.models import PayLink
from paywell.practice.models import Location


def url(name: str, *ids: Any) -> str:
    return reverse(f"desk:{name}", args=ids)


def service_form(desk: Desk, **others: Any) -> dict[str, Any]:
    return {"catalog_item": desk.item.id, "on": "2026-11-20", "clinician": desk.clinician.id, "units": 1, **others}


def test_a_client_of_the_same_legal_name_is_added_only_where_staff_say_it_is_another_person(desk: Desk) -> None:
    form = {"legal_first_name": desk.client.legal_first_name.upper(), "legal_last_name": "Duarte"}
    asked = desk.browser().post(url("client_new"), form)
    text = asked.content.decode()
    assert asked.status_code == 422
    assert "Somebody of this name is on file already" in text
    assert url("client", desk.client.id) in text
    assert Client.objects.count() == 1
    desk.browser().post(url("client_new"), form | {"is_another": "on"})
    assert Client.objects.count() == 2


def test_a_namesake_born_on_another_day_is_another_person(desk: Desk) -> None:
    Client.objects.update(birth_date=date(1990, 1, 1))
    form = {"legal_first_name": "Ana", "legal_last_name": "Duarte", "birth_date": "1991-01-01"}
    assert desk.browser().post(url("client_new"), form).status_code == 302
    assert Client.objects.count() == 2


def test_a_clinician_does_not_hear_of_a_namesake_among_others_clients(desk: Desk) -> None:
    Client.objects.update(clinician=None)
    said: dict[str, Any] = {"first": "Ana", "last": "Duarte", "birth_date": None}
    for role, count in ((Role.OWNER, 1), (Role.CLINICIAN, 0)):
        desk.browser(role)
        viewer = access_desk(desk.members[role].user, desk.practice.slug, Permission.SEE_CLIENTS)
        assert len(list_namesakes(viewer=viewer, **said)) == count


def test_the_page_of_a_new_client_asks_nothing_before_there_is_a_namesake(desk: Desk) -> None:
    assert "is_another" not in desk.browser().get(url("client_new")).content.decode()


def test_pressing_twice_records_a_service_once_and_asks(desk: Desk) -> None:
    browser, here = desk.browser(), url("service_new", desk.client.id)
    assert "is_second" not in browser.get(here).content.decode()
    assert browser.post(here, service_form(desk)).status_code == 302
    asked = browser.post(here, service_form(desk))
    assert asked.status_code == 422
    assert "This service is recorded for that day already" in asked.content.decode()
    assert Service.objects.filter(on=date(2026, 11, 20)).count() == 1
    browser.post(here, service_form(desk, is_second="on"))
    assert Service.objects.filter(on=date(2026, 11, 20)).count() == 2


@pytest.mark.parametrize("name", ["service_new", "service_fee"])
def test_a_day_more_than_ten_years_ago_is_a_mistyped_year(desk: Desk, name: str) -> None:
    before = Service.objects.count()
    answer = desk.browser().post(url(name, desk.client.id), service_form(desk, on="1900-01-01"))
    assert answer.status_code == 422
    assert "Check the year" in answer.content.decode()
    assert Service.objects.count() == before


def test_a_place_is_offered_by_its_name(desk: Desk) -> None:
    Location.objects.create(practice=desk.practice, name="The house by the mill")
    text = desk.browser().get(url("service_new", desk.client.id)).content.decode()
    assert ">The house by the mill</option>" in text
    assert "Location object" not in text


def test_a_share_that_is_no_percentage_is_told_in_words(desk: Desk) -> None:
    field = f"share_{desk.client.default_account_id.hex}"
    for typed in ("half", "-5", "105", "33.333", "99999999"):
        text = desk.browser().post(url("client_shares", desk.client.id), {field: typed}).content.decode()
        assert text.count("Enter a percentage up to 100, like 50 or 33.33.") >= 1, typed
        assert "Ensure" not in text
    assert StandingShare.objects.count() == 0


def test_a_void_invoice_names_what_replaces_it_and_is_not_issued_again(desk: Desk) -> None:
    void_invoice(invoice=desk.unpaid, reason="Wrong day", actor_id=None)
    assert "Issue it again" in desk.browser().get(url("invoice", desk.unpaid.id)).content.decode()
    desk.unpaid.refresh_from_db()
    made = reissue_invoice(invoice=desk.unpaid, actor_id=None)
    text = desk.browser().get(url("invoice", desk.unpaid.id)).content.decode()
    assert "Replaced by" in text
    assert url("invoice", made.id) in text
    assert "Issue it again" not in text


def test_an_invoice_that_is_partly_paid_says_why_it_can_not_be_voided(desk: Desk) -> None:
    words = "can be voided once what was paid or adjusted on it is taken back"
    assert words in desk.browser().get(url("invoice", desk.invoice.id)).content.decode()
    assert words not in desk.browser().get(url("invoice", desk.unpaid.id)).content.decode()


def test_from_an_invoice_a_payment_is_recorded_for_its_account(desk: Desk) -> None:
    there = f"{url('payment_new', desk.client.id)}?account={desk.unpaid.account_id}"
    assert there in desk.browser().get(url("invoice", desk.unpaid.id)).content.decode()
    assert there not in desk.browser(Role.READ_ONLY).get(url("invoice", desk.unpaid.id)).content.decode()


def test_a_link_that_was_made_for_a_notice_does_not_say_that_the_payer_asked(desk: Desk) -> None:
    PayLink.objects.update(made_by=None)
    text = desk.browser().get(url("pay_links")).content.decode()
    assert "for an e-mail to the payer" in text


def test_a_payment_dated_in_another_decade_is_not_entered(desk: Desk) -> None:
    before = Entry.objects.count()
    said = {"entry_id": new_id(), "amount": "10.00", "method": "cash", "on": "1999-05-01"}
    answer = desk.browser().post(url("payment_new", desk.client.id), said)
    assert "Check the year" in answer.content.decode()
    assert Entry.objects.count() == before


def test_what_is_no_e_mail_address_is_told_in_our_words_and_nothing_is_written(desk: Desk) -> None:
    said = {"legal_first_name": "Noor", "legal_last_name": "Haddad", "email": "noor@"}
    answer = desk.browser().post(url("client_new"), said)
    text = answer.content.decode()
    assert answer.status_code == 422
    assert "Enter an e-mail address, like name@example.org." in text
    assert "valid email" not in text
    assert 'value="noor@"' in text
    assert Client.objects.count() == 1
