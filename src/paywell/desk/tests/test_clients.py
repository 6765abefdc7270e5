"""Clients, the people with access, and shares."""

from __future__ import annotations

import re
from datetime import date
from typing import Any

from django.urls import reverse

from paywell.accounts.models import Invitation
from paywell.care.actions import record_service
from paywell.clients.actions import create_client
from paywell.clients.models import BillingAccount, Client, Contact, Grant, StandingShare
from paywell.core.ids import new_id
from paywell.desk.tests.factories import DAY, Desk
from paywell.invoicing.actions import issue_invoice
from paywell.invoicing.models import InvoiceLine
from paywell.outbox.models import OutboxEvent


def url(name: str, *ids: Any) -> str:
    return reverse(f"desk:{name}", args=ids)


def test_a_new_client_is_on_file_with_an_account_and_an_invitation(desk: Desk) -> None:
    form = {
        "legal_first_name": "Noor",
        "legal_last_name": "Haddad",
        "email": "noor@example.org",
        "clinician": desk.clinician.id,
        "invite": "on",
    }
    answer = desk.browser().post(url("client_new"), form)
    client = Client.objects.get(legal_last_name="Haddad")
    assert answer["Location"] == url("client", client.id)
    assert client.default_account.name == "Noor Haddad"
    grant = Grant.objects.get(client=client)
    assert (grant.role, grant.contact.email, grant.may_see_diagnosis) == ("self", "noor@example.org", True)
    assert grant.contact.invitation is not None
    assert OutboxEvent.objects.filter(kind="accounts.invitation_created").count() == 2


def test_a_client_without_a_name_is_not_made(desk: Desk) -> None:
    answer = desk.browser().post(url("client_new"), {"legal_first_name": "Noor", "phone": "12"})
    assert answer.status_code == 422
    assert Client.objects.count() == 1


def test_a_kept_phone_number_stands_in_its_field_as_screens_show_it_and_is_kept_as_it_was(desk: Desk) -> None:
    Client.objects.filter(pk=desk.client.id).update(phone="+13035550121")
    browser, address = desk.browser(), url("client_edit", desk.client.id)
    assert 'value="(303) 555-0121"' in browser.get(address).content.decode()
    form = {"legal_first_name": "Ana", "legal_last_name": "Duarte", "phone": "(303) 555-0121"}
    assert browser.post(address, form).status_code == 302
    assert Client.objects.get(pk=desk.client.id).phone == "+13035550121"
    refused = browser.post(address, form | {"phone": "0121"})
    assert (refused.status_code, 'value="0121"' in refused.content.decode()) == (422, True)


def test_the_list_is_searched_and_narrowed(desk: Desk) -> None:
    browser = desk.browser()
    assert "Ana Duarte" in browser.get(url("clients"), {"q": "duar an"}).content.decode()
    assert "No client fits" in browser.get(url("clients"), {"q": "zzz"}).content.decode()
    assert "$210.00" in browser.get(url("clients"), {"show": "owing"}).content.decode()
    assert "No client fits" in browser.get(url("clients"), {"show": "not_invited"}).content.decode()
    found = browser.get(url("search"), {"q": "INV-0002"}).content.decode()
    assert url("invoice", desk.unpaid.id) in found


def test_a_person_known_by_e_mail_is_given_access_not_made_twice(desk: Desk) -> None:
    from paywell.clients.tests.factories import make_client

    child = make_client(desk.practice)
    form = {
        "name": "Ana D.",
        "email": "ANA@example.org",
        "role": "guardian",
        "account": child.default_account_id,
        "may_pay": "on",
        "valid_from": "2026-11-23",
    }
    assert desk.browser().post(url("person_new", child.id), form).status_code == 302
    assert Contact.objects.count() == 1
    grant = Grant.objects.get(client=child)
    assert (grant.contact, grant.role, grant.may_see_documents) == (desk.contact, "guardian", False)


def test_a_right_to_the_diagnosis_needs_documents(desk: Desk) -> None:
    form = {
        "name": "Rui",
        "role": "payer",
        "account": desk.client.default_account_id,
        "may_see_diagnosis": "on",
        "valid_from": "2026-11-23",
    }
    answer = desk.browser().post(url("person_new", desk.client.id), form)
    assert "needs the right to see documents" in answer.content.decode()
    assert Contact.objects.count() == 1


def test_another_practices_account_can_not_be_granted(desk: Desk) -> None:
    from paywell.desk.tests.factories import make_desk

    there = make_desk()
    form = {"name": "Rui", "role": "payer", "account": there.client.default_account_id, "valid_from": "2026-11-23"}
    assert desk.browser().post(url("person_new", desk.client.id), form).status_code == 404
    assert Grant.objects.filter(practice=desk.practice).count() == 1


def test_changed_rights_keep_the_old_ones_on_file(desk: Desk) -> None:
    form = {"role": "payer", "account": desk.client.default_account_id, "may_pay": "on", "valid_from": "2026-11-23"}
    desk.browser().post(url("grant_change", desk.client.id, desk.grant.id), form)
    old, new = Grant.objects.order_by("created_at", "id")
    assert old.withdrawn_at is not None
    assert (new.role, new.may_see_documents, new.valid_from) == ("payer", False, date(2026, 11, 23))


def test_ending_access_asks_first(desk: Desk) -> None:
    browser = desk.browser()
    assert (
        "End the access of Ana Duarte"
        in browser.get(url("grant_end", desk.client.id, desk.grant.id)).content.decode()
    )
    assert Grant.objects.get().withdrawn_at is None
    browser.post(url("grant_end", desk.client.id, desk.grant.id), {"last_day": ""})
    assert Grant.objects.get().withdrawn_at is not None


def test_an_invitation_is_withdrawn_and_sent_again(desk: Desk) -> None:
    browser = desk.browser()
    browser.post(url("invitation_withdraw", desk.client.id, desk.contact.id))
    desk.invitation.refresh_from_db()
    assert desk.invitation.withdrawn_at is not None
    assert "Not invited" in browser.get(url("client_people", desk.client.id)).content.decode()
    browser.post(url("invite", desk.client.id, desk.contact.id))
    assert Invitation.objects.filter(withdrawn_at=None).count() == 1


def test_shares_must_come_to_a_hundred_percent(desk: Desk) -> None:
    other = BillingAccount.objects.create(
        practice=desk.practice, name="Rui Duarte", created_at=desk.client.created_at
    )
    Grant.objects.create(
        practice=desk.practice, contact=desk.contact, client=desk.client, account=other, role="payer",
        valid_from=date(2026, 1, 1), created_at=desk.client.created_at,
    )  # fmt: skip
    mine, theirs = f"share_{desk.client.default_account_id.hex}", f"share_{other.id.hex}"
    browser = desk.browser()
    answer = browser.post(url("client_shares", desk.client.id), {mine: "60", theirs: "30"})
    assert "Change them so that they come to 100." in answer.content.decode()
    assert not StandingShare.objects.exists()
    browser.post(url("client_shares", desk.client.id), {mine: "66.67", theirs: "33.33"})
    assert sorted(StandingShare.objects.values_list("basis_points", flat=True)) == [3_333, 6_667]
    for_no_shows = url("client_shares", desk.client.id) + "?for=no_show"
    fixed = f"fixed_{other.id.hex}"
    assert browser.post(for_no_shows, {theirs: "50", fixed: "20"}).status_code == 422
    browser.post(for_no_shows, {fixed: "20"})
    rows = StandingShare.objects.filter(applies_to="no_show").values_list("account_id", "fixed_minor")
    assert list(rows) == [(other.id, 2_000)]
    page = browser.get(url("client_billing", desk.client.id)).content.decode()
    for text in ("All services", "66.67%", "No-show fee", "$20.00", "What is left"):
        assert text in page
    assert "of what is left" not in page
    browser.post(for_no_shows, {fixed: "20", mine: "100"})
    StandingShare.objects.filter(applies_to="").delete()
    others = browser.get(url("client_billing", desk.client.id)).content.decode().partition("All other services")[2]
    assert "In full" in others
    assert "100% of what is left" in browser.get(url("client_billing", desk.client.id)).content.decode()


def test_the_page_of_a_service_says_who_owes_how_much_before_and_after_it_is_invoiced(desk: Desk) -> None:
    """140 dollars in thirds: the odd cent is on one of the two, and the same one on the invoice."""
    other = BillingAccount.objects.create(
        practice=desk.practice, name="Rui Duarte", created_at=desk.client.created_at
    )
    mine = desk.client.default_account
    browser, address = desk.browser(), url("service", desk.waiting.id)
    assert "Shared out" not in browser.get(address).content.decode()
    for account, points in ((mine, 3_333), (other, 6_667)):
        StandingShare.objects.create(
            practice=desk.practice, client=desk.client, account=account, basis_points=points
        )
    shared = r"<li><span>([^<]+)<.*?<span class=\"money\">([^<]+)<"

    def read() -> dict[str, str]:
        page = browser.get(address).content.decode().split("Shared out</dt>")[1].split("</ul>")[0]
        return dict(re.findall(shared, page, re.S))

    planned = read()
    assert planned == {mine.name: "$46.66", "Rui Duarte": "$93.34"}
    for account in (mine, other):
        issue_invoice(practice=desk.practice, account=account, services=[desk.waiting], actor_id=None)
    assert read() == planned
    line = InvoiceLine.objects.get(service=desk.waiting, account=other)
    assert url("line_story", line.id) in browser.get(address).content.decode()


def test_a_client_is_archived_once_everything_is_settled_and_comes_back(desk: Desk) -> None:
    browser, here = desk.browser(), url("client_archive", desk.client.id)
    refused = browser.post(here, follow=True).content.decode()
    assert "Something is still owed, not invoiced or to come" in refused
    desk.client.refresh_from_db()
    assert desk.client.archived_at is None
    done = create_client(practice=desk.practice, legal_first_name="Noor", legal_last_name="Hill", actor_id=None)
    there = url("client_archive", done.id)
    assert "off the list, with everything kept" in browser.post(there, follow=True).content.decode()
    assert "Noor Hill" not in browser.get(url("clients")).content.decode()
    assert "Noor Hill" in browser.get(url("clients"), {"show": "archived"}).content.decode()
    assert "Bring back to the list" in browser.get(url("client", done.id)).content.decode()
    browser.post(there, {"archived": "no"})
    assert "Noor Hill" in browser.get(url("clients")).content.decode()


def test_a_client_whose_credit_is_held_is_not_archived_unless_another_shares_the_account(desk: Desk) -> None:
    leaving = create_client(practice=desk.practice, legal_first_name="Noor", legal_last_name="Hill", actor_id=None)
    browser = desk.browser()
    paid = {"entry_id": new_id(), "amount": "5.00", "method": "cash", "on": DAY.isoformat()}
    browser.post(url("payment_new", leaving.id), paid)
    refused = browser.post(url("client_archive", leaving.id), follow=True).content.decode()
    assert "$5.00 of credit is still held for this client. Give it back or apply it first." in refused
    leaving.refresh_from_db()
    assert leaving.archived_at is None
    create_client(
        practice=desk.practice, legal_first_name="Ira", legal_last_name="Hill",
        default_account=leaving.default_account, actor_id=None,
    )  # fmt: skip
    browser.post(url("client_archive", leaving.id))
    leaving.refresh_from_db()
    assert leaving.archived_at is not None


def test_a_client_with_a_session_to_come_is_not_archived(desk: Desk) -> None:
    coming = create_client(practice=desk.practice, legal_first_name="Noor", legal_last_name="Hill", actor_id=None)
    record_service(
        practice=desk.practice, client=coming, clinician=desk.clinician, on=date(2026, 12, 1), actor_id=None,
        catalog_item=desk.item,
    )  # fmt: skip
    desk.browser().post(url("client_archive", coming.id))
    coming.refresh_from_db()
    assert coming.archived_at is None
