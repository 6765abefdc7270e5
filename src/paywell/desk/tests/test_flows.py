"""From a recorded service to what the client can pay; switches, refunds, people, settings."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from django.urls import reverse

from paywell.accounts.models import Invitation, Role, StaffMember
from paywell.accounts.tests.factories import make_user
from paywell.care.models import CatalogItem, Service
from paywell.clients.access import access_portal
from paywell.clients.actions import set_standing_shares
from paywell.clients.models import BillingAccount, Client, Contact, Grant, StandingShare
from paywell.desk.tests.factories import Desk, add_payment
from paywell.invoicing.models import Invoice
from paywell.outbox.models import OutboxEvent
from paywell.payments.models import AttemptState, ProcessorAccount, Refund, Review
from paywell.payments.queries import list_payable
from paywell.practice.models import Clinician, Practice


def url(name: str, *ids: Any) -> str:
    return reverse(f"desk:{name}", args=ids)


def sign_in_ana(desk: Desk) -> Any:
    desk.contact.user = make_user()
    desk.contact.save()
    return access_portal(desk.contact.user, None)


# The main road


def test_a_recorded_and_invoiced_service_is_payable_by_the_client(desk: Desk) -> None:
    browser = desk.browser(Role.BILLER)
    form = {
        "catalog_item": desk.item.id, "on": "2026-11-20", "clinician": desk.clinician.id, "units": "2",
        "fee": "", "insurer": "30.00", "modifiers": "95", "diagnoses": [desk.diagnosis.id],
    }  # fmt: skip
    answer = browser.post(url("service_new", desk.client.id), form)
    service = Service.objects.get(on=date(2026, 11, 20))
    assert answer["Location"] == f"{url('invoice_new', desk.client.id)}?service={service.id}"
    assert (service.fee_minor, service.insurer_minor, service.modifiers) == (28_000, 3_000, "95")
    assert service.pointers.get().diagnosis_id == desk.diagnosis.id
    preview = browser.post(url("invoice_new", desk.client.id), {"service": [service.id]})
    assert "$250.00" in preview.content.decode()
    assert Invoice.objects.filter(practice=desk.practice).count() == 2
    answer = browser.post(url("invoice_new", desk.client.id), {"service": [service.id], "step": "issue"})
    invoice = Invoice.objects.order_by("-number")[0]
    assert answer["Location"] == url("invoice", invoice.id)
    rows = list_payable(sign_in_ana(desk)).rows
    assert (rows[0].service_id, rows[0].balance.minor, rows[0].invoice_label) == (service.id, 25_000, "INV-0003")


def test_a_fee_may_be_typed_over_the_catalogues(desk: Desk) -> None:
    form = {
        "catalog_item": desk.item.id,
        "on": "2026-11-20",
        "clinician": desk.clinician.id,
        "units": "1",
        "fee": "99.50",
    }
    desk.browser().post(url("service_new", desk.client.id), form | {"another": "yes"})
    assert Service.objects.get(on=date(2026, 11, 20)).fee_minor == 9_950


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"fee": "12.345"}, "at most 2 decimals"),
        ({"fee": "NaN"}, "Enter an amount"),
        ({"insurer": "999.00"}, "between zero and the fee"),
        ({"units": "0"}, "greater than or equal to 1"),
        ({"on": "yesterday"}, "Enter a date"),
        ({"catalog_item": ""}, "Choose what was done"),
        ({"modifiers": "A B"}, "two letters or digits"),
    ],
)
def test_a_wrong_service_is_sent_back_with_words_at_the_field(
    desk: Desk, changed: dict[str, str], words: str
) -> None:
    form = {
        "catalog_item": desk.item.id,
        "on": "2026-11-20",
        "clinician": desk.clinician.id,
        "units": "1",
    } | changed
    answer = desk.browser().post(url("service_new", desk.client.id), form)
    text = answer.content.decode()
    assert answer.status_code == 422
    assert words in text
    assert 'id="errors"' in text
    assert f'id="id_{next(iter(changed))}_error"' in text
    assert not Service.objects.filter(on=date(2026, 11, 20)).exists()


def test_a_clinician_of_another_practice_can_not_be_chosen(desk: Desk) -> None:
    from paywell.invoicing.tests.factories import make_clinician, make_practice

    stranger = make_clinician(make_practice())
    form = {"catalog_item": desk.item.id, "on": "2026-11-20", "clinician": stranger.id, "units": "1"}
    assert desk.browser().post(url("service_new", desk.client.id), form).status_code == 422


def test_nothing_chosen_is_no_invoice(desk: Desk) -> None:
    answer = desk.browser().post(url("invoice_new", desk.client.id), {"step": "issue"})
    assert answer.status_code == 422
    assert "Choose at least one service" in answer.content.decode()
    assert Invoice.objects.count() == 2


def test_an_invoiced_service_can_not_be_invoiced_again_by_a_forged_form(desk: Desk) -> None:
    body = {"service": [desk.service.id], "step": "issue"}
    assert desk.browser().post(url("invoice_new", desk.client.id), body).status_code == 422
    assert Invoice.objects.count() == 2


def test_shared_services_give_an_invoice_for_each_account(desk: Desk) -> None:
    other = BillingAccount.objects.create(
        practice=desk.practice, name="Rui Duarte", created_at=desk.client.created_at
    )
    set_standing_shares(
        client=desk.client, shares={desk.client.default_account_id: 6_000, other.id: 4_000}, actor_id=None
    )
    body = {"service": [desk.waiting.id]}
    preview = desk.browser().post(url("invoice_new", desk.client.id), body).content.decode()
    assert "$84.00" in preview
    assert "$56.00" in preview
    desk.browser().post(url("invoice_new", desk.client.id), body | {"step": "issue"})
    assert sorted(Invoice.objects.order_by("-number").values_list("total_minor", flat=True)[:2]) == [5_600, 8_400]


def test_a_batch_shows_its_preview_before_it_issues(desk: Desk) -> None:
    browser = desk.browser()
    days = {"date_from": "2026-11-01", "date_to": "2026-11-30"}
    text = browser.get(url("invoice_batch"), days).content.decode()
    assert "Issue the invoice" in text
    assert "$140.00" in text
    assert Invoice.objects.count() == 2
    browser.post(url("invoice_batch"), days)
    browser.post(url("invoice_batch"), days)
    assert Invoice.objects.count() == 3


def test_voiding_an_invoice_needs_a_reason_and_no_payment(desk: Desk) -> None:
    browser = desk.browser()
    assert browser.post(url("invoice_void", desk.unpaid.id), {"reason": ""}).status_code == 422
    answer = browser.post(url("invoice_void", desk.invoice.id), {"reason": "Wrong day"})
    assert "has payments" in answer.content.decode()
    assert Invoice.objects.filter(voided_at=None).count() == 2
    browser.post(url("invoice_void", desk.unpaid.id), {"reason": "Wrong day"})
    desk.unpaid.refresh_from_db()
    assert (desk.unpaid.voided_at is not None, desk.unpaid.void_reason) == (True, "Wrong day")


def test_voiding_a_service_is_refused_while_it_is_invoiced(desk: Desk) -> None:
    browser = desk.browser()
    answer = browser.post(url("service_void", desk.service.id), {"reason": "Twice"})
    assert answer.status_code == 422
    browser.post(url("service_void", desk.waiting.id), {"reason": "Twice"})
    assert set(Service.objects.filter(voided_at__isnull=False)) == {desk.waiting}


# Switches


def test_the_organizations_switch_is_grey_with_its_reason_until_a_processor_is_connected(desk: Desk) -> None:
    browser = desk.browser()
    ProcessorAccount.objects.update(is_active=False)
    text = browser.get(url("settings")).content.decode()
    assert "Allow Payments Through Client Portal" in text
    assert "Connect a card processor first" in text
    assert "disabled" in text.split('id="switch-why"')[1].split("</form>")[0]
    answer = browser.post(url("payments_allowed"), {"allowed": "yes"}, follow=True)
    assert "Connect a processor first" in answer.content.decode()
    assert not Practice.objects.get(pk=desk.practice.pk).payments_allowed


def test_the_organizations_switch_goes_on_and_off(desk: Desk) -> None:
    browser = desk.browser()
    for word, state in (("yes", True), ("no", False)):
        assert browser.post(url("payments_allowed"), {"allowed": word}).status_code == 302
        assert Practice.objects.get(pk=desk.practice.pk).payments_allowed is state


def test_the_clients_switch_goes_off_and_on(desk: Desk) -> None:
    browser = desk.browser()
    for word, state in (("no", False), ("yes", True)):
        browser.post(url("client_payments_allowed", desk.client.id), {"allowed": word})
        assert Client.objects.get(pk=desk.client.pk).payments_allowed is state


def test_a_processor_is_connected_and_disconnected_after_being_asked(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("paywell.desk.views.settings.check_connection", lambda account: ["The key is wrong."])
    browser = desk.browser()
    page = browser.get(url("processor_disconnect"))
    assert "Disconnect the processor" in page.content.decode()
    assert ProcessorAccount.objects.filter(is_active=True).count() == 1
    browser.post(url("processor_disconnect"))
    assert not ProcessorAccount.objects.filter(is_active=True).exists()
    form = {
        "connector": "test_two_step",
        "base_url": "http://127.0.0.1:8001/",
        "account": "acct_1",
        "api_key": "k" * 20,
        "notice_secret": "s" * 20,
    }
    browser.post(url("processor_connect"), form)
    active = ProcessorAccount.objects.get(is_active=True)
    assert active.settings == {"base_url": "http://127.0.0.1:8001", "account": "acct_1"}
    settings_page = browser.get(url("settings")).content.decode()
    assert "The key is wrong." in settings_page
    assert "k" * 20 not in settings_page


def test_no_test_processor_is_offered_where_they_are_refused(desk: Desk, settings: Any) -> None:
    settings.ALLOW_TEST_PROCESSORS = False
    browser = desk.browser()
    ProcessorAccount.objects.update(is_active=False)
    form = {
        "connector": "test_inline",
        "base_url": "http://127.0.0.1:8001",
        "account": "a",
        "api_key": "k",
        "notice_secret": "s",
    }
    assert browser.post(url("processor_connect"), form).status_code == 422
    assert not ProcessorAccount.objects.filter(is_active=True).exists()
    assert "no connector for a real processor" in browser.get(url("settings")).content.decode()


# Payments


def test_the_payment_page_tells_what_it_covered_and_what_happened(desk: Desk) -> None:
    text = desk.browser().get(url("payment", desk.attempt.id)).content.decode()
    for words in ("$70.00", "Visa 4242", "Thank you", "INV-0001", "Sent to the card processor.", "Print Receipt"):
        assert words in text


def test_a_refund_asks_twice_before_money_moves(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[int, str]] = []

    def refund_payment(*, viewer: Any, attempt: Any, amount: Any, reason: str) -> Refund:
        asked.append((amount.minor, reason))
        return Refund(state="done")

    monkeypatch.setattr("paywell.desk.views.payments.refund_payment", refund_payment)
    browser = desk.browser()
    body = {"amount": "20.00", "reason": "Session canceled"}
    page = browser.post(url("refund", desk.attempt.id), body)
    assert "Refund $20.00?" in page.content.decode()
    assert asked == []
    answer = browser.post(url("refund", desk.attempt.id), body | {"step": "refund"})
    assert answer["Location"] == url("payment", desk.attempt.id)
    assert asked == [(2_000, "Session canceled")]


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"amount": "70.01", "reason": "x"}, "Refund at most $70.00"),
        ({"amount": "0", "reason": "x"}, "more than zero"),
        ({"amount": "1,00", "reason": "x"}, "Enter an amount"),
        ({"amount": "10.00", "reason": " "}, "Say why"),
    ],
)
def test_a_wrong_refund_moves_nothing(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, body: dict[str, str], words: str
) -> None:
    monkeypatch.setattr("paywell.desk.views.payments.refund_payment", lambda **_: pytest.fail("money moved"))
    answer = desk.browser().post(url("refund", desk.attempt.id), body | {"step": "refund"})
    assert answer.status_code == 422
    assert words in answer.content.decode()


def test_payments_are_narrowed_by_date_and_status(desk: Desk) -> None:
    browser = desk.browser()
    add_payment(desk.unpaid, desk.contact, desk.processor_account, 1_234, AttemptState.DECLINED)
    everything = browser.get(url("payments")).content.decode()
    assert "$70.00" in everything
    assert "$12.34" in everything
    declined = browser.get(url("payments"), {"show": "declined"}).content.decode()
    assert "$70.00" not in declined
    assert "$12.34" in declined
    assert "No payment fits" in browser.get(url("payments"), {"date_to": "2026-11-01"}).content.decode()
    assert browser.get(url("payments"), {"date_from": "nonsense", "page": "-3", "show": "x"}).status_code == 200


def test_an_open_payment_is_checked_by_a_button(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    attempt = add_payment(desk.unpaid, desk.contact, desk.processor_account, 1_000, AttemptState.UNKNOWN)
    looked: list[Any] = []
    monkeypatch.setattr(
        "paywell.desk.views.payments.check_attempt", lambda *, attempt: looked.append(attempt) or attempt
    )
    browser = desk.browser(Role.FRONT_DESK)
    assert "Check now" in browser.get(url("payment", attempt.id)).content.decode()
    assert "Not settled yet" in browser.get(url("inbox")).content.decode()
    browser.post(url("payment_check", attempt.id))
    assert [one.id for one in looked] == [attempt.id]


def test_a_review_leaves_the_inbox_with_what_was_found(desk: Desk) -> None:
    browser = desk.browser()
    assert "Late success" in browser.get(url("inbox")).content.decode()
    assert browser.post(url("review_close", desk.review.id), {"reason": ""}).status_code == 422
    browser.post(url("review_close", desk.review.id), {"reason": "Refunded by phone"})
    review = Review.objects.get()
    assert (review.closing_note, review.closed_by) == ("Refunded by phone", desk.members[Role.OWNER].user)
    assert browser.get(url("review_close", desk.review.id)).status_code == 404


def test_the_inbox_names_what_is_missing(desk: Desk) -> None:
    ProcessorAccount.objects.update(is_active=False)
    CatalogItem.objects.update(is_active=False)
    Clinician.objects.update(npi="")
    Invitation.objects.update(withdrawn_at=desk.client.created_at)
    text = desk.browser().get(url("inbox")).content.decode()
    for words in (
        "No card processor is connected",
        "catalogue is empty",
        "No NPI on file for Mara Feld",
        "1 client has nobody",
    ):
        assert words in text
    assert "No card processor" not in desk.browser(Role.BILLER).get(url("inbox")).content.decode()


def test_the_tax_number_is_never_sent_to_the_browser_whole(desk: Desk) -> None:
    text = desk.browser().get(url("settings_practice")).content.decode()
    assert "12-3456789" not in text
    assert "ends in 6789" in text
    form = {
        "name": "Willow",
        "tax_id_kind": "EIN",
        "tax_id": "",
        "timezone": "America/Denver",
        "accent": "#224466",
        "payment_terms_days": "30",
    }
    browser = desk.browser()
    assert browser.post(url("settings_practice"), form).status_code == 302
    assert browser.post(url("settings_practice"), form | {"tax_id_kind": "SSN"}).status_code == 422
    assert Practice.objects.get(pk=desk.practice.pk).tax_id == "12-3456789"


# Clients and people


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
    assert "add up to 100%" in answer.content.decode()
    assert not StandingShare.objects.exists()
    browser.post(url("client_shares", desk.client.id), {mine: "66.67", theirs: "33.33"})
    assert sorted(StandingShare.objects.values_list("basis_points", flat=True)) == [3_333, 6_667]


# Settings


def test_settings_are_saved_and_refused_at_the_field(desk: Desk) -> None:
    browser = desk.browser()
    form = {
        "name": "Willow", "phone": "(303) 555-0142", "tax_id_kind": "EIN", "tax_id": "12-3456789", "npi": "123",
        "timezone": "America/Denver", "accent": "#224466", "payment_terms_days": "30", "invoice_prefix": "W-",
    }  # fmt: skip
    answer = browser.post(url("settings_practice"), form)
    assert 'id="id_npi_error"' in answer.content.decode()
    assert browser.post(url("settings_practice"), form | {"npi": "1234567893"}).status_code == 302
    practice = Practice.objects.get(pk=desk.practice.pk)
    assert (practice.name, practice.payment_terms_days, practice.npi) == ("Willow", 30, "1234567893")


def test_clinicians_and_catalogue_grow(desk: Desk) -> None:
    browser = desk.browser()
    browser.post(url("clinician_new"), {"name": "Jo Ade", "npi": "", "is_active": "on"})
    browser.post(url("clinician_edit", desk.clinician.id), {"name": "Mara Feld", "credentials": "PhD"})
    assert set(Clinician.objects.values_list("name", "credentials", "is_active")) == {
        ("Jo Ade", "", True),
        ("Mara Feld", "PhD", False),
    }
    browser.post(url("catalog_item_new"), {"code": "grp", "wording": "Group", "kind": "session", "fee": "45"})
    assert CatalogItem.objects.get(code="GRP").fee_minor == 4_500
    browser.post(url("catalog_item_edit", desk.item.id), {"fee": "150.00"})
    desk.item.refresh_from_db()
    assert (desk.item.fee_minor, desk.item.is_active) == (15_000, False)


def test_staff_are_added_invited_and_ended(desk: Desk) -> None:
    browser = desk.browser()
    form = {"name": "Jo", "email": "jo@example.org", "role": "biller"}
    browser.post(url("staff_new"), form)
    member = StaffMember.objects.get(user__email="jo@example.org")
    assert Invitation.objects.filter(subject_kind="staff", subject_id=member.id).count() == 1
    assert browser.post(url("staff_new"), form).status_code == 422
    own = desk.members[Role.OWNER]
    browser.post(url("staff_end", own.id))
    browser.post(url("staff_end", member.id))
    assert StaffMember.objects.get(pk=own.pk).ended_at is None
    assert StaffMember.objects.get(pk=member.pk).ended_at is not None


def test_the_audit_names_who_did_what(desk: Desk) -> None:
    browser = desk.browser()
    browser.post(url("payments_allowed"), {"allowed": "yes"})
    assert "Set payments allowed" in browser.get(url("audit")).content.decode()


def test_a_form_without_the_token_changes_nothing(desk: Desk) -> None:
    from django.test import Client as Browser

    browser = Browser(enforce_csrf_checks=True)
    browser.force_login(desk.members[Role.OWNER].user)
    assert browser.post(url("payments_allowed"), {"allowed": "yes"}).status_code == 403
    assert not Practice.objects.get(pk=desk.practice.pk).payments_allowed
