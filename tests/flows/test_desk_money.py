"""The biller's day in a real browser: a batch of invoices, cash, a refund; and AutoPay that a client turned on."""

from __future__ import annotations

import re
from collections.abc import Callable

from playwright.sync_api import Page, expect

from tests.flows import steps
from tests.flows.conftest import PHONE, Stack
from tests.flows.test_desk import open_client


def test_cash_is_recorded_seen_by_the_client_and_taken_back(signed_in: Callable[..., Page], stack: Stack) -> None:
    staff, client = signed_in("Mara Feldt"), signed_in("Victor Hale", PHONE)
    before = steps.balance(client)
    open_client(staff, "Victor Hale")
    staff.get_by_role("link", name="Record a payment").first.click()
    staff.get_by_label("Amount", exact=True).fill("25.00")
    staff.get_by_label("Cash", exact=True).check()
    staff.get_by_label("Note to the client").fill("Thank you for coming by")
    staff.get_by_role("button", name="Record the payment").click()
    expect(staff.get_by_role("heading", name="$25.00 from Victor Hale")).to_be_visible()
    assert steps.balance(client) == before - 25
    client.goto(f"{stack.address}/portal/payments/")
    row = client.locator(".history-table tbody tr").first
    expect(row).to_contain_text("Cash")
    expect(row).to_contain_text("Thank you for coming by")
    staff.get_by_role("link", name="Take it back").click()
    staff.get_by_label("Reason").fill("Counted twice")
    staff.get_by_role("button", name="Take it back").click()
    expect(staff.get_by_text("It is taken back. The ledger shows both.")).to_be_visible()
    assert steps.balance(client) == before


def test_a_batch_of_invoices_is_looked_at_and_then_issued(signed_in: Callable[..., Page], stack: Stack) -> None:
    staff = signed_in("Mara Feldt")
    staff.goto(f"{stack.address}/desk/invoices/batch/")
    staff.get_by_role("button", name="See what would be issued").click()
    issue = staff.get_by_role("button", name=re.compile("^Issue"))
    expect(issue).to_be_visible()
    waiting = staff.locator(".bar strong").inner_text().split()[0]
    issue.click()
    expect(staff.get_by_text("issued.")).to_contain_text(waiting)
    staff.goto(f"{stack.address}/desk/invoices/batch/")
    staff.get_by_role("button", name="See what would be issued").click()
    expect(staff.get_by_text("Nothing is left to invoice in these days.")).to_be_visible()


def test_a_part_of_a_payment_goes_back_after_asking_twice(signed_in: Callable[..., Page], stack: Stack) -> None:
    staff = signed_in("Mara Feldt")
    staff.goto(f"{stack.address}/desk/payments/?show=paid&how=online")
    staff.locator("main table tbody a").last.click()
    staff.get_by_role("link", name="Refund").click()
    staff.get_by_label("Amount to refund").fill("5.00")
    staff.get_by_label("Reason").fill("Session ended early")
    staff.get_by_role("button", name="Next").click()
    expect(staff.get_by_role("heading", name="Refund $5.00?")).to_be_visible()
    staff.get_by_role("button", name="Refund $5.00").click()
    expect(staff.get_by_text("$5.00 is refunded to the card.")).to_be_visible()
    expect(staff.get_by_text("Session ended early")).to_be_visible()


def test_a_client_turns_autopay_on_with_a_limit_and_holds_it(signed_in: Callable[..., Page], stack: Stack) -> None:
    client, staff = signed_in("Ada Brook", PHONE), signed_in("Mara Feldt")
    steps.go_home(client)
    client.locator("main").get_by_role("link", name="AutoPay").click()
    client.get_by_text("Turn AutoPay on").first.click()
    form = client.locator("form[action$='/agree/autopay/']")
    expect(form.locator("input:checked")).to_have_count(0)
    form.get_by_role("button", name="Turn AutoPay on").click()
    expect(client.get_by_text("Nothing is agreed yet")).to_be_visible()
    form = client.locator("form[action$='/agree/autopay/']")
    form.get_by_role("radio").first.check()
    form.get_by_label("At most, each time").fill("200")
    form.get_by_label("I agree").check()
    form.get_by_role("button", name="Turn AutoPay on").click()
    expect(client.get_by_text("AutoPay is on.")).to_be_visible()
    section = client.locator("section").filter(has=client.get_by_role("heading", name="Pay automatically"))
    section.get_by_role("button", name="Hold").click()
    expect(client.get_by_text("It is on hold. Nothing is charged.")).to_be_visible()
    open_client(staff, "Ada Brook")
    staff.get_by_role("link", name="AutoPay", exact=True).click()
    agreed = staff.locator("li").filter(has_text="At most $200.00 a charge.")
    expect(agreed).to_contain_text("On hold")
    section.get_by_role("button", name="End it").click()
    expect(client.get_by_text("It is ended.")).to_be_visible()
