"""Documents over HTTP: never kept by a cache, no inline script, everything escaped."""

from __future__ import annotations

import re

import pytest
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest
from django.test import RequestFactory

from paywell.documents.tests.factories import MAKERS
from paywell.documents.web import filename_of, in_grade, page_response, pdf_response


@pytest.fixture
def request_(rf: RequestFactory) -> HttpRequest:
    request = rf.get("/")
    request.user = AnonymousUser()
    return request


@pytest.mark.parametrize("kind", MAKERS)
def test_pdf_opens_in_the_browser_and_is_kept_by_no_cache(kind: str) -> None:
    response = pdf_response(MAKERS[kind]())
    assert response.content.startswith(b"%PDF-")
    assert response["Content-Type"] == "application/pdf"
    assert response["Cache-Control"] == "no-store, private"
    assert response["X-Content-Type-Options"] == "nosniff"
    assert response["Content-Disposition"].startswith(f'inline; filename="{kind}-')


def test_filename_names_nobody_and_can_not_break_the_header() -> None:
    assert filename_of(MAKERS["invoice"](number='INV"\r\n/..\\é1')) == "invoice-INV--------1.pdf"


@pytest.mark.parametrize("kind", MAKERS)
def test_page_says_the_same_as_the_pdf(kind: str, request_: HttpRequest) -> None:
    page = page_response(request_, MAKERS[kind](), pdf_url="/x.pdf", back_url="/back").content.decode()
    amount = "$3,640.00" if kind == "estimate" else "$20.00"
    for words in ("Willow Creek Therapy", "Individual session, 50 minutes", amount, "data-print", "/x.pdf"):
        assert words in page
    assert "<noscript>" in page


@pytest.mark.parametrize("kind", MAKERS)
def test_page_has_no_inline_script_and_escapes_text(kind: str, request_: HttpRequest) -> None:
    page = page_response(request_, MAKERS[kind](wording="</td><script>alert(1)</script>")).content.decode()
    assert "<script>alert" not in page
    assert "&lt;script&gt;" in page
    assert not re.search(r"<script(?![^>]*\bsrc=)|\son\w+=|\sstyle=", page)


def test_an_ssn_as_tax_number_is_masked_on_the_screen_and_in_full_on_paper(request_: HttpRequest) -> None:
    document = MAKERS["superbill"](tax_id="123-45-6789", tax_id_kind="SSN")
    page = page_response(request_, document).content.decode()
    assert '<span class="sheet-on-screen">•••-••-6789</span>' in page
    assert '<span class="sheet-on-paper">123-45-6789</span>' in page


@pytest.mark.parametrize("kind", ["receipt", "refund"])
def test_a_receipt_is_had_with_the_services_or_plain_and_each_leads_to_the_other(
    kind: str, rf: RequestFactory
) -> None:
    full, plain = rf.get("/r/"), rf.get("/r/?plain=1")
    full.user = plain.user = AnonymousUser()
    document = MAKERS[kind]()
    page = page_response(full, document, pdf_url="/r.pdf").content.decode()
    assert "Individual session, 50 minutes" in page
    assert 'href="/r/?plain=1"' in page
    assert 'href="/r.pdf"' in page
    page = page_response(plain, document, pdf_url="/r.pdf").content.decode()
    assert "Individual session" not in page
    assert "$20.00" in page
    assert 'href="/r/"' in page
    assert 'href="/r.pdf?plain=1"' in page
    assert "Individual session" not in str(in_grade(plain, document))
    assert in_grade(full, document) == document


def test_what_shows_no_services_anyway_offers_no_other_grade(rf: RequestFactory) -> None:
    request = rf.get("/r/")
    request.user = AnonymousUser()
    for document in (MAKERS["receipt"](wording=""), MAKERS["invoice"]()):
        assert "plain=1" not in page_response(request, document).content.decode()
    plain = rf.get("/i/?plain=1")
    assert in_grade(plain, MAKERS["invoice"]()) == MAKERS["invoice"]()
