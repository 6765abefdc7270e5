"""Two screens: Next leads to the processor's own page, Submit there pays, and one is back."""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import Page, expect

from tests.flows import steps
from tests.flows.conftest import PHONE, Stack


def to_the_processor(page: Page, stack: Stack, row: int = 0, notes: str = "") -> None:
    """One service's window, then Next: the whole page goes to the processor."""
    steps.open_list(page)
    window = steps.open_window(page, row)
    expect(window.get_by_label("Enter New Card")).to_have_count(0)
    window.get_by_label("Notes").fill(notes)
    window.get_by_role("button", name="Next").click()
    page.wait_for_url(f"{stack.processor}/pay/**")


def submit(page: Page) -> None:
    page.get_by_role("button", name="Submit").click()


def test_a_new_payment_method_is_kept_and_then_used_again(signed_in: Callable[..., Page], stack: Stack) -> None:
    page = signed_in("Helen Stroud")
    before, charged = steps.balance(page), len(stack.charges(status="succeeded"))
    to_the_processor(page, stack, notes="The first two")
    expect(page.get_by_role("heading", name="New Payment Method")).to_be_visible()
    expect(page.get_by_text("Saved Payment Method")).to_have_count(0)
    expect(page.get_by_label("Save for Future Use")).not_to_be_checked()
    steps.type_card(page, steps.GOOD)
    page.get_by_label("Save for Future Use").check()
    submit(page)
    page.wait_for_url(steps.RESULT)
    steps.expect_result(page, "Paid $114.00")
    expect(page.locator(".facts")).to_contain_text("Visa 4242")
    expect(page.locator(".facts")).to_contain_text("The first two")

    to_the_processor(page, stack)
    expect(page.get_by_text("Saved Payment Method")).to_be_visible()
    page.get_by_label("Visa 4242").check()
    submit(page)
    page.wait_for_url(steps.RESULT)
    steps.expect_result(page, "Paid $114.00")
    assert steps.balance(page) == before - 228
    assert len(stack.charges(status="succeeded")) == charged + 2


def test_several_services_go_to_the_processor_as_one_sum(signed_in: Callable[..., Page], stack: Stack) -> None:
    page = signed_in("Clara Wynn")
    steps.open_list(page)
    for number in (0, 1, 2):
        steps.rows(page).nth(number).get_by_role("checkbox").check()
    total = sum(steps.money(text) for text in page.locator(".pay-table .due-cell").all_text_contents()[:3])
    window = steps.open_window_of_ticked(page)
    expect(window.locator("input[name=amount]")).to_have_count(0)
    window.get_by_role("button", name="Next").click()
    page.wait_for_url(f"{stack.processor}/pay/**")
    expect(page.get_by_role("button", name="Submit")).to_contain_text(f"${total:,.2f}")
    page.get_by_label("Visa 4242").check()
    submit(page)
    page.wait_for_url(steps.RESULT)
    steps.expect_result(page, f"Paid ${total:,.2f}")


def test_the_way_back_without_submit_charges_nothing_and_one_can_pay_again(
    signed_in: Callable[..., Page], stack: Stack
) -> None:
    page = signed_in("Omar Reyes")
    before, charged = steps.balance(page), len(stack.charges(status="succeeded"))
    to_the_processor(page, stack)
    page.get_by_role("link", name="Back to").click()
    page.wait_for_url(steps.RESULT)
    expect(page.get_by_text("You have not been charged.").first).to_be_visible()
    cancel = page.get_by_role("button", name="Cancel this payment")
    if cancel.count():
        cancel.click()
    steps.expect_result(page, "Canceled")
    assert steps.balance(page) == before

    to_the_processor(page, stack)
    steps.type_card(page, steps.MASTERCARD)
    submit(page)
    page.wait_for_url(steps.RESULT)
    steps.expect_result(page, "Paid")
    assert steps.balance(page) < before
    assert len(stack.charges(status="succeeded")) == charged + 1


def test_a_declined_card_stays_on_the_processors_page_for_another_one(
    signed_in: Callable[..., Page], stack: Stack
) -> None:
    page = signed_in("Clara Wynn")
    charged = len(stack.charges(status="succeeded"))
    to_the_processor(page, stack)
    page.get_by_label("New Payment Method").check()
    steps.type_card(page, steps.NO_MONEY)
    submit(page)
    expect(page.get_by_role("alert")).to_contain_text("You have not been charged")
    steps.type_card(page, steps.BANK_CHECK)
    submit(page)
    page.get_by_role("button", name="Approve").click()
    page.wait_for_url(steps.RESULT)
    steps.expect_result(page, "Paid")
    assert len(stack.charges(status="succeeded")) == charged + 1


def test_a_processors_page_that_does_not_answer_is_found_out_on_the_way_back(
    signed_in: Callable[..., Page], stack: Stack
) -> None:
    page = signed_in("Lou Hatch", PHONE)
    charged = len(stack.charges(status="succeeded"))
    to_the_processor(page, stack)
    steps.type_card(page, steps.LOST)
    submit(page)
    expect(page.get_by_text("Do not pay again")).to_be_visible()
    page.get_by_role("link", name="Back to").click()
    page.wait_for_url(steps.RESULT)
    steps.expect_result(page, "Paid")
    assert len(stack.charges(status="succeeded")) == charged + 1


def test_back_to_the_processors_page_after_paying_does_not_pay_again(
    signed_in: Callable[..., Page], stack: Stack
) -> None:
    page = signed_in("Nora Vance", practice=1)
    page.goto(f"{stack.address}/portal/")
    if not page.get_by_text("Harbor Light").count():
        page.locator("details.menu summary").click()
        page.locator("details.menu").get_by_role("button", name="Harbor Light").click()
    charged = len(stack.charges(status="succeeded"))
    to_the_processor(page, stack)
    theirs = page.url
    steps.type_card(page, steps.GOOD)
    submit(page)
    page.wait_for_url(steps.RESULT)
    page.goto(theirs)
    page.wait_for_url(steps.RESULT)
    steps.expect_result(page, "Paid")
    assert len(stack.charges(status="succeeded")) == charged + 1


def test_two_steps_need_no_javascript_from_sign_in_to_receipt(signed_in: Callable[..., Page], stack: Stack) -> None:
    page = signed_in("Lou Hatch", PHONE, javascript=False)
    before, charged = steps.balance(page), len(stack.charges(status="succeeded"))
    steps.open_list(page)
    due = [steps.money(text) for text in page.locator(".pay-table .due-cell").all_text_contents()]
    total = f"${due[0] + due[1]:,.2f}"
    boxes = page.locator("input[name=line]")
    boxes.nth(0).check()
    boxes.nth(1).check()
    page.locator("[data-pay-ticked]").click()
    page.get_by_label("Notes").fill("No scripts here")
    page.get_by_role("button", name="Next").click()
    page.wait_for_url(f"{stack.processor}/pay/**")
    steps.type_card(page, steps.GOOD)
    submit(page)
    page.wait_for_url(steps.RESULT)
    steps.expect_result(page, f"Paid {total}")
    receipt = page.get_by_role("link", name="Print Receipt").get_attribute("href")
    answer = page.request.get(f"{stack.address}{receipt}")
    assert answer.headers["content-type"] == "application/pdf"
    page.get_by_role("link", name="Receipt on screen").click()
    expect(page.locator("body")).to_contain_text(total)
    assert steps.balance(page) == before - due[0] - due[1]
    assert len(stack.charges(status="succeeded")) == charged + 1

    steps.open_list(page)
    page.get_by_role("link", name="Check All").click()
    expect(page.locator("input[name=line]:checked")).to_have_count(boxes.count())


def test_one_screen_without_javascript_says_what_it_needs(signed_in: Callable[..., Page]) -> None:
    page = signed_in("Samir Dunn", PHONE, javascript=False)
    steps.open_list(page)
    steps.rows(page).first.get_by_role("link", name="Make a Payment").click()
    needs = page.locator("noscript .banner")
    expect(needs).to_be_visible()
    assert needs.inner_text().startswith("Entering a new card needs JavaScript")
    expect(page.get_by_role("link", name="555-0142").first).to_be_visible()
