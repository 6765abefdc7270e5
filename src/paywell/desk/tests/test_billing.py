"""From a recorded service to what the client can pay."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from django.urls import reverse

from paywell.accounts.models import Role
from paywell.accounts.tests.factories import make_user
from paywell.accounts.types import StaffViewer
from paywell.billing.entries import EntryForm, make_entry
from paywell.billing.models import EntryKind
from paywell.care.actions import void_service
from paywell.care.models import Service
from paywell.clients.access import access_portal
from paywell.clients.actions import set_standing_shares
from paywell.clients.models import BillingAccount
from paywell.clients.tests.factories import make_client
from paywell.core.ids import new_id
from paywell.core.money import Money
from paywell.desk.tests.factories import DAY, Desk, add_service
from paywell.invoicing.models import Invoice
from paywell.payments.queries import list_payable


def url(name: str, *ids: Any) -> str:
    return reverse(f"desk:{name}", args=ids)


def sign_in_ana(desk: Desk) -> Any:
    desk.contact.user = make_user()
    desk.contact.save()
    return access_portal(desk.contact.user, None)


def test_a_recorded_and_invoiced_service_is_payable_by_the_client(desk: Desk) -> None:
    browser = desk.browser(Role.BILLER)
    form = {
        "catalog_item": desk.item.id, "on": "2026-11-20", "clinician": desk.clinician.id, "units": "2",
        "fee": "", "insurer": "30.00", "modifiers": "gt", "diagnoses": [desk.diagnosis.id],
    }  # fmt: skip
    answer = browser.post(url("service_new", desk.client.id), form)
    service = Service.objects.get(on=date(2026, 11, 20))
    assert answer["Location"] == f"{url('invoice_new', desk.client.id)}?service={service.id}"
    assert (service.fee_minor, service.insurer_minor, service.modifiers) == (28_000, 3_000, "GT")
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
        ({"units": "0"}, "Enter 1 or more."),
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


def test_a_batch_says_of_each_service_that_it_leaves_out_why(desk: Desk) -> None:
    days = {"date_from": "2026-11-01", "date_to": "2026-11-30"}
    insured = make_client(desk.practice, legal_first_name="Ivo", legal_last_name="Lind")
    add_service(insured, desk.clinician, desk.item, DAY, insurer_minor=14_000)
    void_service(service=add_service(insured, desk.clinician, desk.item, DAY), actor_id=None)
    lower = EntryForm(
        new_id(), EntryKind.ADJUSTMENT, Money(14_000), line_ids=(desk.unpaid.lines.get().id,), reason="Courtesy"
    )
    owner = StaffViewer(desk.members[Role.OWNER].user_id, desk.practice, Role.OWNER)
    make_entry(viewer=owner, account=desk.client.default_account, form=lower)
    text = desk.browser().get(url("invoice_batch"), days).content.decode()
    preview, left = text.split("4 services are left out")
    assert preview.count("$140.00") == 3  # all invoices, the account, its one service
    for words, count in {
        "The insurer is to pay all of it": 1,
        "The service is void.": 1,
        "On an invoice already; the client asks about it": 1,
        "On an invoice already, and adjusted to zero.": 1,
        "Ivo Lind": 4,  # each by name and, to its page, once more
        desk.unpaid.label: 1,
        desk.invoice.label: 1,
    }.items():
        assert left.count(words) == count, words


def test_what_a_batch_leaves_out_is_named_up_to_a_number_and_counted_beyond(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("paywell.desk.queries.batch.MOST", 1)
    days = {"date_from": "2026-11-01", "date_to": "2026-11-30"}
    text = desk.browser().get(url("invoice_batch"), days).content.decode()
    assert "2 services are left out" in text
    assert "And 1 more. Choose fewer days to see it." in text


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
