"""The window as somebody meets it who uses a keyboard or a screen reader."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.flows import steps
from tests.flows.conftest import PHONE, Stack

ACTIVE = "document.activeElement"


def tab_to(page: Page, condition: str, limit: int = 60) -> None:
    """Press Tab until the focused element meets the condition, as somebody does who has no mouse."""
    for _ in range(limit):
        page.keyboard.press("Tab")
        if page.evaluate(f"{ACTIVE}.matches({condition!r})"):
            return
    raise AssertionError(f"Tab does not lead to {condition}")


@pytest.mark.parametrize("way_out", ["Escape", "Close"])
def test_focus_goes_into_the_window_and_comes_back(signed_in: Callable[..., Page], way_out: str) -> None:
    page = signed_in("Tom Vale", PHONE)
    steps.open_list(page)
    opener = steps.rows(page).nth(1).get_by_role("link", name="Make a Payment")
    opener.focus()
    page.keyboard.press("Enter")
    window = page.get_by_role("dialog", name="Make a Payment")
    expect(window.get_by_role("heading", name="Make a Payment")).to_be_focused()
    expect(page.locator("dialog:modal")).to_have_count(1)
    for _ in range(25):
        page.keyboard.press("Tab")
        assert page.evaluate(f"{ACTIVE} === document.body || {ACTIVE}.closest('dialog') !== null")
    if way_out == "Escape":
        window.get_by_label("Payment Amount").focus()
        page.keyboard.press("Escape")
    else:
        window.get_by_role("button", name="Close").click()
    expect(window).to_be_hidden()
    expect(opener).to_be_focused()


def test_the_sum_of_what_is_ticked_is_a_live_status(signed_in: Callable[..., Page]) -> None:
    page = signed_in("Tom Vale")
    steps.open_list(page)
    due = [steps.money(text) for text in page.locator(".pay-table .due-cell").all_text_contents()]
    status = page.get_by_role("status").filter(has=page.locator("[data-sum]"))
    steps.rows(page).nth(0).get_by_role("checkbox").check()
    expect(status).to_contain_text("1 service")
    expect(status).to_contain_text(f"${due[0]:,.2f}")
    steps.rows(page).nth(1).get_by_role("checkbox").check()
    expect(status).to_contain_text("2 services")
    expect(status).to_contain_text(f"${due[0] + due[1]:,.2f}")
    assert page.get_by_label("Check All").evaluate("box => box.indeterminate")
    steps.rows(page).nth(1).get_by_role("checkbox").uncheck()
    window = steps.open_window_of_ticked(page)
    expect(window.get_by_label("Payment Amount")).to_be_editable()


def test_a_wrong_amount_is_said_at_the_field_before_anything_is_sent(
    signed_in: Callable[..., Page], stack: Stack
) -> None:
    page = signed_in("Tom Vale")
    attempts = len(stack.charges())
    steps.open_list(page)
    window = steps.open_window(page)
    amount = window.get_by_label("Payment Amount")
    for typed, words in {
        "0": "more than zero",
        "99999": "at most the balance due",
        "1,00": "dollars and cents",
        "NaN": "dollars and cents",
    }.items():
        amount.fill(typed)
        window.locator("[data-pay]").click()
        expect(window.locator("#pay-amount-error")).to_contain_text(words)
        expect(amount).to_have_attribute("aria-invalid", "true")
        expect(amount).to_be_focused()
    assert len(stack.charges()) == attempts


def test_a_payment_needs_no_mouse(signed_in: Callable[..., Page], stack: Stack) -> None:
    page = signed_in("Ben Ashby")
    succeeded = len(stack.charges(status="succeeded"))
    tab_to(page, "main a[href$='/pay/']")
    page.keyboard.press("Enter")
    page.wait_for_url("**/portal/pay/")
    tab_to(page, "a[data-window]")
    page.keyboard.press("Enter")
    window = page.get_by_role("dialog", name="Make a Payment")
    expect(window.get_by_role("heading", name="Make a Payment")).to_be_focused()
    expect(steps.card_fields(window).get_by_role("textbox", name="Card number")).to_be_visible()
    tab_to(page, "input[name=amount]")
    page.keyboard.press("ControlOrMeta+A")
    page.keyboard.type("12.34")
    tab_to(page, ".card-frame iframe")
    page.keyboard.type(steps.GOOD)
    for typed in ("1240", "123", "80401"):
        page.keyboard.press("Tab")
        page.keyboard.type(typed)
    page.keyboard.press("Enter")
    page.wait_for_url(steps.RESULT)
    steps.expect_result(page, "Paid $12.34")
    assert len(stack.charges(status="succeeded")) == succeeded + 1
