"""What can be printed and taken along: invoices, superbills, receipts, the history as CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.flows import steps
from tests.flows.conftest import PHONE, Stack


def expect_pdf(page: Page, link: Locator) -> None:
    answer = page.request.get(link.evaluate("link => link.href"))
    assert answer.status == 200
    assert answer.headers["content-type"] == "application/pdf"
    assert answer.body().startswith(b"%PDF-")


def expect_printable(page: Page, link: Locator, *words: str) -> None:
    """The page made for the browser's own print dialog, and back again."""
    link.click()
    for text in words:
        expect(page.locator("main.sheet")).to_contain_text(text)
    with page.expect_event("console", lambda message: message.text == "printing"):
        page.evaluate("window.print = () => console.log('printing')")
        page.get_by_role("button", name="Print", exact=True).click()
    page.go_back()


@pytest.mark.parametrize(
    ("name", "path", "viewport"),
    [("Victor Hale", "pay/", None), ("Ines Coral", "documents/", PHONE), ("Victor Hale", "documents/", None)],
    ids=["open, from Make a Payment", "paid, from Documents", "open, from Documents"],
)
def test_invoice_and_superbill_are_printed_for_open_and_paid_services(
    signed_in: Callable[..., Page], stack: Stack, name: str, path: str, viewport: dict[str, int] | None
) -> None:
    page = signed_in(name, *([viewport] if viewport else []))
    page.goto(f"{stack.address}/portal/{path}")
    row = page.locator("tbody tr").nth(1)
    expect_pdf(page, row.get_by_role("link", name="Print Invoice"))
    expect_pdf(page, row.get_by_role("link", name="Print Superbill"))
    screens = row.get_by_role("link", name="on screen")
    expect_printable(page, screens.nth(0), "Invoice", "Willow Creek Therapy", name, "Individual session")
    expect_printable(page, screens.nth(1), "Superbill", "Willow Creek Therapy", name, "F")


def test_a_missed_appointment_has_an_invoice_and_no_superbill(signed_in: Callable[..., Page], stack: Stack) -> None:
    page = signed_in("Owen Pike")
    page.goto(f"{stack.address}/portal/documents/")
    row = page.locator("tbody tr").filter(has_text="Missed appointment")
    expect_pdf(page, row.get_by_role("link", name="Print Invoice"))
    expect(row.get_by_role("link", name="Print Superbill")).to_have_count(0)


def test_the_history_is_filtered_by_date_and_downloaded_as_csv(
    signed_in: Callable[..., Page], stack: Stack
) -> None:
    page = signed_in("Ines Coral")
    page.get_by_role("navigation", name="Main").get_by_role("link", name="Payment History").click()
    rows = page.locator(".history-table tbody tr")
    everything = rows.count()
    assert everything > 1
    expect_pdf(page, rows.first.get_by_role("link", name="Print Receipt"))
    with page.expect_download() as download:
        page.get_by_role("link", name="Download CSV").click()
    lines = list(csv.DictReader(io.StringIO(download.value.path().read_text("utf-8-sig"))))
    assert len({line["Payment ID"] for line in lines}) == everything
    assert all(line["Status"] == "Paid" and line["Method"] == "Visa 4242" for line in lines)

    oldest = min(line["Date"] for line in lines)
    page.get_by_label("From").fill(oldest)
    page.get_by_label("To", exact=True).fill(oldest)
    page.get_by_role("button", name="Filter").click()
    expect(rows).to_have_count(1)
    with page.expect_download() as download:
        page.get_by_role("link", name="Download CSV").click()
    filtered = list(csv.DictReader(io.StringIO(download.value.path().read_text("utf-8-sig"))))
    assert filtered == [line for line in lines if line["Date"] == oldest]
    page.get_by_label("From").fill("2001-01-01")
    page.get_by_label("To", exact=True).fill("2001-01-02")
    page.get_by_role("button", name="Filter").click()
    expect(page.get_by_role("heading", name="No payments in these dates")).to_be_visible()
    page.get_by_role("link", name="Show all").click()
    expect(rows).to_have_count(everything)


def test_nothing_due_is_said_in_words_and_there_is_no_empty_list(
    signed_in: Callable[..., Page], stack: Stack
) -> None:
    page = signed_in("Ines Coral", PHONE)
    expect(page.get_by_text("Nothing is due. You are all paid up.")).to_be_visible()
    expect(page.get_by_role("link", name="Make a Payment")).to_have_count(0)
    page.goto(f"{stack.address}/portal/pay/")
    expect(page.get_by_role("heading", name="Nothing is due")).to_be_visible()
    expect(steps.rows(page)).to_have_count(0)
