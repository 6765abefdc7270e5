"""Who sees what: a parent of two, and a payer who is told nothing clinical."""

from __future__ import annotations

import re
from collections.abc import Callable

from playwright.sync_api import Page, expect

from tests.flows import steps
from tests.flows.conftest import PHONE, Stack


def test_a_parent_switches_between_two_children_and_the_other_practice(
    signed_in: Callable[..., Page], stack: Stack
) -> None:
    page = signed_in("Nora Vance", PHONE)
    balances = {}
    for account, practice in (("Mia Vance", "Willow"), ("Leo Vance", "Willow"), ("Nora Vance", "Harbor")):
        steps.go_home(page)
        menu = page.locator("details.menu")
        menu.locator("summary").click()
        menu.get_by_role("button", name=re.compile(f"^{account.split()[0]}.*{practice}")).click()
        expect(page.locator(".whose")).to_contain_text(account)
        expect(page.locator("header")).to_contain_text(practice)
        balances[account] = steps.balance(page)
        steps.open_list(page)
        for other in {"Mia Vance", "Leo Vance"} - {account}:
            expect(page.locator("main")).not_to_contain_text(other)
    assert balances["Mia Vance"] != balances["Leo Vance"]


def test_a_payer_without_documents_sees_amounts_and_no_wording(
    signed_in: Callable[..., Page], stack: Stack
) -> None:
    page = signed_in("Lou Hatch")
    for path in ("", "pay/", "payments/", "documents/"):
        page.goto(f"{stack.address}/portal/{path}")
        expect(page.get_by_role("heading", level=1)).to_be_attached()
        for word in ("Counseling", "Care coordination", "H0004", "T1017", "F43"):
            expect(page.locator("main")).not_to_contain_text(word)
        expect(page.get_by_role("link", name="Print Superbill")).to_have_count(0)
    page.goto(f"{stack.address}/portal/pay/")
    expect(steps.rows(page).first).to_contain_text("Service")
    window = steps.open_window(page)
    expect(window).not_to_contain_text("Counseling")


def test_somebody_elses_payment_is_not_found(signed_in: Callable[..., Page], stack: Stack) -> None:
    page = signed_in("Ines Coral")
    page.goto(f"{stack.address}/portal/payments/")
    page.locator(".history-table tbody tr").first.get_by_role("link").first.click()
    theirs = page.url
    other = signed_in("Ben Ashby")
    for address in (theirs, f"{theirs}receipt/", f"{theirs}receipt.pdf"):
        answer = other.goto(address)
        assert answer is not None
        assert answer.status == 404
        expect(other.locator("body")).not_to_contain_text("Ines")
