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
    search = page.get_by_role("combobox", name="Search clients and invoices")
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
    expect(page.get_by_role("combobox", name="Search clients and invoices")).not_to_be_focused()
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


def test_the_search_finds_as_one_types_and_opens_by_keys_alone(
    signed_in: Callable[..., Page], stack: Stack
) -> None:
    page = signed_in("Joan Petrie")
    addresses: list[str] = []
    page.on("request", lambda request: addresses.append(request.url))
    page.goto(f"{stack.address}/desk/")
    page.wait_for_load_state()
    page.keyboard.press("/")
    search = page.get_by_role("combobox", name="Search clients and invoices")
    page.keyboard.type("vance")
    options = page.get_by_role("listbox", name="Found").get_by_role("option")
    expect(options.last).to_have_text("Show all results")
    expect(search).to_have_attribute("aria-expanded", "true")
    assert not [address for address in addresses if "vance" in address]
    page.keyboard.press("ArrowDown")
    expect(options.first).to_have_attribute("aria-selected", "true")
    expect(search).to_have_attribute("aria-activedescendant", options.first.get_attribute("id") or "")
    page.keyboard.press("ArrowUp")
    expect(page.locator("[aria-selected=true]")).to_have_count(0)
    page.keyboard.press("Escape")
    expect(options.first).to_be_hidden()
    expect(search).to_have_value("vance")
    page.keyboard.press("ArrowDown")
    name = options.first.locator(".grow").evaluate("one => one.firstChild.textContent.trim()")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text(name)

    page.wait_for_load_state()
    page.keyboard.press("/")
    page.keyboard.type("nobodyatall")
    expect(page.locator("#desk-found-status")).to_have_text("Nothing found.")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Search for “nobodyatall”")
