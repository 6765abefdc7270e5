"""Documents at the desk: insurance, the check before a superbill, statements, and what is on file."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from django.urls import reverse

from paywell.care.models import Service
from paywell.clients.models import Client, Coverage
from paywell.desk.tests.factories import Desk, make_desk
from paywell.documents.models import IssuedDocument
from paywell.documents.types import Kind
from paywell.invoicing.tests.factories import make_service
from paywell.practice.models import Clinician, Practice

pytestmark = pytest.mark.django_db


@pytest.fixture
def desk() -> Desk:
    made = make_desk()
    made.service.pointers.create(practice=made.practice, diagnosis=made.diagnosis, position=1)
    Client.objects.filter(pk=made.client.pk).update(birth_date="1991-03-09")
    return made


def url(name: str, *args: Any) -> str:
    return reverse(f"desk:{name}", args=args)


def superbills() -> list[str]:
    rows = IssuedDocument.objects.filter(kind=Kind.SUPERBILL.value).order_by("number")
    return list(rows.values_list("label", flat=True))


def test_insurance_goes_on_file_and_is_changed(desk: Desk) -> None:
    browser = desk.browser()
    form = {
        "insurer": "Birch Health",
        "member_id": "xk-1",
        "relationship": "self",
        "rank": 1,
        "starts_on": "2026-01-01",
    }
    answer = browser.post(url("coverage_new", desk.client.id), form, follow=True)
    assert "Birch Health" in answer.content.decode()
    coverage = Coverage.objects.get(insurer="Birch Health")
    assert coverage.member_id == "XK1"
    browser.post(url("coverage_edit", coverage.id), form | {"ends_on": "2026-06-30"})
    coverage.refresh_from_db()
    assert str(coverage.ends_on) == "2026-06-30"
    assert browser.post(url("coverage_edit", coverage.id), form | {"ends_on": "2025-06-30"}).status_code == 422


def test_the_check_is_read_before_a_superbill_is_issued(desk: Desk) -> None:
    browser, make = desk.browser(), url("superbill_new", desk.client.id)
    page = browser.get(make, {"service": str(desk.service.id)}).content.decode()
    assert "What an insurer could say no to" in page
    assert "IND50 is a code of your own" in page
    assert superbills() == []
    answer = browser.post(make, {"service": str(desk.service.id), "step": "issue"}, follow=True)
    assert "Assignment of benefits: no." in answer.content.decode()
    assert superbills() == ["SB-0001"]
    assert "SB-0001" in browser.get(url("client_documents", desk.client.id)).content.decode()
    row = IssuedDocument.objects.get(label="SB-0001")
    assert browser.get(url("issued_pdf", row.id)).content.startswith(b"%PDF-")


def test_what_an_insurer_could_say_of_several_days_is_said_once_with_its_days(desk: Desk) -> None:
    other = make_service(desk.client, date(2026, 11, 4), clinician=desk.clinician)
    other.pointers.create(practice=desk.practice, diagnosis=desk.diagnosis, position=1)
    chosen = {"service": [str(desk.service.id), str(other.id)]}
    page = desk.browser().get(url("superbill_new", desk.client.id), chosen).content.decode()
    assert page.count("IND50 is a code of your own") == 1
    assert "Nov 3, 2026 · Nov 4, 2026" in page


def test_what_is_certainly_wrong_shows_no_button_and_a_forged_one_issues_nothing(desk: Desk) -> None:
    Clinician.objects.filter(pk=desk.clinician.pk).update(npi="")
    browser, make = desk.browser(), url("superbill_new", desk.client.id)
    page = browser.get(make, {"service": str(desk.service.id)}).content.decode()
    assert "has no NPI" in page
    assert "Issue the superbill" not in page
    answer = browser.post(make, {"service": str(desk.service.id), "step": "issue", "reason": "please"})
    assert answer.status_code == 422
    assert "Nothing is issued yet" in answer.content.decode()
    assert superbills() == []


def test_what_is_almost_certainly_wrong_is_issued_with_a_reason(desk: Desk) -> None:
    Service.objects.filter(pk=desk.service.pk).update(place_of_service="10", on="2021-11-03")
    type(desk.diagnosis).objects.filter(pk=desk.diagnosis.pk).update(diagnosed_on="2021-11-03")
    browser, make = desk.browser(), url("superbill_new", desk.client.id)
    form = {"service": str(desk.service.id), "step": "issue"}
    assert browser.post(make, form).status_code == 422
    assert superbills() == []
    browser.post(make, form | {"reason": "The insurer wrote so"})
    assert superbills() == ["SB-0001"]
    page = browser.get(url("client_documents", desk.client.id)).content.decode()
    assert "Issued against the check: The insurer wrote so" in page


def test_a_range_of_days_is_checked_too_and_an_empty_one_says_so(desk: Desk) -> None:
    browser, make = desk.browser(), url("superbill_new", desk.client.id)
    found = browser.post(make, {"date_from": "2026-11-03", "date_to": "2026-11-03"})
    assert str(desk.service.id) in found.content.decode()
    none = browser.post(make, {"date_from": "2020-01-01", "date_to": "2020-01-31"})
    assert none.status_code == 422
    assert "There is no service of these days" in none.content.decode()
    assert browser.post(make, {}).status_code == 422


def test_a_service_is_kept_from_the_insurer_and_given_back(desk: Desk) -> None:
    browser = desk.browser()
    browser.post(url("service_keep", desk.service.id), {"kept": "yes"})
    page = browser.get(url("superbill_new", desk.client.id), {"service": str(desk.service.id)}).content.decode()
    assert "asked that no insurer hears of it" in page
    assert "Issue the superbill" not in page
    browser.post(url("service_keep", desk.service.id), {"kept": "no"})
    assert not Service.objects.get(pk=desk.service.pk).is_kept_from_insurer


def test_statements_are_made_for_days_and_for_a_year(desk: Desk) -> None:
    browser, make = desk.browser(), url("statement_new", desk.client.id)
    form = {"kind": "statement", "account": str(desk.client.default_account_id), "date_from": "2026-01-01"}
    page = browser.post(make, form | {"date_to": "2026-11-20"}, follow=True).content.decode()
    assert "Previous balance" in page
    assert browser.post(make, form | {"date_to": "2199-01-01"}).status_code == 422
    paid_in = desk.attempt.closed_at or desk.attempt.created_at
    yearly = browser.post(make, form | {"kind": "yearly", "date_to": f"{paid_in.year}-01-01"}, follow=True)
    assert "What an insurer paid back to you is not known" in yearly.content.decode()


def test_a_document_that_was_changed_in_the_database_is_not_shown(desk: Desk, monkeypatch: Any) -> None:
    monkeypatch.setattr("paywell.documents.queries.get_digest", lambda data: "0" * 64)
    answer = desk.browser().get(url("issued", desk.receipt.id), follow=True)
    assert "is not shown: what is stored of it has changed" in answer.content.decode()


def test_a_part_2_program_needs_its_notice(desk: Desk) -> None:
    browser = desk.browser()
    form = {
        "name": "Willow", "tax_id_kind": "EIN", "tax_id": "", "timezone": "America/Denver", "accent": "#224466",
        "payment_terms_days": "30", "pay_link_days": "30", "is_part2_program": "on",
    }  # fmt: skip
    answer = browser.post(url("settings_practice"), form)
    assert answer.status_code == 422
    assert "must carry it" in answer.content.decode()
    assert browser.post(url("settings_practice"), form | {"part2_notice": "42 CFR part 2"}).status_code == 302
    assert Practice.objects.get(pk=desk.practice.pk).part2_notice == "42 CFR part 2"


def test_an_estimate_is_made_with_its_deadline_and_replaces_another(desk: Desk) -> None:
    browser, make = desk.browser(), url("estimate_new", desk.client.id)
    form = {
        "why": "request", "asked_on": "2026-01-05", "clinician": str(desk.clinician.id),
        "period_from": "2026-11-01", "period_to": "2027-10-31", "frequency": "once a week",
        "item_1": str(desk.item.id), "count_1": "10",
    }  # fmt: skip
    page = browser.post(make, form, follow=True).content.decode()
    assert "Good Faith Estimate" in page
    assert "$1,400.00" in page
    documents = browser.get(url("client_documents", desk.client.id)).content.decode()
    assert "GFE-0001" in documents
    assert "It is late: it was due by Jan 8, 2026." in page + documents
    first = IssuedDocument.objects.get(label="GFE-0001")
    browser.post(make, form | {"replaces": str(first.id), "count_1": "12"})
    assert IssuedDocument.objects.get(label="GFE-0002").corrects_id == first.id
    assert browser.post(make, form | {"period_to": "2027-11-01"}).status_code == 422
    assert browser.post(make, form | {"count_1": ""}).status_code == 422


def test_issuing_an_invoice_far_above_the_estimate_is_warned_of_before(desk: Desk) -> None:
    browser = desk.browser()
    form = {
        "why": "request", "asked_on": "2026-01-05", "clinician": str(desk.clinician.id),
        "period_from": "2026-11-01", "period_to": "2027-10-31", "frequency": "once",
        "item_1": str(desk.item.id), "count_1": "1",
    }  # fmt: skip
    browser.post(url("estimate_new", desk.client.id), form)
    Service.objects.filter(pk=desk.waiting.pk).update(fee_minor=40_000)
    page = browser.post(url("invoice_new", desk.client.id), {"service": str(desk.waiting.id)}).content.decode()
    assert "GFE-0001, which expected $140.00" in page
    days = {"date_from": "2026-11-01", "date_to": "2026-11-30"}
    assert "GFE-0001, which expected $140.00" in browser.get(url("invoice_batch"), days).content.decode()


def test_letters_without_a_font_are_named_before_an_invoice_is_issued(desk: Desk) -> None:
    browser, days = desk.browser(), {"date_from": "2026-11-01", "date_to": "2026-11-30"}
    assert "no font" not in browser.get(url("invoice_batch"), days).content.decode()
    Service.objects.filter(pk=desk.waiting.pk).update(wording="面談 50")
    for page in (
        browser.get(url("invoice_batch"), days),
        browser.post(url("invoice_new", desk.client.id), {"service": str(desk.waiting.id)}),
    ):
        assert "prints a square instead: 面, 談." in page.content.decode()


def test_the_documents_of_a_client_are_listed_by_kind_with_their_invoices(desk: Desk) -> None:
    browser, tab = desk.browser(), url("client_documents", desk.client.id)
    receipt = reverse("desk:issued", args=[desk.receipt.id])
    invoices = [reverse("desk:invoice", args=[one.id]) for one in (desk.invoice, desk.unpaid)]
    expected = {"all": [receipt, *invoices], "receipts": [receipt], "invoices": invoices, "superbills": []}
    for shelf, addresses in expected.items():
        page = browser.get(tab, {"show": shelf}).content.decode()
        shown = [one for one in [receipt, *invoices] if f'"{one}"' in page or f'"{one}?' in page]
        assert shown == addresses, shelf
    assert "Nothing of this kind" in browser.get(tab, {"show": "superbills"}).content.decode()
