"""One screen: the card is chosen in the window itself, on a phone."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

from playwright.sync_api import Page, expect

from tests.flows import steps
from tests.flows.conftest import PHONE, Stack


def test_one_service_is_paid_in_part_by_a_new_card_that_is_kept(
    signed_in: Callable[..., Page], stack: Stack
) -> None:
    page = signed_in("Owen Pike", PHONE)
    expect(page.get_by_role("heading", name="Balance Due")).to_be_visible()
    before, charged = steps.balance(page), len(stack.charges(status="succeeded"))

    steps.open_list(page)
    window = steps.open_window(page)
    amount = window.get_by_label("Payment Amount")
    assert Decimal(amount.input_value()) == steps.money(steps.rows(page).first.locator(".due-cell").text_content())
    amount.fill("60.25")
    expect(window.locator("[data-pay]")).to_contain_text("$60.25")
    expect(window.get_by_label("Save Card for Future Payments")).not_to_be_checked()
    steps.enter_new_card(window, steps.GOOD)
    window.get_by_label("Save Card for Future Payments").check()
    window.get_by_label("Notes").fill("First part, the rest <b>next week</b>")
    steps.press_pay(window, page)

    steps.expect_result(page, "Paid $60.25")
    expect(page.locator(".facts")).to_contain_text("Visa 4242")
    expect(page.locator(".new-balance")).to_contain_text(f"${before - Decimal('60.25'):,.2f}")
    assert steps.balance(page) == before - Decimal("60.25")
    assert len(stack.charges(status="succeeded")) == charged + 1

    page.get_by_role("link", name="Payment History").last.click()
    row = page.locator(".history-table tbody tr").first
    expect(row).to_contain_text("First part, the rest <b>next week</b>")
    expect(row).to_contain_text("Visa 4242")
    expect(row).to_contain_text("Paid")
    expect(row).to_contain_text("$60.25")
    receipt = page.request.get(row.get_by_role("link", name="Print Receipt").evaluate("link => link.href"))
    assert receipt.headers["content-type"] == "application/pdf"
    assert receipt.body().startswith(b"%PDF")
    row.get_by_role("link").first.click()
    page.get_by_role("link", name="Receipt on screen").click()
    expect(page.locator("body")).to_contain_text("$60.25")

    page.goto(f"{stack.address}/portal/cards/")
    expect(page.locator(".saved-card")).to_contain_text("Visa 4242")


def test_several_services_are_paid_together_by_the_saved_card_and_never_twice(
    signed_in: Callable[..., Page], stack: Stack
) -> None:
    page = signed_in("Ada Brook", PHONE)
    before, charged = steps.balance(page), len(stack.charges(status="succeeded"))
    steps.open_list(page)
    due = [steps.money(text) for text in page.locator(".pay-table .due-cell").all_text_contents()]

    page.get_by_label("Check All").check()
    bar = page.locator("[data-sum-text]")
    expect(bar).to_contain_text(f"{len(due)} services")
    expect(bar).to_contain_text(f"${sum(due):,.2f}")
    page.get_by_label("Check All").uncheck()
    expect(page.locator("input[name=line]:checked")).to_have_count(0)
    for number in (0, 2):
        steps.rows(page).nth(number).get_by_role("checkbox").check()
    total = due[0] + due[2]
    expect(bar).to_contain_text("2 services")
    expect(bar).to_contain_text(f"${total:,.2f}")

    window = steps.open_window_of_ticked(page)
    expect(window.locator("input[name=amount]")).to_have_count(0)
    expect(window.get_by_text("Payment Amount")).to_be_visible()
    window.get_by_label("Mastercard 4444").check()
    button = window.locator("[data-pay]")
    expect(button).to_contain_text(f"${total:,.2f}")
    button.dblclick()
    page.wait_for_url(steps.RESULT)
    steps.expect_result(page, f"Paid ${total:,.2f}")
    assert len(stack.charges(status="succeeded")) == charged + 1

    page.reload()
    steps.expect_result(page, f"Paid ${total:,.2f}")
    page.go_back()
    page.wait_for_load_state()
    page.reload()
    page.go_forward()
    steps.expect_result(page, f"Paid ${total:,.2f}")
    assert steps.balance(page) == before - total
    assert len(stack.charges(status="succeeded")) == charged + 1


def test_the_same_window_in_two_tabs_pays_once(signed_in: Callable[..., Page], stack: Stack) -> None:
    page = signed_in("Lena Frost")
    other = page.context.new_page()
    charged = len(stack.charges(status="succeeded"))
    page.goto(f"{stack.address}/portal/pay/")
    before = steps.rows(page).count()
    other.goto(page.url)
    windows = [steps.open_window(tab) for tab in (page, other)]
    for window in windows:
        steps.enter_new_card(window, steps.GOOD)
    steps.press_pay(windows[0], page)
    steps.expect_result(page, "Paid")
    windows[1].locator("[data-pay]").click()
    expect(other.get_by_text("One of these services is already paid. Nothing was charged.")).to_be_visible()
    other.goto(f"{stack.address}/portal/pay/")
    expect(steps.rows(other)).to_have_count(before - 1)
    assert len(stack.charges(status="succeeded")) == charged + 1
