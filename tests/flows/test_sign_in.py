"""Getting in, staying in and getting out, as people do it in a browser."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from email import message_from_bytes, policy

from playwright.sync_api import Page, expect

from tests.flows.conftest import PHONE, Stack


def read_mail(stack: Stack, to: str) -> str:
    """The text of the newest e-mail to somebody, awaited for half a minute."""
    for _ in range(60):
        for path in sorted(stack.var.glob("emails/*.eml"), key=lambda p: p.stat().st_mtime_ns, reverse=True):
            message = message_from_bytes(path.read_bytes(), policy=policy.default)
            body = message.get_body(("plain",))
            if to in str(message["To"]) and body is not None:
                return str(message["Subject"]) + "\n" + str(body.get_content())
        time.sleep(0.5)
    raise AssertionError(f"no e-mail to {to}")


def ask_for_new_password(page: Page, stack: Stack, email: str) -> str:
    page.goto(f"{stack.address}/account/login/")
    page.get_by_role("link", name="Forgot your password?").click()
    page.get_by_label("E-mail").fill(email)
    page.locator("main form button[type=submit]").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Look into your e-mail")
    return page.locator("main").inner_text()


def test_a_forgotten_password_is_answered_alike_for_known_and_unknown(
    new_page: Callable[..., Page], stack: Stack
) -> None:
    page = new_page(PHONE, javascript=False)
    known = ask_for_new_password(page, stack, stack.named("Ada Brook")["email"])
    unknown = ask_for_new_password(page, stack, "nobody-here@example.org")
    assert known == unknown
    assert re.search(rf"{re.escape(stack.address)}/\S+", read_mail(stack, stack.named("Ada Brook")["email"]))


def test_the_other_session_is_listed_and_can_be_ended(signed_in: Callable[..., Page], stack: Stack) -> None:
    here, there = signed_in("Iris Moon"), signed_in("Iris Moon", PHONE)
    here.goto(f"{stack.address}/account/sessions/")
    # Other flows may have left sessions of the same person open.
    expect(here.locator("ul.lines li").nth(1)).to_be_visible()
    here.get_by_role("button", name="Sign out everywhere else").click()
    expect(here.locator("ul.lines li")).to_have_count(1)
    there.goto(f"{stack.address}/portal/")
    expect(there.get_by_role("heading", level=1)).to_have_text("Sign in")
