"""A biller works by keys, and who doesn't want them turns them off."""

from __future__ import annotations

import re
from collections.abc import Callable

from playwright.sync_api import Page, expect

from tests.flows.conftest import Stack


def test_a_biller_works_by_keys(signed_in: Callable[..., Page], stack: Stack) -> None:
    page = signed_in("Mara Feldt")
    page.goto(f"{stack.address}/desk/clients/")
    page.wait_for_load_state()
    rows = page.locator("main .lead-cell a")
    names = rows.all_text_contents()
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("k")
    expect(rows.nth(0)).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text(names[0])
    page.wait_for_load_state()
    page.keyboard.press("n")
    expect(page.get_by_role("heading", level=1)).to_have_text(names[1])
    page.wait_for_load_state()
    page.keyboard.press("p")
    expect(page).to_have_url(re.compile("/payments/new/$"))
    page.goto(f"{stack.address}/desk/")
    page.wait_for_load_state()
    page.keyboard.press("/")
    search = page.get_by_role("searchbox", name="Search clients and invoices")
    expect(search).to_be_focused()
    page.keyboard.type("?jp")
    expect(search).to_have_value("?jp")

    page.goto(f"{stack.address}/desk/clients/")
    page.wait_for_load_state()
    page.keyboard.press("?")
    dialog = page.get_by_role("dialog", name="Keys")
    expect(dialog).to_be_visible()
    dialog.get_by_label("Keys are on in this browser").uncheck()
    dialog.get_by_role("button", name="Close").click()
    page.keyboard.press("/")
    expect(page.get_by_role("searchbox", name="Search clients and invoices")).not_to_be_focused()
    page.keyboard.press("?")
    expect(dialog).to_be_visible()


def test_search_record_a_payment_and_the_next_with_keys_alone(signed_in: Callable[..., Page], stack: Stack) -> None:
    page = signed_in("Joan Petrie")
    heading = page.get_by_role("heading", level=1)
    page.goto(f"{stack.address}/desk/")
    page.wait_for_load_state()
    page.keyboard.press("/")
    page.keyboard.type("vance")
    page.keyboard.press("Enter")
    expect(heading).to_contain_text("vance")
    page.wait_for_load_state()
    names = page.locator("main .links > li > a .grow").all_inner_texts()
    first, second = (name.splitlines()[0] for name in names[:2])
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    expect(heading).to_have_text(first)
    page.wait_for_load_state()
    page.keyboard.press("p")
    expect(page.get_by_label("Amount", exact=True)).to_be_focused()
    page.keyboard.press("Control+a")
    page.keyboard.type("12.00")
    page.keyboard.press("Tab")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Enter")
    expect(heading).to_contain_text("$12.00 from")
    page.wait_for_load_state()
    page.keyboard.press("n")
    expect(heading).to_have_text(second)
    page.wait_for_load_state()
    page.keyboard.press("p")
    expect(page.get_by_label("Amount", exact=True)).to_be_focused()
