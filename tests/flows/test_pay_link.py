"""A pay link in a real browser, without signing in: paid, refunded in part, void and issued anew."""

from __future__ import annotations

import re
from collections.abc import Callable

from playwright.sync_api import Page, expect

from tests.flows import steps
from tests.flows.conftest import PHONE, Stack
from tests.flows.test_accessible import check
from tests.flows.test_desk import open_client


def open_invoice(staff: Page, name: str, status: str) -> None:
    """The client's first invoice of that status."""
    open_client(staff, name)
    staff.goto(staff.url.rstrip("/") + "/invoices/")
    staff.locator("tbody tr").filter(has_text=status).first.get_by_role("link").first.click()
    staff.wait_for_url("**/desk/invoices/**")


def make_link(staff: Page) -> str:
    if not staff.get_by_label("Address").count():
        staff.get_by_role("button", name=re.compile("pay link", re.IGNORECASE)).click()
    return staff.get_by_label("Address").input_value()


def test_a_link_is_paid_and_explains_what_was_refunded_of_it(
    new_page: Callable[..., Page], signed_in: Callable[..., Page], stack: Stack
) -> None:
    staff, payer = signed_in("Mara Feldt"), new_page(PHONE)
    open_invoice(staff, "Mia Vance", "Open")
    link = make_link(staff)
    payer.goto(link)
    faults = check(payer, "link")
    steps.enter_new_card(payer, steps.GOOD)
    payer.locator("[data-pay]").click()
    payer.wait_for_url("**/payments/**")
    expect(payer.locator("#result-title")).to_contain_text("Paid")
    payer.get_by_role("link", name="See the invoice").click()
    expect(payer.get_by_role("heading", name="Nothing is due")).to_be_visible()
    faults += check(payer, "link, paid")
    staff.goto(f"{stack.address}/desk/payments/")
    staff.locator("tbody tr").filter(has_text="Vance").first.get_by_role("link").first.click()
    staff.get_by_role("link", name="Refund").first.click()
    staff.get_by_label("Amount to refund").fill("15.00")
    staff.get_by_label("Reason").fill("Billed too much")
    staff.get_by_role("button", name="Next").click()
    staff.get_by_role("button", name="Refund $15.00").click()
    expect(staff.get_by_text("$15.00 is refunded to the card.")).to_be_visible()
    payer.goto(link)
    expect(payer.get_by_text("$15.00 of what was paid went back to the card")).to_be_visible()
    expect(payer.locator(".story tfoot")).to_contain_text("$15.00")
    faults += check(payer, "link, refunded in part")
    payer.get_by_role("link", name=re.compile("See the payment")).click()
    expect(payer.locator("#result-title")).to_contain_text("Refunded $15.00 of")
    faults += check(payer, "its payment, refunded in part")
    assert "Billed too much" not in payer.content()
    assert faults == []


def test_the_link_of_an_invoice_that_was_taken_back_names_the_one_in_its_place(
    new_page: Callable[..., Page], signed_in: Callable[..., Page], stack: Stack
) -> None:
    staff, payer = signed_in("Mara Feldt"), new_page(PHONE)
    open_invoice(staff, "Owen Pike", "Open")
    link = make_link(staff)
    staff.get_by_role("link", name=re.compile("^Void ")).click()
    staff.get_by_label("Reason").fill("Wrong rate")
    staff.locator("main form button").last.click()
    expect(staff.get_by_text("Its services can be invoiced again.")).to_be_visible()
    staff.get_by_role("button", name="Issue it again").click()
    label = staff.get_by_role("heading", level=1).inner_text()
    payer.goto(link)
    expect(payer.get_by_role("heading", name="Nothing is owed on this invoice")).to_be_visible()
    expect(payer.get_by_text(f"Invoice {label} takes its place.")).to_be_visible()
    assert check(payer, "link of a void invoice") == []
    payer.get_by_role("link", name="E-mail me a pay link").click()
    expect(payer.get_by_label("E-mail")).to_be_visible()
