"""One look: the logo, both papers, the envelope's window; and nothing hostile that fetches or runs."""

from __future__ import annotations

import json
import re
import struct
import zlib
from dataclasses import replace
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser
from django.core.management import CommandError, call_command
from django.test import RequestFactory

from paywell.documents.access import access_invoice
from paywell.documents.check_issued import check_issued
from paywell.documents.pdf import render
from paywell.documents.present import present
from paywell.documents.present.parts import address
from paywell.documents.queries import load_issued
from paywell.documents.receipts import issue_receipt
from paywell.documents.tests.factories import (
    HEAD,
    MAKERS,
    estimate_document,
    invoice_document,
    make_case,
    make_contact,
    make_payment,
    make_staff_viewer,
)
from paywell.documents.tests.test_pdf import assert_conforms, poppler, text_of
from paywell.documents.types import EstimateItem, Setting
from paywell.documents.web import page_response
from paywell.invoicing.actions import issue_invoice
from paywell.invoicing.tests.factories import make_service
from paywell.payments.models import Attempt
from paywell.practice.logo import clean_png, set_logo

#: What a #10 envelope's window shows of a folded letter however it slides, in points from the top of the paper
#: (see typst/sheet.typ), and a quarter of a millimeter.
WINDOW_TOP, WINDOW_BOTTOM = 2.5 * 72 - 0.7, 3.125 * 72 + 0.7
#: A word's box reaches above its capitals, and below a comma, by these parts of its height.
ABOVE, BELOW = 0.255, 0.19


def png(width: int = 40, height: int = 20, color: bytes = b"\x0f\x5e\x5c") -> bytes:
    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    rows = zlib.compress(b"".join(b"\x00" + color * width for _ in range(height)))
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


@pytest.mark.parametrize("kind", MAKERS)
def test_every_kind_with_a_logo_is_pdf_ua_1_and_pdf_a_2a_and_the_logo_has_a_text(kind: str) -> None:
    pdf = render(MAKERS[kind](letterhead=replace(HEAD, logo=png())))
    assert_conforms(pdf)
    assert "image" in poppler("pdfimages", "-list", "-", pdf=pdf)
    assert "Figure" in poppler("pdfinfo", "-struct", "-", pdf=pdf)


@pytest.mark.parametrize(
    "logo",
    [
        b'<svg xmlns="http://www.w3.org/2000/svg"><image href="file:///etc/passwd"/></svg>',
        b"\x89PNG\r\n\x1a\nnot a picture at all",
        b'#read("/etc/passwd")',
    ],
)
def test_a_hostile_logo_is_left_out_and_the_document_printed(logo: bytes) -> None:
    pdf = render(invoice_document(letterhead=replace(HEAD, logo=logo)))
    assert_conforms(pdf)
    assert "INV-0142" in text_of(pdf)
    assert "root:" not in text_of(pdf)


HOSTILE = [
    '#image("file:///etc/passwd")',
    '#read("/etc/passwd")',
    '#import "@preview/cetz:0.3.0"',
    "<img src=http://169.254.169.254/latest/meta-data>",
    '"><script src=//evil.example.org></script>',
    "url(http://evil.example.org/x.png)",
    "{{ settings.SECRET_KEY }}{% include 'x' %}",
]


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("kind", MAKERS)
def test_hostile_names_and_wordings_are_printed_as_typed(kind: str, text: str, rf: RequestFactory) -> None:
    head = replace(HEAD, name=text, notice=text)
    document = MAKERS[kind](wording=text, client=text, letterhead=head)
    shown = " ".join(text_of(render(document)).replace("\u200b", "").split())
    assert re.sub(r"\s", "", text)[:20] in re.sub(r"\s", "", shown)
    assert "root:" not in shown
    request = rf.get("/")
    request.user = AnonymousUser()
    page = page_response(request, document).content.decode()
    assert "<img src=http" not in page
    assert "<script src=//evil" not in page


@pytest.mark.parametrize(("paper", "size"), [("us-letter", "612 x 792"), ("a4", "595.276 x 841.89")])
@pytest.mark.parametrize("kind", ["invoice", "statement", "receipt", "yearly", "estimate"])
def test_the_address_stands_behind_the_window_of_a_number_10_envelope_on_both_papers(
    kind: str, paper: str, size: str
) -> None:
    head = replace(HEAD, name="Willow Creek Center for Counseling and Psychotherapy", logo=png(), notice="Note.")
    lines = ("Maximilian Duarte", "77 Birch Lane", "Apartment 14", "Portland, OR 97214")
    pdf = render(MAKERS[kind](setting=Setting(paper=paper), letterhead=head, addressee=lines))
    assert size in poppler("pdfinfo", "-", pdf=pdf)
    words = _words(poppler("pdftotext", "-bbox", "-f", "1", "-l", "1", "-", "-", pdf=pdf))
    for wanted in ("Maximilian", "77", "Apartment", "97214"):
        left, top, right, bottom = next(word[:4] for word in words if word[4] == wanted)
        height = bottom - top
        assert top + ABOVE * height >= WINDOW_TOP, wanted
        assert bottom - BELOW * height <= WINDOW_BOTTOM, wanted
        assert 0.875 * 72 <= left <= right <= 4.375 * 72


@pytest.mark.parametrize("paper", ["us-letter", "a4"])
def test_an_estimate_with_a_logo_and_three_services_is_one_page(paper: str) -> None:
    head = replace(HEAD, logo=png())
    lines = ("Maximilian Duarte", "77 Birch Lane", "Apartment 14", "Portland, OR 97214")
    services = (
        EstimateItem("Individual session, 50 minutes", "H0004", 26, 14_000, 364_000, 0),
        EstimateItem("Couple session", "H0004", 4, 18_000, 72_000, 0),
        EstimateItem("Testing", "T1", 1, 20_000, 20_000, 0, is_separate=True),
    )
    made = estimate_document(setting=Setting(paper=paper), letterhead=head, addressee=lines, items=services)
    assert "Page 1 of 1" in text_of(render(made))


@pytest.mark.parametrize("kind", MAKERS)
def test_the_last_note_never_stands_alone_on_a_page(kind: str) -> None:
    """With every number of lines on which a page can end."""
    for lines in range(4, 40, 3):
        pages = text_of(render(MAKERS[kind](lines=lines))).rstrip("\f").split("\f")
        for page in pages[1:]:
            assert len([line for line in page.splitlines() if line.strip()]) >= 3, (lines, page)


def test_a_row_of_two_lines_is_never_parted_between_two_pages() -> None:
    for wording in (
        "Session",
        "Family session with the client present, extended by the coordination of care with a school",
    ):
        pages = text_of(render(MAKERS["invoice"](lines=70, wording=wording))).rstrip("\f").split("\f")
        rows = [(page.count("IND50"), page.count("Lucia Reyes, PhD")) for page in pages]
        assert sum(dates for dates, _names in rows) == 70
        assert all(dates == names for dates, names in rows), rows


def _words(xhtml: str) -> list[tuple[float, float, float, float, str]]:
    """Left, top, right and bottom of each word, in points."""
    found = re.findall(
        r'<word xMin="([\d.]+)" yMin="([\d.]+)" xMax="([\d.]+)" yMax="([\d.]+)">([^<]*)</word>', xhtml
    )
    return [(float(w[0]), float(w[1]), float(w[2]), float(w[3]), w[4]) for w in found]


@pytest.mark.parametrize("kind", ["superbill", "estimate"])
def test_an_address_in_one_line_never_breaks_before_its_zip_code(kind: str) -> None:
    assert "Portland, OR\N{NO-BREAK SPACE}97205" in json.dumps(present(MAKERS[kind]()), ensure_ascii=False)


@pytest.mark.parametrize(
    ("lines", "shown"),
    [
        ((), ""),
        (("218 Alder Street",), "218 Alder\N{NO-BREAK SPACE}Street"),
        (("218 Alder Street", "Portland, OR 97205"), "218 Alder Street, Portland, OR\N{NO-BREAK SPACE}97205"),
        (("218 Alder Street", "Portland"), "218 Alder Street, Portland"),
    ],
)
def test_an_address_in_one_line_has_all_that_is_known(lines: tuple[str, ...], shown: str) -> None:
    assert address(lines) == shown


def test_a_letter_without_glyph_is_explained_on_the_document() -> None:
    assert "stands for a letter" in text_of(render(invoice_document(client="名前")))
    assert "stands for a letter" not in text_of(render(invoice_document()))


# The logo of its day


@pytest.mark.django_db
def test_an_issued_document_keeps_the_logo_of_its_day(rf: RequestFactory) -> None:
    case = make_case()
    first, second = png(), png(color=b"\xff\x00\x00")
    _with_logo(case, first)
    row = issue_receipt(Attempt.objects.get(pk=case.attempt.pk))
    later = make_service(case.client, clinician=case.service.clinician)
    invoice = issue_invoice(practice=case.practice, account=case.account, services=[later], actor_id=None)
    _with_logo(case, second)
    assert load_issued(row).letterhead.logo == clean_png(first)
    assert access_invoice(make_staff_viewer(case.practice), invoice.id).letterhead.logo == clean_png(first)
    payment = make_payment(invoice, make_contact(case.practice, "Bruno"), 100)
    new = issue_receipt(Attempt.objects.get(pk=payment.pk))
    assert load_issued(new).letterhead.logo == clean_png(second)
    request = rf.get("/")
    request.user = AnonymousUser()
    assert "data:image/png;base64," in page_response(request, load_issued(row)).content.decode()
    _with_logo(case, None)
    assert load_issued(row).letterhead.logo == clean_png(first)


def _with_logo(case: Any, picture: bytes | None) -> None:
    changed = set_logo(practice=case.practice, png=picture, actor_id=None)
    case.practice.logo_digest = changed.logo_digest


# The command that looks at everything issued


@pytest.mark.django_db
def test_check_documents_finds_nothing_where_all_is_as_it_was_issued(capsys: Any) -> None:
    case = make_case()
    issue_receipt(case.attempt)
    call_command("check_documents", practice=case.practice.slug)
    assert "Everything issued is as it was issued." in capsys.readouterr().out
    with pytest.raises(CommandError):
        call_command("check_documents", practice="nowhere")


@pytest.mark.django_db
def test_check_documents_names_a_changed_document_and_a_gap() -> None:
    case = make_case()
    row = issue_receipt(case.attempt)
    payment = make_payment(case.invoice, case.contact, 100)
    type(row).objects.create(
        practice=case.practice, kind=row.kind, number=3, label="RC-0003", account=case.account, data=row.data,
        digest=row.digest, issued_on=row.issued_on, issued_at=row.issued_at, subject_id=payment.id,
    )  # fmt: skip
    found = list(check_issued(case.practice.id))
    assert len(found) == 2
    assert "number 2 is followed by 3" in found[0]
    assert "RC-0003: what it prints is not what was issued" in found[1]
