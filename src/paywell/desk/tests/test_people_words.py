"""What the desk says after a change of who has access is true of that very change."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from django.urls import reverse

from paywell.accounts.tests.factories import make_user
from paywell.clients.models import Client, Contact, Grant, StandingShare
from paywell.clients.tests.factories import make_contact, make_grant
from paywell.desk.tests.factories import Desk


def url(name: str, *ids: Any) -> str:
    return reverse(f"desk:{name}", args=ids)


def person(desk: Desk, **others: Any) -> dict[str, Any]:
    return {
        "name": "Sam Ruiz", "email": "sam@example.org", "role": "payer", "account": desk.client.default_account_id,
        "valid_from": "2026-11-23", "may_pay": "on", **others,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("first", "words"),
    [("2026-11-23", "Sam Ruiz has access now."), ("2026-12-01", "Sam Ruiz has access from Dec 1, 2026 on.")],
)
def test_access_that_is_to_come_is_told_with_its_day(desk: Desk, first: str, words: str) -> None:
    html = desk.browser().post(url("person_new", desk.client.id), person(desk, valid_from=first), follow=True)
    text = html.content.decode()
    assert words in text
    assert "An invitation is on its way" not in text


def test_an_invitation_that_goes_out_is_told_and_one_that_is_not_needed_is_not(desk: Desk) -> None:
    page = desk.browser().post(url("person_new", desk.client.id), person(desk, invite="on"), follow=True)
    assert "An invitation is on its way to sam@example.org." in page.content.decode()
    user = make_user(email="eve@example.org")
    make_contact(desk.practice, name="Eve", email="eve@example.org", user=user)
    said = person(desk, email="eve@example.org", invite="on")
    text = desk.browser().post(url("person_new", desk.client.id), said, follow=True).content.decode()
    assert "Eve has access now." in text
    assert "An invitation is on its way" not in text


@pytest.mark.parametrize(
    ("signs_in", "words"),
    [
        (False, "An invitation is on its way to zoe@example.org."),
        (True, "zoe@example.org signs in already and sees this client now too."),
    ],
)
def test_a_new_clients_invitation_is_told(desk: Desk, signs_in: bool, words: str) -> None:
    if signs_in:
        make_contact(desk.practice, email="zoe@example.org", user=make_user(email="zoe@example.org"))
    form = {"legal_first_name": "Zoe", "legal_last_name": "Neil", "email": "zoe@example.org", "invite": "on"}
    text = desk.browser().post(url("client_new"), form, follow=True).content.decode()
    assert "Zoe Neil is on file." in text
    assert words in text
    assert Client.objects.get(legal_first_name="Zoe").grants.count() == 1


@pytest.mark.parametrize(
    ("last", "words"),
    [("", "The access of Pat Low is ended."), ("2026-12-31", "The access of Pat Low ends after Dec 31, 2026.")],
)
def test_access_that_still_lasts_is_not_said_to_be_ended(desk: Desk, last: str, words: str) -> None:
    grant = make_grant(make_contact(desk.practice, name="Pat Low"), desk.client)
    page = desk.browser().post(url("grant_end", desk.client.id, grant.id), {"last_day": last}, follow=True)
    assert words in page.content.decode()
    grant = Grant.objects.get(pk=grant.pk)
    assert (grant.withdrawn_at is None, grant.valid_until) == (bool(last), date(2026, 12, 31) if last else None)


def test_another_e_mail_says_that_the_open_invitation_is_void(desk: Desk) -> None:
    desk.browser().post(url("person_new", desk.client.id), person(desk, invite="on"))
    contact = Contact.objects.get(name="Sam Ruiz")
    words = "The invitation to the earlier address no longer works. Send a new one."
    address = url("contact_edit", desk.client.id, contact.id)
    same = desk.browser().post(address, {"name": "Sam Ruiz", "email": "sam@example.org", "phone": ""}, follow=True)
    assert words not in same.content.decode()
    other = desk.browser().post(address, {"name": "Sam Ruiz", "email": "s@example.org", "phone": ""}, follow=True)
    assert words in other.content.decode()


def test_shares_that_do_not_add_up_are_told_with_their_sum_and_a_double_one_at_its_account(desk: Desk) -> None:
    account = desk.client.default_account_id.hex
    address = url("client_shares", desk.client.id)
    short = desk.browser().post(address, {f"share_{account}": "66.5"})
    assert short.status_code == 422
    assert "The percentages come to 66.50. Change them so that they come to 100." in short.content.decode()
    double = desk.browser().post(address, {f"share_{account}": "100", f"fixed_{account}": "20"}).content.decode()
    assert f'id="id_fixed_{account}_error"' in double
    assert "Enter a percentage or a fixed amount, and leave the other empty." in double
    wrong = desk.browser().post(address, {f"share_{account}": "10000"}).content.decode()
    assert wrong.count("Enter a percentage up to 100, like 50 or 33.33.") == 2  # above the form, and at the field
    assert not StandingShare.objects.exists()
