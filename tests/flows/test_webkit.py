"""No browser setting ever changes: both styles and the pay link in a real WebKit, as careful as it can be set.

The last tests are the control: the same settings break a processor's page inside a frame, so these journeys would
fail if ours were built like that.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.flows import steps
from tests.flows.conftest import Stack, sign_in
from tests.flows.framed import TwoSites, two_sites
from tests.flows.webkit import CAREFUL, CARELESS, NO_COOKIES, Opener, Person, display, open_person

__all__ = ["display", "open_person"]  # fixtures


def open_first_window(person: Person, stack: Stack) -> None:
    person.driver.get(f"{stack.address}/portal/pay/")
    person.click("table.pay-table tbody tr a[data-window]")
    person.find("[data-pay-form] [data-pay]")


def test_one_screen_pays_in_webkit_with_tracking_prevention_on(open_person: Opener, stack: Stack) -> None:
    # Not Victor Hale, whose five declined cards in `test_answers` close his account for an hour.
    person, payer = open_person(*CAREFUL), stack.named("Peter Marsh")
    person.sign_in(stack.address, payer["email"], payer["password"])
    charged = len(stack.charges(status="succeeded"))
    open_first_window(person, stack)
    new_card = person.driver.find_elements("css selector", "input[name=card][value=new]")
    if new_card and not new_card[0].is_selected():
        person.click("input[name=card][value=new]")
    person.fill_card_frame(steps.GOOD)
    person.click("[data-pay-form] [data-pay]")
    person.wait_for_url("/portal/payments/")
    person.wait_for_heading("Paid $")
    assert "Visa 4242" in person.text()
    assert len(stack.charges(status="succeeded")) == charged + 1


def test_two_steps_pay_in_webkit_with_tracking_prevention_on(open_person: Opener, stack: Stack) -> None:
    person, payer = open_person(*CAREFUL), stack.named("Lou Hatch")
    person.sign_in(stack.address, payer["email"], payer["password"])
    charged = len(stack.charges(status="succeeded"))
    open_first_window(person, stack)
    person.click("[data-pay-form] [data-pay]")
    person.wait_for_url(stack.processor)
    new = person.driver.find_elements("css selector", "input[name=method][value=new]")
    if new and not new[0].is_selected():
        person.click("input[name=method][value=new]")
    person.fill_card(steps.GOOD)
    person.click("form button[type=submit]")
    person.wait_for_url("/portal/payments/")
    person.wait_for_heading("Paid $")
    assert len(stack.charges(status="succeeded")) == charged + 1


@pytest.fixture
def pay_link(new_page: Callable[..., Page], stack: Stack) -> Callable[[int, str], str]:
    """The address of a pay link that staff make on the page of the first open invoice of an account."""

    def make(practice: int, account: str) -> str:
        owner, page = stack.person("owner", practice), new_page()
        sign_in(page, stack, owner["email"], owner["password"])
        page.goto(f"{stack.address}/desk/invoices/?show=open&q={account}")
        page.locator("table tbody th a").first.click()
        expect(page.get_by_role("heading", name="Pay link")).to_be_visible()  # what follows does not wait
        button = page.get_by_role("button", name="Make a pay link")
        if button.count():
            button.click()
        field = page.get_by_label("Address")
        expect(field).to_be_visible()
        return field.input_value()

    return make


@pytest.mark.parametrize(
    ("practice", "account"), [(0, "Ben Ashby"), (1, "Helen Stroud")], ids=["one screen", "two steps"]
)
def test_a_pay_link_pays_in_webkit_with_all_cookies_blocked(
    open_person: Opener, stack: Stack, pay_link: Callable[[int, str], str], practice: int, account: str
) -> None:
    url = pay_link(practice, account)
    charged = len(stack.charges(status="succeeded"))
    person = open_person(*NO_COOKIES)
    person.driver.get(url)
    if practice == 0:
        person.fill_card_frame(steps.GOOD)
        person.click("[data-pay-form] [data-pay]")
    else:
        person.click("[data-pay-form] [data-pay]")
        person.wait_for_url(stack.processor)
        person.fill_card(steps.GOOD)
        person.click("form button[type=submit]")
    person.wait_for_url("/pay/")
    person.wait_for_url("/payments/")
    person.wait_for_heading("Paid $")
    assert person.driver.get_cookies() == []
    assert len(stack.charges(status="succeeded")) == charged + 1
    person.driver.get(url)
    person.wait_for_heading("Nothing is due")


def test_with_all_cookies_blocked_the_sign_in_page_explains_itself_and_offers_a_pay_link(
    open_person: Opener, stack: Stack
) -> None:
    person = open_person(*NO_COOKIES)
    person.driver.get(f"{stack.address}/")
    assert "This browser blocks all cookies." in person.find("[data-cookies-blocked]").text
    person.type("input[name=login]", "ada.brook@example.org")
    person.type("input[name=password]", "calm-river-morning")
    person.click("form[action*='/account/login/'] button[type=submit]")
    person.wait_for_heading("This browser blocks cookies")
    person.click("a[href='/pay/ask/'].button")
    person.wait_for_url("/pay/ask/")
    person.type("input[name=email]", "ada.brook@example.org")
    person.click("form button")
    person.wait_for_heading("Look at your e-mail")


@pytest.fixture(scope="module")
def sites() -> Iterator[TwoSites]:
    with two_sites() as sites:
        yield sites


def keeps_session(person: Person, sites: TwoSites, *, framed: bool) -> bool:
    """Whether a page that needs its own session cookie still knows it after a click, framed or on its own."""
    person.driver.get(sites.framing if framed else sites.page)
    if framed:
        person.driver.switch_to.frame(person.find("iframe"))
    person.click("button")
    return person.find("p").text == "session kept"


@pytest.mark.parametrize(
    ("settings", "framed", "kept"),
    [(CAREFUL, True, False), (CAREFUL, False, True), (CARELESS, True, True)],
    ids=["a processor's page in a frame fails", "on its own it works", "careless settings hide the fault"],
)
def test_the_settings_of_these_journeys_do_break_a_processors_page_in_a_frame(
    open_person: Opener, sites: TwoSites, settings: tuple[str, ...], framed: bool, kept: bool
) -> None:
    assert keeps_session(open_person(*settings), sites, framed=framed) is kept


@pytest.mark.parametrize(("framed", "kept"), [(True, False), (False, True)], ids=["in a frame", "on its own"])
def test_chromium_with_third_party_cookies_blocked_breaks_a_processors_page_in_a_frame_too(
    open_context: Callable[..., Any], sites: TwoSites, framed: bool, kept: bool
) -> None:
    context = open_context()
    page = context.pages[0]
    page.goto(sites.framing if framed else sites.page)
    place = page.frame_locator("iframe") if framed else page
    place.get_by_role("button", name="Submit").click()
    expect(place.locator("p")).to_have_text("session kept" if kept else "session lost")
    context.close()
