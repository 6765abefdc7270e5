"""What the bank and the processor may answer to one card in one screen, and what the person reads then."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Page, expect

from tests.flows import steps
from tests.flows.conftest import PHONE, Stack

NOT_CHARGED = "You have not been charged."
DECLINES = {
    steps.DECLINED: "Your bank declined this card and gave no reason.",
    steps.NO_MONEY: "there is not enough money on this card",
    steps.EXPIRED: "This card has expired.",
    steps.WRONG_CVC: "The security code does not match this card.",
}


@contextmanager
def charged(stack: Stack, times: int) -> Iterator[None]:
    """Exactly so many charges succeed at the processor meanwhile."""
    before = len(stack.charges(status="succeeded"))
    yield
    assert len(stack.charges(status="succeeded")) == before + times


def test_every_decline_says_why_and_that_nothing_was_charged(signed_in: Callable[..., Page], stack: Stack) -> None:
    page = signed_in("Victor Hale", PHONE)
    before = steps.balance(page)
    with charged(stack, 0):
        for number, words in DECLINES.items():
            steps.pay_new(page, number)
            steps.expect_result(page, "Declined")
            expect(page.locator(".result")).to_contain_text(words)
            expect(page.locator(".result")).to_contain_text(NOT_CHARGED)
            page.reload()
            steps.expect_result(page, "Declined")
        assert steps.balance(page) == before
    page.goto(f"{stack.address}/portal/payments/")
    for row in page.locator(".history-table tbody tr").all()[: len(DECLINES)]:
        expect(row).to_contain_text("Declined")

    with charged(stack, 1):
        page.locator(".history-table tbody tr").first.get_by_role("link").first.click()
        page.get_by_role("link", name="Try again").click()
        steps.enter_new_card(page, steps.GOOD)
        steps.press_pay(page, page)
        steps.expect_result(page, "Paid")


def test_what_is_no_card_is_said_in_the_fields_and_sends_nothing(
    signed_in: Callable[..., Page], stack: Stack
) -> None:
    page = signed_in("Victor Hale")
    attempts = len(stack.charges())
    steps.open_list(page)
    window = steps.open_window(page)
    steps.enter_new_card(window, "4242424242424241")
    window.locator("[data-pay]").click()
    expect(steps.card_fields(window).get_by_text("This card number is not valid")).to_be_visible()
    expect(window.get_by_role("alert")).to_contain_text("not valid")
    expect(window.locator("[data-pay]")).to_contain_text("Make a Payment")
    assert len(stack.charges()) == attempts
    steps.enter_new_card(window, steps.MASTERCARD)
    with charged(stack, 1):
        steps.press_pay(window, page)
        steps.expect_result(page, "Paid")


@pytest.mark.parametrize(("answer", "heading", "times"), [("Approve", "Paid", 1), ("Refuse", "Declined", 0)])
def test_the_bank_asks_first(
    signed_in: Callable[..., Page], stack: Stack, answer: str, heading: str, times: int
) -> None:
    page = signed_in("Victor Hale", PHONE)
    before = steps.balance(page)
    with charged(stack, times):
        steps.open_list(page)
        window = steps.open_window(page)
        steps.enter_new_card(window, steps.BANK_CHECK)
        window.locator("[data-pay]").click()
        page.wait_for_url(steps.RESULT)
        steps.expect_result(page, "Your bank wants to check that it is you")
        page.get_by_role("link", name="Continue").click()
        page.get_by_role("button", name=answer).click()
        page.wait_for_url(steps.RESULT)
        steps.expect_result(page, heading)
        if times:
            assert steps.balance(page) < before
        else:
            expect(page.locator(".result")).to_contain_text("Your bank could not confirm that it is you.")
            expect(page.locator(".result")).to_contain_text(NOT_CHARGED)
            assert steps.balance(page) == before


def test_a_late_answer_shows_processing_holds_the_service_and_then_paid_by_itself(
    signed_in: Callable[..., Page], stack: Stack
) -> None:
    page = signed_in("Dana Marsh", PHONE)
    before = steps.balance(page)
    with charged(stack, 1):
        steps.pay_new(page, steps.LATE)
        expect(page.get_by_role("status")).to_contain_text("do not pay again")
        result = page.url
        page.goto(f"{stack.address}/portal/pay/")
        held = steps.rows(page).first
        expect(held).to_contain_text("payment in progress")
        expect(held.get_by_role("checkbox")).to_have_count(0)
        expect(held.get_by_role("link", name="Make a Payment")).to_have_count(0)
        page.goto(f"{stack.address}/portal/payments/")
        expect(page.locator(".history-table tbody tr").first).to_contain_text("Processing")
        page.goto(result)
        stack.hurry()
        steps.expect_result(page, "Paid $84.00")
        assert steps.balance(page) == before - 84


def test_a_lost_answer_is_found_out_and_never_paid_twice(signed_in: Callable[..., Page], stack: Stack) -> None:
    page = signed_in("Samir Dunn", PHONE)
    before = steps.balance(page)
    with charged(stack, 1):
        with stack.silent_processor("look_up"):
            steps.pay_new(page, steps.LOST)
            expect(page.get_by_role("status")).to_contain_text("We are checking, do not pay again")
            result = page.url
            page.goto(f"{stack.address}/portal/pay/")
            expect(steps.rows(page).first).to_contain_text("payment in progress")
            page.goto(result)
            expect(page.get_by_role("status")).to_contain_text("We are checking, do not pay again")
        steps.expect_result(page, "Paid $40.00")
        page.reload()
        steps.expect_result(page, "Paid $40.00")
        assert steps.balance(page) == before - 40
