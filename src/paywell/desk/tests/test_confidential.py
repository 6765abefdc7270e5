"""What a client asked for: mail to another address, and no e-mail. And the cards that people keep."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from django.urls import reverse

from paywell.accounts.models import Invitation
from paywell.clients.actions import change_client
from paywell.clients.models import Client, Contact
from paywell.clients.tests.factories import make_client, make_contact, make_grant
from paywell.core import clock
from paywell.core.errors import UserError
from paywell.desk.tests.factories import Desk, add_service
from paywell.documents.access import access_superbill
from paywell.documents.statements import issue_statement
from paywell.invoicing.actions import issue_invoice
from paywell.payments.models import CardConsent, SavedCard

HOME = {"street": "9 Home Road", "city": "Golden", "state": "CO", "postal_code": "80401"}
AWAY = {
    "private_street": "PO Box 7", "private_city": "Denver", "private_state": "CO", "private_postal_code": "80202",
}  # fmt: skip


def ask_for_other_address(client: Client) -> None:
    type(client.default_account).objects.filter(pk=client.default_account_id).update(**HOME)
    change_client(client=client, actor_id=None, **HOME, **AWAY)
    client.refresh_from_db()
    client.default_account.refresh_from_db()


def addressee(desk: Desk) -> dict[str, Any]:
    service = add_service(desk.client, desk.clinician, desk.item, date(2026, 11, 9))
    invoice = issue_invoice(
        practice=desk.practice, account=desk.client.default_account, services=[service], actor_id=None
    )
    return dict(invoice.frozen["addressee"])


def test_the_form_keeps_both_addresses_and_the_wish_for_no_e_mail(desk: Desk) -> None:
    browser, address = desk.browser(), reverse("desk:client_edit", args=[desk.client.id])
    form = {"legal_first_name": "Ana", "legal_last_name": "Duarte", **HOME, **AWAY, "wants_no_email": "on"}
    assert browser.post(address, form).status_code == 302
    row = Client.objects.get(pk=desk.client.pk)
    assert (row.street, row.private_street, row.wants_no_email) == ("9 Home Road", "PO Box 7", True)
    page = browser.get(reverse("desk:client", args=[row.id])).content.decode()
    assert "Send mail here only:" in page
    assert "None, by the client" in page


def test_an_invoice_goes_to_the_confidential_address_and_the_old_one_is_nowhere_on_it(desk: Desk) -> None:
    ask_for_other_address(desk.client)
    found = addressee(desk)
    assert (found["street"], found["city"], found["postal_code"]) == ("PO Box 7", "Denver", "80202")
    assert "9 Home Road" not in str(found)


def test_an_account_that_others_share_keeps_its_address(desk: Desk) -> None:
    make_client(desk.practice, legal_first_name="Rui", default_account=desk.client.default_account)
    ask_for_other_address(desk.client)
    assert addressee(desk)["street"] == "9 Home Road"


def test_statements_and_superbills_go_there_too(desk: Desk) -> None:
    ask_for_other_address(desk.client)
    issued = issue_statement(
        practice=desk.practice, account=desk.client.default_account, date_from=date(2026, 11, 1),
        date_to=date(2026, 11, 20), actor_id=None,
    )  # fmt: skip
    assert "PO Box 7" in str(issued.data)
    assert "9 Home Road" not in str(issued.data)
    from paywell.accounts.access import access_desk
    from paywell.accounts.models import Role
    from paywell.accounts.types import Permission

    viewer = access_desk(desk.members[Role.OWNER].user, desk.practice.slug, Permission.SEE_DIAGNOSES)
    desk.service.pointers.create(practice=desk.practice, diagnosis=desk.diagnosis, position=1)
    Client.objects.filter(pk=desk.client.pk).update(birth_date=date(1991, 3, 9))
    superbill = access_superbill(viewer, desk.service.id)
    assert superbill.client_address == ("PO Box 7", "Denver, CO 80202")


def test_the_cards_of_who_may_pay_are_seen_without_anything_that_could_be_used(desk: Desk) -> None:
    card = SavedCard.objects.create(
        practice=desk.practice, processor_account=desk.processor_account, contact=desk.contact, token="tok_secret",
        customer_ref="cus_secret", brand="visa", last4="4242", exp_month=10, exp_year=2026, created_at=clock.now(),
    )  # fmt: skip
    CardConsent.objects.create(
        practice=desk.practice, card=card, wording_version="1", at=clock.now(), brand="visa", last4="4242"
    )
    browser, address = desk.browser(), reverse("desk:client_cards", args=[desk.client.id])
    page = browser.get(address).content.decode()
    for text in ("Visa 4242", "Ana Duarte", "10/26", "Expired", "Test processor, one screen", "Nov 23, 2026"):
        assert text in page
    assert "secret" not in page
    type(desk.grant).objects.filter(pk=desk.grant.pk).update(may_pay=False)
    assert "Nobody who may pay" in browser.get(address).content.decode()


@pytest.mark.parametrize(("show", "names"), [("invited", ["Ana"]), ("active", ["Bea"]), ("not_invited", ["Cleo"])])
def test_the_list_is_narrowed_by_the_portal(desk: Desk, show: str, names: list[str]) -> None:
    from paywell.clients.tests.factories import make_grant, make_portal_user

    user, person = make_portal_user(desk.practice)
    Client.objects.exclude(pk=desk.client.pk).update(archived_at=clock.now())
    bea = make_client(desk.practice, legal_first_name="Bea")
    make_grant(user.contacts.get(), bea)
    make_client(desk.practice, legal_first_name="Cleo")
    page = desk.browser().get(reverse("desk:clients"), {"show": show}).context["page"]
    assert [row.client.legal_first_name for row in page.rows] == names


def test_a_client_who_wants_no_email_is_not_told_to_be_invited(desk: Desk) -> None:
    form = {
        "legal_first_name": "Zoe", "legal_last_name": "Neil", "email": "zoe@example.org", "wants_no_email": "on",
        "invite": "on",
    }  # fmt: skip
    before = (Client.objects.count(), Invitation.objects.count())
    answer = desk.browser().post(reverse("desk:client_new"), form)
    assert answer.status_code == 422
    assert "The client wants no e-mail, so no invitation can be sent." in answer.content.decode()
    assert (Client.objects.count(), Invitation.objects.count()) == before
    assert desk.browser().post(reverse("desk:client_new"), form | {"invite": ""}).status_code == 302
    assert Invitation.objects.count() == before[1]


def test_nobody_is_invited_about_a_client_who_wants_no_email_however_it_is_asked(desk: Desk) -> None:
    Client.objects.update(wants_no_email=True)
    contact = make_contact(desk.practice, email="pat@example.org")
    make_grant(contact, desk.client)
    browser, before = desk.browser(), Invitation.objects.count()
    page = browser.get(reverse("desk:client_people", args=[desk.client.id])).content.decode()
    assert "The client wants no e-mail, so no invitation can be sent." in page
    assert reverse("desk:invite", args=[desk.client.id, contact.id]) not in page
    said = browser.post(reverse("desk:invite", args=[desk.client.id, contact.id]), follow=True).content.decode()
    assert "no invitation can be sent" in said
    form = {
        "name": "Sam Ruiz", "email": "sam@example.org", "role": "payer", "account": desk.client.default_account_id,
        "valid_from": "2026-11-23", "invite": "on",
    }  # fmt: skip
    answer = browser.post(reverse("desk:person_new", args=[desk.client.id]), form)
    assert answer.status_code == 422
    assert 'id="id_invite_error"' in answer.content.decode()
    assert not Contact.objects.filter(name="Sam Ruiz").exists()
    assert Invitation.objects.count() == before
    assert browser.post(reverse("desk:person_new", args=[desk.client.id]), form | {"invite": ""}).status_code == 302
    assert Invitation.objects.count() == before


@pytest.mark.parametrize("left_out", list(AWAY))
def test_half_a_confidential_address_is_refused_with_what_else_is_wrong(desk: Desk, left_out: str) -> None:
    before = Client.objects.values().get(pk=desk.client.pk)
    form = {"legal_first_name": "", "legal_last_name": "Duarte", **AWAY, left_out: ""}
    answer = desk.browser().post(reverse("desk:client_edit", args=[desk.client.id]), form)
    html = answer.content.decode()
    assert answer.status_code == 422
    assert "Enter the whole confidential address, or leave all of it empty." in html
    assert f'id="id_{left_out}_error"' in html
    assert 'id="id_legal_first_name_error"' in html
    with pytest.raises(UserError) as refused:
        change_client(client=desk.client, actor_id=None, **AWAY | {left_out: ""})
    assert (refused.value.code, refused.value.field) == ("private_address_incomplete", left_out)
    assert Client.objects.values().get(pk=desk.client.pk) == before
