"""The practice's side: its switches close and open the portal's door, and what it records arrives there."""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import Page, expect

from tests.flows import steps
from tests.flows.conftest import PHONE, Stack

SWITCH = "Allow Payments Through Client Portal"


def expect_closed(page: Page, stack: Stack) -> None:
    """No button, no link, and a closed address that says whom to call."""
    steps.go_home(page)
    expect(page.get_by_role("heading", name="Balance Due")).to_be_visible()
    expect(page.get_by_role("link", name="Make a Payment")).to_have_count(0)
    expect(page.get_by_role("button", name="Make a Payment")).to_have_count(0)
    for path in ("pay/", "pay/window/"):
        page.goto(f"{stack.address}/portal/{path}")
        expect(page.get_by_role("heading", name="Online payments are not turned on")).to_be_visible()
        expect(page.locator("main")).to_contain_text("reach out to your therapist")
        expect(page.locator("main").get_by_role("link", name="(303) 555-0142")).to_be_visible()
        expect(page.locator("main").get_by_role("link", name="hello@willowcreek.example.org")).to_be_visible()


def turn(staff: Page, word: str) -> None:
    staff.goto(staff.url.split("/desk/")[0] + "/desk/settings/")
    form = staff.locator("form").filter(has=staff.get_by_role("heading", name=SWITCH))
    form.get_by_role("button", name=f"Turn {word}").click()
    expect(form.get_by_text(word.title(), exact=True)).to_be_visible()


def open_client(staff: Page, name: str) -> None:
    staff.get_by_role("link", name="Clients", exact=True).click()
    staff.get_by_role("link", name=name).first.click()
    expect(staff.get_by_role("heading", name=name, level=1)).to_be_visible()


def test_the_clients_own_switch_closes_the_door(signed_in: Callable[..., Page], stack: Stack) -> None:
    expect_closed(signed_in("Greta Lund", PHONE), stack)


def test_the_practices_switch_closes_and_opens_the_door_and_a_payment_arrives_at_the_desk(
    signed_in: Callable[..., Page], stack: Stack
) -> None:
    staff, client = signed_in("Mara Feldt"), signed_in("Peter Marsh", PHONE)
    steps.open_list(client)
    window = steps.open_window(client)
    steps.enter_new_card(window, steps.GOOD)
    turn(staff, "off")
    try:
        window.locator("[data-pay]").click()
        expect(client.get_by_role("heading", name="Online payments are not turned on")).to_be_visible()
        expect_closed(client, stack)
    finally:
        turn(staff, "on")
    steps.pay_new(client, steps.GOOD)
    steps.expect_result(client, "Paid $56.00")
    staff.get_by_role("link", name="Payments", exact=True).click()
    first = staff.locator("table tbody tr").first
    expect(first).to_contain_text("Peter Marsh")
    expect(first).to_contain_text("$56.00")
    expect(first).to_contain_text("Paid")


def test_a_recorded_and_invoiced_service_appears_in_the_portal(
    signed_in: Callable[..., Page], stack: Stack
) -> None:
    staff, client = signed_in("Mara Feldt"), signed_in("Iris Moon", PHONE)
    before = steps.balance(client)
    open_client(staff, "Iris Moon")
    staff.get_by_role("link", name="Record a service").click()
    staff.get_by_label("Service", exact=True).select_option(label="Letter or form (LTR), $40.00")
    staff.get_by_label("Clinician").select_option(index=1)
    staff.get_by_role("button", name="Record the service").click()
    open_client(staff, "Iris Moon")
    staff.get_by_role("link", name="Issue an invoice").click()
    staff.get_by_role("button", name="See the invoice first").click()
    # What waited with it is on it too, unless somebody has issued that before.
    invoiced = steps.money(staff.locator(".card-head strong").text_content())
    staff.get_by_role("button", name="Issue the invoice").click()
    assert steps.balance(client) == before + invoiced == 280
    steps.open_list(client)
    expect(steps.rows(client).filter(has_text="Letter or form")).to_contain_text("$40.00")
    steps.rows(client).filter(has_text="Letter or form").get_by_role("link", name="Make a Payment").click()
    window = client.get_by_role("dialog", name="Make a Payment")
    steps.enter_new_card(window, steps.GOOD)
    steps.press_pay(window, client)
    steps.expect_result(client, "Paid $40.00")


def test_at_320_px_the_practices_name_takes_two_lines_at_most_and_the_menu_names_the_person(
    signed_in: Callable[..., Page], stack: Stack
) -> None:
    for who, path in (("Mara Feldt", "/desk/"), ("Ada Brook", "/portal/")):
        page = signed_in(who)
        page.set_viewport_size({"width": 320, "height": 700})
        page.goto(f"{stack.address}{path}")
        name = page.locator(".brand-name").first
        name.evaluate("element => element.textContent = 'Northern Center for Family and Couples Counseling'")
        lines = name.evaluate(
            "element => Math.round(element.clientHeight / parseFloat(getComputedStyle(element).lineHeight))"
        )
        assert lines == 2
        summary = page.locator("details.menu > summary").first
        assert summary.inner_text().strip() == who.partition(" ")[0]
        summary.click()
        expect(page.locator(".menu-title").first).to_contain_text(who)
