"""Real processors in a real browser, with third-party cookies blocked: Authorize.Net's own page, Square's fields.

Stand-ins serve what the processors would; pages, policies, scripts and forms are ours.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page, Route, expect

from tests.contract.authorize_net_fake import Account as AuthorizeNetAccount
from tests.contract.authorize_net_fake import AuthorizeNetFake
from tests.contract.serving import serving
from tests.contract.square_fake import Account as SquareAccount
from tests.contract.square_fake import SquareFake
from tests.flows import steps
from tests.flows.conftest import PHONE, Stack, sign_in
from tests.flows.watch import Watch

SQUARE = "https://sandbox.web.squarecdn.com"
_SWITCH = """
import json
from paywell.core.clock import now
from paywell.payments.models import ProcessorAccount
from paywell.practice.models import Practice
said = json.loads({said!r})
practice = Practice.objects.get(slug=said["slug"])
ProcessorAccount.objects.filter(practice=practice, is_active=True).update(is_active=False)
if said["connector"]:
    ProcessorAccount.objects.create(
        practice=practice, connector=said["connector"], settings=said["settings"], secrets=said["secrets"],
        connected_at=now(),
    )
else:
    tests = ProcessorAccount.objects.filter(practice=practice, connector__startswith="test_")
    ProcessorAccount.objects.filter(pk=tests.latest("connected_at").pk).update(is_active=True)
"""


@contextmanager
def connected(stack: Stack, slug: str, connector: str, settings: Any, secrets: Any) -> Iterator[None]:
    """Within the block the practice takes its payments through this processor, afterwards as before."""

    def switch(name: str) -> None:
        said = json.dumps({"slug": slug, "connector": name, "settings": settings, "secrets": secrets})
        stack.command("paywell", "shell", "-c", _SWITCH.format(said=said))

    switch(connector)
    try:
        yield
    finally:
        switch("")


@dataclass
class Counter:
    """Opens watched pages for people of a practice."""

    open_context: Callable[..., BrowserContext]
    stack: Stack
    processor: str
    watches: list[Watch]

    def signed_in(self, name: str, practice: int, *, script: str = "", **options: Any) -> Page:
        context = self.open_context(PHONE, **options)
        self.watches.append(Watch(context, ours=self.stack.address, processor=self.processor))
        if script:
            context.route(f"{SQUARE}/**", lambda route: _serve(route, script))
        person = self.stack.named(name, practice)
        page = context.pages[0] if context.pages else context.new_page()
        sign_in(page, self.stack, person["email"], person["password"])
        return page


def _serve(route: Route, script: str) -> None:
    if route.request.url.endswith(".js"):
        route.fulfill(content_type="text/javascript", body=script)
    else:
        route.fulfill(content_type="text/html", body="<!doctype html><title>Card</title><p>Card fields</p>")


@pytest.fixture
def authorize_net(
    open_context: Callable[..., BrowserContext], stack: Stack
) -> Iterator[tuple[Counter, AuthorizeNetAccount]]:
    fake = AuthorizeNetFake()
    account = fake.new_account("flows", "0123456789abcdef", signature_key="A" * 128)
    with serving(fake) as address:
        page = address.replace("127.0.0.1", "localhost")  # another site
        settings = {"login_id": "flows", "api_url": address, "page_url": page}
        secrets = {"transaction_key": "0123456789abcdef", "notice_secret": "A" * 128}
        counter = Counter(open_context, stack, page, [])
        with connected(stack, "harbor-light", "authorize_net", settings, secrets):
            yield counter, account
    assert [fault for watch in counter.watches for fault in watch.faults] == []


@pytest.fixture
def square(open_context: Callable[..., BrowserContext], stack: Stack) -> Iterator[tuple[Counter, SquareAccount]]:
    fake = SquareFake()
    account = fake.new_account("token", "LFLOWS01")
    with serving(fake) as address:
        settings = {"application_id": "sandbox-sq0idb-f", "location_id": "LFLOWS01", "api_url": address}
        counter = Counter(open_context, stack, SQUARE, [])
        secrets = {"access_token": "token", "notice_secret": "key"}
        with connected(stack, "willow-creek", "square", settings, secrets):
            yield counter, account
    assert [fault for watch in counter.watches for fault in watch.faults] == []


def to_their_page(page: Page, address: str) -> None:
    """One service's window, Next, and over our page that posts the token."""
    steps.open_list(page)
    steps.open_window(page).get_by_role("button", name="Next").click()
    page.wait_for_url(f"{address}/payment/payment")


def took(account: AuthorizeNetAccount) -> int:
    return len([each for each in account.transactions.values() if each.status == "capturedPendingSettlement"])


def test_authorize_net_s_own_page_is_reached_by_a_post_and_the_way_back_is_a_get(
    authorize_net: tuple[Counter, AuthorizeNetAccount],
) -> None:
    counter, account = authorize_net
    page = counter.signed_in("Helen Stroud", 0)
    to_their_page(page, counter.processor)
    expect(page.get_by_role("heading", name="HARBOR LIGHT")).to_be_visible()
    steps.type_card(page, steps.DECLINED)
    page.get_by_role("button", name="Submit").click()
    expect(page.get_by_role("alert")).to_contain_text("declined")
    steps.type_card(page, steps.GOOD)
    page.get_by_label("Save for Future Use").check()
    page.get_by_role("button", name="Submit").click()
    page.wait_for_url(steps.RESULT)
    steps.expect_result(page, "Paid $114.00")
    expect(page.locator(".facts")).to_contain_text("Visa 4242")

    to_their_page(page, counter.processor)
    page.get_by_label("Card ending in 4242").check()
    page.get_by_role("button", name="Submit").click()
    page.wait_for_url(steps.RESULT)
    steps.expect_result(page, "Paid $114.00")
    assert took(account) == 2
    page.goto(re.sub(r"/portal/.*", "/portal/cards/", page.url))
    expect(page.locator(".saved-card")).to_have_count(1)


def test_back_from_authorize_net_s_page_leads_to_the_list_and_cancel_says_what_can_t_be_done(
    authorize_net: tuple[Counter, AuthorizeNetAccount],
) -> None:
    counter, account = authorize_net
    page = counter.signed_in("Helen Stroud", 0)
    to_their_page(page, counter.processor)
    page.go_back()  # to the list, not to the page that would lead on at once
    expect(page.get_by_role("heading", name="Make a Payment", level=1)).to_be_visible()
    steps.open_list(page)
    page.get_by_role("link", name="payment in progress").click()
    steps.expect_result(page, "One step is left")
    page.get_by_role("button", name="Cancel this payment").click()
    expect(page.locator("main")).to_contain_text("can't be closed from here")
    page.get_by_role("link", name="Continue").click()
    page.wait_for_url(f"{counter.processor}/payment/payment")
    steps.type_card(page, steps.GOOD)
    page.get_by_role("button", name="Submit").click()
    page.wait_for_url(steps.RESULT)
    steps.expect_result(page, "Paid $114.00")
    assert took(account) == 1


def test_authorize_net_needs_no_javascript(authorize_net: tuple[Counter, AuthorizeNetAccount]) -> None:
    counter, account = authorize_net
    page = counter.signed_in("Helen Stroud", 0, javascript=False)
    steps.open_list(page)
    page.goto(counter.stack.address + steps.first_window(page))
    page.get_by_role("button", name="Next").click()
    page.get_by_role("button", name="Continue").click()
    page.wait_for_url(f"{counter.processor}/payment/payment")
    steps.type_card(page, steps.GOOD)
    page.get_by_role("button", name="Submit").click()
    page.wait_for_url(steps.RESULT)
    steps.expect_result(page, "Paid $114.00")
    assert took(account) == 1


#: What Square's script offers, as far as our adapter uses it. Its fields are a frame from its own origin.
SDK = """
window.asked = [];
window.Square = {
  payments(application, location) {
    window.asked.push([application, location]);
    return {
      setLocale() {},
      async card() {
        return {
          async attach(where) {
            const frame = document.createElement("iframe");
            frame.src = "ORIGIN/card.html";
            frame.title = "Card";
            document.querySelector(where).append(frame);
          },
          async tokenize(details) {
            window.asked.push(details);
            const token = window.name;
            if (!token) return {status: "Invalid", errors: [{message: "Your card number is incomplete."}]};
            return {status: "OK", token};
          },
          focus() {},
        };
      },
    };
  },
};
""".replace("ORIGIN", SQUARE)


def pay_with_square(page: Page, counter: Counter, token: str, *, keep: bool = False) -> None:
    """The window, Enter New Card, and the token that the stubbed fields will give."""
    steps.open_list(page)
    window = steps.open_window(page)
    choice = window.get_by_label("Enter New Card")
    if not choice.is_checked():
        choice.check()
    expect(window.frame_locator(".card-frame iframe").get_by_text("Card fields")).to_be_visible()
    page.evaluate("token => { window.name = token }", token)
    if keep:
        window.get_by_label("Save Card for Future Payments").check()
    window.locator("[data-pay]").click()


def test_square_s_fields_pay_keep_the_card_and_pay_with_it(square: tuple[Counter, SquareAccount]) -> None:
    counter, account = square
    page = counter.signed_in("Rhea Vale", 0, script=SDK)
    pay_with_square(page, counter, "")
    expect(page.get_by_role("alert").filter(has_text="Your card number is incomplete.")).to_be_visible()
    assert account.payments == {}
    account.numbers["cnon:flow1"] = steps.GOOD
    pay_with_square(page, counter, "cnon:flow1", keep=True)
    page.wait_for_url(steps.RESULT)
    steps.expect_result(page, "Paid $")
    expect(page.locator(".facts")).to_contain_text("Visa 4242")

    steps.open_list(page)
    window = steps.open_window(page)
    expect(window.get_by_label("Visa 4242")).to_be_checked()
    window.locator("[data-pay]").click()
    page.wait_for_url(steps.RESULT)
    steps.expect_result(page, "Paid $")
    assert [each["status"] for each in account.payments.values()] == ["COMPLETED", "COMPLETED"]
    assert account.problems == []


def test_square_s_decline_is_said_in_words(square: tuple[Counter, SquareAccount]) -> None:
    counter, account = square
    page = counter.signed_in("Rhea Vale", 0, script=SDK)
    account.numbers["cnon:flow2"] = steps.NO_MONEY
    pay_with_square(page, counter, "cnon:flow2")
    page.wait_for_url(steps.RESULT)
    steps.expect_result(page, "Declined")
    expect(page.locator("main")).to_contain_text("You have not been charged.")
