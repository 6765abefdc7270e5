"""Who owes: accounts that several clients share, what they are called, and how people with access are reached."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.urls import reverse

from paywell.accounts.actions import get_open_invitation
from paywell.accounts.models import Role
from paywell.accounts.tests.factories import make_user
from paywell.audit.models import AuditEvent
from paywell.care.actions import record_service
from paywell.clients.access import access_portal
from paywell.clients.actions import create_client, invite_contact
from paywell.clients.models import BillingAccount, Contact
from paywell.desk.tests.factories import Desk, make_desk
from paywell.invoicing.actions import issue_invoice
from paywell.invoicing.models import InvoiceLine
from paywell.payments.queries import list_payable


def url(name: str, *ids: Any) -> str:
    return reverse(f"desk:{name}", args=ids)


def test_a_brother_is_put_on_the_account_that_his_sister_has(desk: Desk) -> None:
    browser = desk.browser()
    brother = create_client(
        practice=desk.practice, legal_first_name="Luis", legal_last_name="Duarte", actor_id=None
    )
    own, shared = brother.default_account, desk.client.default_account
    there = url("client_account_choose", brother.id)
    assert there in browser.get(url("client_billing", brother.id)).content.decode()
    assert "Type a name" in browser.get(there).content.decode()
    assert [row.id for row in browser.get(there, {"q": "ana"}).context["accounts"]] == [shared.id]
    answer = browser.post(there, {"account": shared.id}, follow=True)
    assert "owes for new services from now on" in answer.content.decode()
    brother.refresh_from_db()
    assert brother.default_account_id == shared.id
    assert AuditEvent.objects.filter(action="clients.set_default_account", target_id=brother.id).count() == 1
    service = record_service(
        practice=desk.practice, client=brother, clinician=desk.clinician, on=date(2026, 11, 20), actor_id=None,
        catalog_item=desk.item,
    )  # fmt: skip
    invoice = issue_invoice(practice=desk.practice, account=shared, services=[service], actor_id=None)
    assert (invoice.account_id, invoice.total_minor) == (shared.id, 14_000)
    desk.contact.user = make_user()
    desk.contact.save()
    form = {"role": "guardian", "account": shared.id, "may_pay": "on", "valid_from": "2026-11-23"}
    said = form | {"name": "Ana", "email": desk.contact.email}
    assert browser.post(url("person_new", brother.id), said).status_code == 302
    paid_for = {row.line_id for row in list_payable(access_portal(desk.contact.user, None)).rows}
    assert InvoiceLine.objects.get(invoice=invoice).id in paid_for
    assert BillingAccount.objects.filter(pk=own.pk).exists()


def test_what_an_account_owed_before_another_became_the_default_stays_in_the_record(desk: Desk) -> None:
    browser, before = desk.browser(), desk.client.default_account
    desk.client.grants.all().update(account=before)
    browser.post(url("client_account_new", desk.client.id), {"name": "The agency"})
    agency = BillingAccount.objects.get(name="The agency")
    browser.post(url("client_account_choose", desk.client.id), {"account": agency.id})
    desk.client.grants.all().update(account=agency)
    page = browser.get(url("client_ledger", desk.client.id), {"account": before.id})
    assert page.status_code == 200
    assert {account.id for account in page.context["accounts"]} == {before.id, agency.id}


def test_an_account_of_another_practice_is_not_chosen_nor_changed(desk: Desk) -> None:
    other = make_desk(name="Elsewhere")
    foreign = other.client.default_account
    for address, said in (
        (url("client_account_choose", desk.client.id), {"account": foreign.id}),
        (url("client_account_choose", desk.client.id), {"account": "x"}),
        (url("client_account_edit", desk.client.id, foreign.id), {"name": "Mine"}),
    ):
        assert desk.browser().post(address, said).status_code == 404
    desk.client.refresh_from_db()
    foreign.refresh_from_db()
    assert desk.client.default_account.practice_id == desk.practice.id
    assert foreign.name != "Mine"


def test_the_name_and_address_of_an_account_are_changed_for_what_comes(desk: Desk) -> None:
    browser, account = desk.browser(), desk.client.default_account
    here = url("client_account_edit", desk.client.id, account.id)
    assert here in browser.get(url("client_billing", desk.client.id)).content.decode()
    assert browser.post(here, {"name": " "}).status_code == 422
    said = {
        "name": "Ana M. Duarte", "street": "9 Mill Road", "city": "Golden", "state": "CO", "postal_code": "80401"
    }  # fmt: skip
    assert browser.post(here, said).status_code == 302
    account.refresh_from_db()
    assert (account.name, account.street, account.city) == ("Ana M. Duarte", "9 Mill Road", "Golden")
    event = AuditEvent.objects.get(action="clients.change_billing_account")
    assert "Mill Road" not in str(event.detail)


def test_a_mistyped_e_mail_is_put_right_and_its_invitation_opens_nothing_any_more(desk: Desk) -> None:
    contact = Contact.objects.get(pk=desk.contact.pk)
    contact.user = None
    contact.save()
    _, token = invite_contact(contact=contact, invited_by=None)
    browser, here = desk.browser(), url("contact_edit", desk.client.id, contact.id)
    assert here in browser.get(url("client_people", desk.client.id)).content.decode()
    browser.post(here, {"name": "Ana D.", "email": contact.email, "phone": ""})
    assert get_open_invitation(token) is not None
    assert browser.post(here, {"name": "Ana D.", "email": "not an address"}).status_code == 422
    assert get_open_invitation(token) is not None
    browser.post(here, {"name": "Ana D.", "email": "ana.right@example.org", "phone": ""})
    contact.refresh_from_db()
    assert (contact.name, contact.email) == ("Ana D.", "ana.right@example.org")
    assert get_open_invitation(token) is None


def test_a_person_without_a_grant_for_the_client_is_not_changed_from_its_record(desk: Desk) -> None:
    desk.client.grants.all().delete()
    assert desk.browser().get(url("contact_edit", desk.client.id, desk.contact.id)).status_code == 404


def test_an_account_that_was_made_and_left_is_found_again_where_it_was_made(desk: Desk) -> None:
    """Whoever left before giving somebody access would make it a second time."""
    browser, page = desk.browser(), url("client_billing", desk.client.id)
    assert "nobody has access to it yet" not in browser.get(page).content.decode()
    browser.post(url("client_account_new", desk.client.id), {"name": "Duarte Trust"})
    made = BillingAccount.objects.get(name="Duarte Trust")
    there = f"{url('person_new', desk.client.id)}?account={made.id}"
    assert there in browser.get(page).content.decode()
    assert there not in make_desk().browser().get(page).content.decode()
    assert there not in desk.browser(Role.READ_ONLY).get(page).content.decode()
    form = {"name": "Rui Duarte", "role": "payer", "account": made.id, "valid_from": "2026-11-23"}
    assert browser.post(there, form).status_code == 302
    text = browser.get(page).content.decode()
    assert there not in text
    assert "Duarte Trust" in text
    assert url("client_shares", desk.client.id) in text


def test_an_invitation_without_an_address_says_both_ways_out(desk: Desk) -> None:
    """The invitation is ticked from the start, also for a payer who has no e-mail."""
    form = {"name": "Rui", "role": "payer", "account": desk.client.default_account_id, "valid_from": "2026-11-23"}
    browser, page = desk.browser(), url("person_new", desk.client.id)
    refused = browser.post(page, form | {"invite": "on"})
    assert refused.status_code == 422
    assert "Enter one, or untick the invitation." in refused.content.decode()
    assert not Contact.objects.filter(name="Rui").exists()
    assert browser.post(page, form).status_code == 302
