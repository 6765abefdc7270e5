"""The payment pages with each real connector: exactly its hosts, exactly its scripts. Nothing is called."""

from __future__ import annotations

import re

import pytest
from django.test import Client as Browser

from paywell.payments import processor_accounts
from paywell.payments.tests.factories import World, make_line
from paywell.portal.tests.pages import window_url
from paywell.portal.tests.test_policy import policy
from paywell.portal.tests.test_scripts import ALL_PAGES, INVENTORY, scripts
from paywell.processors.contract import Processor, Style
from paywell.processors.registry import CONNECTORS, get_setup

REAL = [name for name, connector in CONNECTORS.items() if not connector.is_test]


@pytest.fixture(params=REAL)
def connected(request: pytest.FixtureRequest, world: World) -> Processor:
    """The world's practice with that connector, live, and some keys."""
    account = world.processor_account
    account.connector, account.live_mode = request.param, True
    for field in get_setup(request.param).fields:
        (account.secrets if field.is_secret else account.settings)[field.name] = "key1"
    account.save()
    return processor_accounts.make_processor(account)


@pytest.fixture
def browser(world: World, connected: Processor) -> Browser:
    browser = Browser()
    browser.force_login(world.user)
    return browser


def sources(found: dict[str, str], directive: str) -> list[str]:
    own = ("'self'", "'none'", "data:")
    return [each for each in found[directive].split() if each not in own and not each.startswith("'nonce-")]


def test_the_policy_of_a_payment_page_names_its_processor_s_hosts_and_no_other(
    browser: Browser, world: World, connected: Processor
) -> None:
    hosts = connected.hosts()
    for path in ("/portal/pay/", window_url(make_line(world))):
        found = policy(browser.get(path))
        assert sources(found, "frame-src") == list(hosts.frame_src)
        assert sources(found, "script-src") == list(hosts.script_src)
        assert sources(found, "connect-src") == list(hosts.connect_src)
        assert sources(found, "form-action") == list(hosts.form_action)
        assert all(each.startswith("https://") for name in found for each in sources(found, name))
    for path in ("/portal/", "/portal/payments/", "/portal/cards/"):
        found = policy(browser.get(path))
        assert [sources(found, name) for name in found] == [[]] * len(found)


def test_the_page_has_its_adapter_and_the_inventory_knows_their_scripts(
    browser: Browser, world: World, connected: Processor
) -> None:
    html = browser.get(window_url(make_line(world))).content.decode()
    fields = connected.fields()
    if connected.style is Style.TWO_STEP:
        assert fields is None
        assert scripts(html) == [*ALL_PAGES, "portal/window.js"]
        return
    assert fields is not None
    assert scripts(html) == [*ALL_PAGES, "portal/fields.js", fields.script, "portal/window.js"]
    listed = set(re.findall(r"^\| `([^`]+)` \|", INVENTORY.read_text(), re.MULTILINE))
    assert {fields.script, *fields.scripts} <= listed
    assert all(address.startswith(connected.hosts().script_src[0]) for address in fields.scripts)
