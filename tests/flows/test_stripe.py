"""Stripe in a real browser: its fields inside our page by our own adapter, and its own page on another site.

Stripe's script can't be loaded where there is no network: a stub with the same calls is served in its place, at its
own address, so that the page's policy is held to the real hosts. What the stub is asked is type-checked against
Stripe's definitions (tests/browser).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import pytest
from django.conf import settings as django_settings
from django.test import Client as Browser
from playwright.sync_api import BrowserContext, Page, Route, expect

from paywell.clients.models import Grant
from paywell.payments.models import Attempt, AttemptState, SavedCard
from paywell.payments.tests.checks import owed
from paywell.payments.tests.factories import World, make_line, make_world
from tests.contract.serving import serving
from tests.contract.stripe_fake.web import Fake
from tests.contract.stripe_rig import StripeRig
from tests.flows import steps
from tests.flows.conftest import PHONE

pytestmark = [pytest.mark.django_db(transaction=True)]

STUB = Path(__file__).parents[1] / "browser"


@pytest.fixture(scope="module")
def fake() -> Iterator[tuple[str, Fake]]:
    """As another site than ours: the name makes the difference."""
    whole = Fake()
    with serving(whole) as base_url:
        yield base_url.replace("127.0.0.1", "localhost"), whole


@pytest.fixture
def rig(request: pytest.FixtureRequest, fake: tuple[str, Fake]) -> Iterator[StripeRig]:
    made = StripeRig(request.param, *fake)
    yield made
    assert made.judged() == []


@pytest.fixture
def world(rig: StripeRig, live_server: Any, settings: Any) -> World:
    settings.PUBLIC_URL = live_server.url
    world = make_world()
    Grant.objects.filter(contact=world.contact).update(may_see_documents=True)
    account = world.processor_account
    account.connector, account.settings, account.secrets = rig.name, rig.settings, rig.secrets
    account.save()
    return world


class Stripe:
    """Stripe's hosts, as far as a browser speaks to them; and what the browser complained about."""

    def __init__(self, context: BrowserContext, rig: StripeRig) -> None:
        self.rig = rig
        self.asked: list[str] = []
        self.breaches: list[str] = []
        context.route("https://js.stripe.com/**", self._scripts)
        context.route("https://api.stripe.com/**", self._api)
        context.on("console", lambda message: self._hear(message.text))
        context.on("request", lambda request: self.asked.append(request.url))

    def _scripts(self, route: Route) -> None:
        if route.request.url == "https://js.stripe.com/endive/stripe.js":
            route.fulfill(path=STUB / "stripe_stub.js", content_type="text/javascript")
        else:
            route.fulfill(path=STUB / "stripe_fields.html", content_type="text/html")

    def _api(self, route: Route) -> None:
        typed = dict(parse_qsl(route.request.post_data or ""))
        assert typed["key"] == self.rig.account.publishable_key
        token = {"id": self.rig.token(typed["number"].replace(" ", ""))}
        route.fulfill(body=json.dumps(token), headers={"Access-Control-Allow-Origin": "https://js.stripe.com"})

    def _hear(self, text: str) -> None:
        if "Content Security Policy" in text:
            self.breaches.append(text)

    @property
    def is_asked(self) -> bool:
        return any("stripe.com" in url for url in self.asked)


Opened = tuple[Page, Stripe]


@pytest.fixture
def opened(
    world: World, rig: StripeRig, live_server: Any, open_context: Callable[..., BrowserContext]
) -> Iterator[Opened]:
    """A phone, signed in as the world's contact, third-party cookies blocked."""
    session = Browser()
    session.force_login(world.user)
    context = open_context(PHONE)
    cookies = [
        {"name": name, "value": morsel.value, "url": live_server.url} for name, morsel in session.cookies.items()
    ]
    assert django_settings.SESSION_COOKIE_NAME in {each["name"] for each in cookies}
    context.add_cookies(cookies)  # type: ignore[arg-type]
    stripe = Stripe(context, rig)
    page = context.new_page()
    yield page, stripe
    context.close()
    assert stripe.breaches == []


def open_window(page: Page, live_server: Any) -> Any:
    page.goto(f"{live_server.url}/portal/pay/")
    return steps.open_window(page)


def enter(window: Any, number: str) -> None:
    """Type a card into Stripe's frame inside our page."""
    window.get_by_label("Enter New Card").check()
    field = window.frame_locator(".card-frame iframe").get_by_label("Card number")
    field.fill(number)


inline = pytest.mark.parametrize("rig", ["stripe"], indirect=True)
hosted = pytest.mark.parametrize("rig", ["stripe_checkout"], indirect=True)


@inline
def test_a_new_card_pays_is_kept_and_pays_again(
    world: World, opened: Opened, rig: StripeRig, live_server: Any
) -> None:
    page, stripe = opened
    first, second = make_line(world, 12000), make_line(world, 4500)
    window = open_window(page, live_server)
    enter(window, "4242 4242 4242 4242")
    window.get_by_label("Save Card for Future Payments").check()
    window.locator("[data-pay]").dblclick()
    page.wait_for_url(steps.RESULT)
    steps.expect_result(page, "Paid")
    assert len(rig.charged()) == 1
    assert SavedCard.objects.get().last4 == "4242"

    stripe.asked.clear()
    window = open_window(page, live_server)
    window.get_by_label("Visa 4242").check()
    window.locator("[data-pay]").click()
    page.wait_for_url(steps.RESULT)
    steps.expect_result(page, "Paid")
    assert not stripe.is_asked  # who pays with a kept card tells no third party
    assert (owed(first), owed(second)) == (0, 0)
    assert len(rig.charged()) == 2


@inline
def test_what_is_wrong_in_the_fields_is_said_there_and_a_decline_in_plain_words(
    world: World, opened: Opened, rig: StripeRig, live_server: Any
) -> None:
    page, _ = opened
    line = make_line(world, 12000)
    window = open_window(page, live_server)
    enter(window, "")
    window.locator("[data-pay]").click()
    expect(window.locator("[data-card-error]")).to_contain_text("Your card number is incomplete.")
    assert not Attempt.objects.exists()
    enter(window, "4000 0000 0000 9995")
    window.locator("[data-pay]").click()
    page.wait_for_url(steps.RESULT)
    steps.expect_result(page, "Declined")
    expect(page.locator(".result")).to_contain_text("You have not been charged.")
    assert owed(line) == 12000
    assert rig.charged() == []


@inline
def test_the_bank_asks_on_a_page_of_its_own_and_the_payer_comes_back(
    world: World, opened: Opened, rig: StripeRig, live_server: Any
) -> None:
    page, _ = opened
    line = make_line(world, 12000)
    window = open_window(page, live_server)
    enter(window, "4000 0025 0000 3155")
    window.locator("[data-pay]").click()
    page.wait_for_url(steps.RESULT)
    expect(page.get_by_role("heading", level=1)).to_contain_text("Your bank wants to check that it is you")
    page.get_by_role("link", name="Continue").click()
    page.get_by_role("button", name="Approve").click()
    page.wait_for_url(steps.RESULT)
    steps.expect_result(page, "Paid")
    assert owed(line) == 0
    assert len(rig.charged()) == 1


@hosted
def test_the_whole_page_goes_to_stripe_and_comes_back_paid(
    world: World, opened: Opened, rig: StripeRig, live_server: Any
) -> None:
    page, stripe = opened
    first = make_line(world, 12000)
    window = open_window(page, live_server)
    window.get_by_role("button", name="Next").click()
    page.wait_for_url(f"{rig.base_url}/c/pay/**")
    page.get_by_label("Card number").fill("4000 0000 0000 0002")
    page.get_by_role("button", name="Pay").click()
    expect(page.get_by_role("alert")).to_contain_text("declined")
    page.get_by_label("Card number").fill("4242 4242 4242 4242")
    page.get_by_label("Save my card").check()
    page.get_by_role("button", name="Pay").click()
    page.wait_for_url(steps.RESULT)
    steps.expect_result(page, "Paid")
    assert (owed(first), len(rig.charged()), SavedCard.objects.get().last4) == (0, 1, "4242")

    second = make_line(world, 4500)
    window = open_window(page, live_server)
    window.get_by_role("button", name="Next").click()
    page.get_by_label("visa 4242").check()
    page.get_by_role("button", name="Pay").click()
    page.wait_for_url(steps.RESULT)
    steps.expect_result(page, "Paid")
    assert (owed(second), SavedCard.objects.count()) == (0, 1)
    assert Attempt.objects.filter(state=AttemptState.SUCCEEDED).count() == 2
    assert not stripe.is_asked  # no script of Stripe's on our pages
