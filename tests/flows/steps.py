"""What people do in the portal, step by step, in the words that they see."""

from __future__ import annotations

import re
from decimal import Decimal

from playwright.sync_api import FrameLocator, Locator, Page, expect

GOOD = "4242424242424242"
MASTERCARD = "5555555555554444"
DECLINED = "4000000000000002"
NO_MONEY = "4000000000009995"
EXPIRED = "4000000000000069"
WRONG_CVC = "4000000000000127"
BANK_CHECK = "4000002500003155"
LATE = "4242000000000018"
LOST = "4242000000000026"

RESULT = re.compile(r"/portal/payments/[0-9a-f-]{36}/$")


def money(text: str | None) -> Decimal:
    """`$1,240.00` somewhere in a text, as a number."""
    found = re.search(r"\$([\d,]+\.\d\d)", text or "")
    assert found, f"no amount in {text!r}"
    return Decimal(found[1].replace(",", ""))


def balance(page: Page) -> Decimal:
    """The Balance Due of the home page."""
    go_home(page)
    return money(page.locator(".due .amount").text_content())


def go_home(page: Page) -> None:
    page.goto(re.sub(r"(https?://[^/]+).*", r"\1/portal/", page.url))


def open_list(page: Page) -> None:
    """From the home page by Make a Payment."""
    go_home(page)
    page.locator("main").get_by_role("link", name="Make a Payment").click()
    expect(page.get_by_role("heading", name="Make a Payment", level=1)).to_be_visible()


def rows(page: Page) -> Locator:
    return page.locator("table.pay-table tbody tr")


def open_window(page: Page, row: int = 0) -> Locator:
    """The window of one service, by its own button."""
    page.wait_for_load_state()  # before the scripts have run the button leads to the window's own page
    rows(page).nth(row).get_by_role("link", name="Make a Payment").click()
    dialog = page.get_by_role("dialog", name="Make a Payment")
    expect(dialog).to_be_visible()
    return dialog


def open_window_of_ticked(page: Page) -> Locator:
    """The window of everything that is ticked, by the bar's button."""
    page.wait_for_load_state()
    page.locator("[data-pay-ticked]").click()
    dialog = page.get_by_role("dialog", name="Make a Payment")
    expect(dialog).to_be_visible()
    return dialog


def card_fields(window: Locator | Page) -> FrameLocator:
    """The processor's own fields, in their frame."""
    return window.frame_locator(".card-frame iframe")


def enter_new_card(window: Locator | Page, number: str) -> None:
    """Choose Enter New Card where there is a choice, and fill the processor's fields."""
    choice = window.get_by_label("Enter New Card")
    if not choice.is_checked():
        choice.check()
    type_card(card_fields(window), number)


def type_card(fields: FrameLocator | Locator | Page, number: str) -> None:
    fields.get_by_role("textbox", name="Card number").fill(number)
    fields.get_by_role("textbox", name="Expires").fill("12/40")
    fields.get_by_role("textbox", name="CVC").fill("123")
    fields.get_by_role("textbox", name="ZIP code").fill("80401")


def press_pay(window: Locator | Page, page: Page) -> None:
    """Press the button that takes the money, and wait for the result."""
    window.locator("[data-pay]").click()
    page.wait_for_url(RESULT)


def pay_new(page: Page, number: str, row: int = 0) -> None:
    """From anywhere in the portal: pay one service of the inline practice by a new card, up to its result."""
    open_list(page)
    window = open_window(page, row)
    enter_new_card(window, number)
    press_pay(window, page)


def expect_result(page: Page, heading: str) -> None:
    expect(page.get_by_role("heading", level=1)).to_contain_text(heading)


def first_window(page: Page) -> str:
    """The address of the first service's window, as a page of its own."""
    return rows(page).locator("a[data-window]").first.get_attribute("href") or ""
