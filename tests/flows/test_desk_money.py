"""The biller's day in a real browser: a batch of invoices, cash, a refund; and AutoPay that a client turned on."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import Page, expect
from pypdf import PdfReader

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
    form.get_by_label("Also charge what is due from before today").check()
    form.get_by_label("I agree").check()
    form.get_by_role("button", name="Turn AutoPay on").click()
    expect(client.get_by_text("AutoPay is on.")).to_be_visible()
    expect_notice_of_tomorrow(client, stack)
    section = client.locator("section").filter(has=client.get_by_role("heading", name="Pay automatically"))
    section.get_by_role("button", name="Hold").click()
    expect(client.get_by_text("It is on hold. Nothing is charged.")).to_be_visible()
    open_client(staff, "Ada Brook")
    staff.get_by_role("link", name="AutoPay", exact=True).click()
    agreed = staff.locator("li").filter(has_text="At most $200.00 a charge.")
    expect(agreed).to_contain_text("On hold")
    section.get_by_role("button", name="End it").click()
    expect(client.get_by_text("It is ended.")).to_be_visible()


def expect_notice_of_tomorrow(client: Page, stack: Stack) -> None:
    """The day before, an e-mail says that something is charged, and the page how much."""
    stack.command("paywell", "shell", "-c", "from paywell.agreements.automatic import announce_due; announce_due()")
    client.reload()
    planned = client.locator("li").filter(has_text="Planned")
    expect(planned).to_contain_text(re.compile(r"\$(1\d\d|200)\.00"))
    said = "Subject: WILLOW CREEK: an automatic payment tomorrow"
    for _ in range(100):
        mails = [mail.read_text() for mail in (stack.var / "emails").glob("*.eml")]
        if any(said in mail and "To: ada.brook@example.org" in mail for mail in mails):
            return
        client.wait_for_timeout(200)
    raise AssertionError("no notice of tomorrow's charge was sent")


def test_saved_cards_are_charged_together_after_a_preview_that_says_who_is_left_out(
    signed_in: Callable[..., Page], stack: Stack
) -> None:
    staff = signed_in("Mara Feldt")
    staff.goto(f"{stack.address}/desk/charges/")
    expect(staff.get_by_role("heading", name="Left out, and why")).to_be_visible()
    expect(staff.locator("li").filter(has_text="Greta Lund")).to_contain_text("stayed at an earlier processor")
    row = staff.locator("tbody tr").filter(has_text="Ada Brook")
    expect(row).to_contain_text("Mastercard 4444")
    row.get_by_role("textbox").fill("1.00")
    staff.get_by_role("button", name="Charge the ticked cards").click()
    expect(staff.locator("#progress .badge")).to_have_text("Done")
    expect(staff.locator("#progress-words")).to_have_text("1 of 1 done.")


def test_a_pay_link_is_sent_listed_and_revoked(
    signed_in: Callable[..., Page], new_page: Callable[..., Page], stack: Stack
) -> None:
    staff, stranger = signed_in("Mara Feldt"), new_page(PHONE)
    staff.goto(f"{stack.address}/desk/invoices/?show=overdue")
    staff.locator("main table tbody a").first.click()
    label = staff.get_by_role("heading", level=1).inner_text()
    staff.get_by_role("button", name="Make a pay link").click()
    address = staff.get_by_label("Address").input_value()
    staff.get_by_role("button", name=re.compile("^E-mail it to")).first.click()
    expect(staff.get_by_text("The link is on its way to")).to_be_visible()
    stranger.goto(address)
    expect(stranger.get_by_text(label).first).to_be_visible()
    staff.goto(f"{stack.address}/desk/pay-links/")
    staff.get_by_role("button", name=f"Revoke {label}").first.click()
    expect(staff.get_by_text("The link opens nothing any more.")).to_be_visible()
    stranger.goto(address)
    expect(stranger.get_by_text(label)).to_have_count(0)


@pytest.mark.parametrize("paper", ["Letter", "A4"])
def test_the_months_end_prints_on_one_sheet_that_names_the_practice(
    signed_in: Callable[..., Page], stack: Stack, paper: str
) -> None:
    staff = signed_in("Mara Feldt")
    month = datetime.now(tz=ZoneInfo("America/Denver")).strftime("%Y-%m")
    staff.goto(f"{stack.address}/desk/reports/month-end/?month={month}")
    assert staff.locator(".charts .card").count() > 4
    edge = "0.5in"
    sheet = staff.pdf(format=paper, margin={"top": edge, "right": edge, "bottom": edge, "left": edge})
    [page] = PdfReader(io.BytesIO(sheet)).pages
    text = page.extract_text()
    assert "Willow Creek Therapy" in text
    assert "Month's end" in text
