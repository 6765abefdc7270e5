"""Papers that people make: a diagnosis found by code and by words, documents for a range, a year's ZIP."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.flows.conftest import PHONE, Stack
from tests.flows.test_desk import open_client
from tests.flows.test_documents import expect_pdf

#: Where the practice is: a day that has begun elsewhere is still to come there, and no paper reaches into it.
ZONE = ZoneInfo("America/Denver")
YEAR = datetime.now(tz=ZONE).year


def open_diagnosis_form(staff: Page, name: str) -> Locator:
    open_client(staff, name)
    staff.goto(staff.url.rstrip("/") + "/diagnoses/new/")
    return staff.locator("#codes-found")


@pytest.mark.parametrize(
    ("typed", "code", "words"),
    [("f43.8", "F43.81", "Prolonged grief disorder"), ("insom prim", "F51.01", "Primary insomnia")],
    ids=["by code", "by words"],
)
def test_a_diagnosis_is_found_by_code_and_by_words_while_one_types(
    signed_in: Callable[..., Page], stack: Stack, typed: str, code: str, words: str
) -> None:
    staff = signed_in("Mara Feldt")
    found = open_diagnosis_form(staff, "Owen Pike")
    staff.get_by_label("ICD-10-CM code").press_sequentially(typed)
    expect(found).to_contain_text(words)
    found.get_by_text(words).click()
    staff.get_by_role("button", name="Add the diagnosis").click()
    expect(staff.get_by_text(words)).to_be_visible()
    expect(staff.get_by_text(code, exact=True)).to_be_visible()


def make(client: Page, stack: Stack, heading: str, button: str, first: str = "", last: str = "") -> None:
    client.goto(f"{stack.address}/portal/documents/")
    client.get_by_role("link", name="Make a document").click()
    form = client.locator("form").filter(has=client.get_by_role("heading", name=heading))
    if first:
        form.get_by_label("From").fill(first)
    if last:
        form.get_by_label("To", exact=True).fill(last)
    form.get_by_role("button", name=button).click()


@pytest.mark.parametrize(
    ("heading", "button", "words"),
    [
        ("Statement", "Make a statement", ("Statement", "Previous balance", "Nothing is owed.")),
        ("Superbill", "Make a superbill", ("Superbill", "Diagnoses (ICD-10-CM)", "Assignment of benefits: no.")),
        ("A year, for taxes", "Make a yearly statement", ("Yearly Statement", "Net paid in")),
    ],
    ids=["statement", "superbill", "yearly statement"],
)
def test_a_client_makes_a_document_for_a_range_and_finds_it_in_the_list(
    signed_in: Callable[..., Page], stack: Stack, heading: str, button: str, words: tuple[str, ...]
) -> None:
    client = signed_in("Ines Coral", PHONE)
    first = "" if heading.startswith("A year") else f"{YEAR}-01-01"
    make(client, stack, heading, button, first, first and f"{datetime.now(tz=ZONE):%Y-%m-%d}")
    sheet = client.locator("main.sheet")
    for text in words:
        expect(sheet).to_contain_text(text)
    number = sheet.locator(".sheet-facts dd").first.inner_text()
    expect_pdf(client, client.get_by_role("link", name="Open as PDF"))
    client.goto(f"{stack.address}/portal/documents/?show=all")
    expect(client.locator("main")).to_contain_text(number)


def test_a_range_that_makes_nothing_says_why_and_keeps_what_was_typed(
    signed_in: Callable[..., Page], stack: Stack
) -> None:
    client = signed_in("Ines Coral", PHONE)
    make(client, stack, "Superbill", "Make a superbill", "2001-01-01", "2001-01-31")
    form = client.locator("form").filter(has=client.get_by_role("heading", name="Superbill"))
    expect(client.get_by_role("alert")).to_contain_text("There is no service of these days for a superbill.")
    expect(form.get_by_label("From")).to_have_value("2001-01-01")


def test_a_years_papers_come_as_one_zip(signed_in: Callable[..., Page], stack: Stack) -> None:
    client = signed_in("Ines Coral")
    with client.expect_download() as download:
        make(client, stack, "A year, for taxes", "Download the year as ZIP")
    assert download.value.suggested_filename == f"documents-{YEAR}.zip"
    with zipfile.ZipFile(io.BytesIO(download.value.path().read_bytes())) as pack:
        names = pack.namelist()
        assert {name.split("-")[0] for name in names} >= {"yearly", "receipt", "superbill"}
        assert all(pack.read(name).startswith(b"%PDF-") for name in names if name.endswith(".pdf"))
