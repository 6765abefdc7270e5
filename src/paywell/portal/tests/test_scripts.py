"""The script inventory: which scripts run on the pages where a card is entered, and that no other does."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.contrib.staticfiles import finders
from django.test import Client as Browser
from django.urls import reverse

from paywell.core.assets import integrity
from paywell.payments.models import Attempt
from paywell.payments.tests.factories import World, make_line
from paywell.portal.tests.conftest import PortalProcessor
from paywell.portal.tests.pages import pay, window_url
from paywell.processors.contract import Fields, Hosts

INVENTORY = Path(__file__).resolve().parents[4] / "docs" / "script-inventory.md"
LIST = ["portal/fields.js", "processors/test_inline/fields.js", "portal/window.js", "portal/pay.js"]
#: Where the practice's processor has a page of its own, no card is entered here.
WITHOUT_FIELDS = ["portal/window.js", "portal/pay.js"]
ALL_PAGES = ["accounts/idle.js"]


def scripts(html: str) -> list[str]:
    """The scripts of a page in their order, each named as in the inventory."""
    tags = re.findall(r"<script\b[^>]*>", html)
    assert len(tags) == html.count("<script")
    names = []
    for tag in tags:
        found = re.fullmatch(r'<script src="/static/([^"]+)" integrity="([^"]+)" defer>', tag)
        assert found, tag
        assert found[2] == integrity(found[1]), tag
        names.append(found[1])
    return names


def test_the_pages_of_a_payment_have_exactly_the_scripts_of_the_inventory(browser: Browser, world: World) -> None:
    line = make_line(world)
    assert scripts(browser.get("/portal/pay/").content.decode()) == ALL_PAGES + LIST
    assert scripts(browser.get(window_url(line)).content.decode()) == ALL_PAGES + LIST[:-1]
    assert scripts(browser.get("/portal/").content.decode()) == ALL_PAGES
    pay(browser, line)
    page = reverse("portal:payment", args=[Attempt.objects.get().id])
    assert scripts(browser.get(page).content.decode()) == ALL_PAGES


def test_without_card_fields_no_script_of_a_connector_is_there(
    browser: Browser, world: World, two_step: PortalProcessor
) -> None:
    line = make_line(world)
    assert scripts(browser.get("/portal/pay/").content.decode()) == ALL_PAGES + WITHOUT_FIELDS
    assert scripts(browser.get(window_url(line)).content.decode()) == ALL_PAGES + WITHOUT_FIELDS[:-1]


def test_the_page_names_the_processor_s_own_scripts_and_allows_only_their_hosts(
    browser: Browser, world: World, processor: PortalProcessor, monkeypatch: pytest.MonkeyPatch
) -> None:
    theirs = ("https://js.example.com/v1/", "https://js.example.com/v1/more.js")
    fields = Fields("test_inline", theirs, {"key": 'pk_"<1>'})
    hosts = Hosts(
        frame_src=("https://f.example.com",), script_src=("https://js.example.com",),
        connect_src=("https://api.example.com",), font_src=("https://fonts.example.com",),
    )  # fmt: skip
    monkeypatch.setattr(processor, "fields", lambda: fields)
    monkeypatch.setattr(processor, "hosts", lambda: hosts)
    answer = browser.get(window_url(make_line(world)))
    html = answer.content.decode()
    assert f'data-scripts="{" ".join(theirs)}"' in html
    assert "{&quot;key&quot;: &quot;pk_\\&quot;&lt;1&gt;&quot;}" in html
    assert scripts(html) == ALL_PAGES + LIST[:-1]
    policy = {part.split()[0]: part.split()[1:] for part in answer["Content-Security-Policy"].split(";")}
    allowed = [source for source in policy["script-src"] if not source.startswith("'nonce-")]
    assert allowed == ["'self'", "https://js.example.com"]
    assert policy["connect-src"] == ["'self'", "https://api.example.com"]
    assert policy["frame-src"] == ["https://f.example.com"]
    assert policy["font-src"][-1] == "https://fonts.example.com"


def test_the_inventory_names_every_script_with_a_reason() -> None:
    rows = re.findall(r"^\| `([^`]+)` \|([^|]+)\|", INVENTORY.read_text(), re.MULTILINE)
    listed = {name for name, _ in rows}
    assert {*ALL_PAGES, *LIST, "portal/status.js"} <= listed
    adapters = {
        f"processors/{path.parents[1].name}/fields.js"
        for path in (Path(__file__).resolve().parents[2] / "processors/connectors").glob("*/static/fields.js")
    }
    assert adapters <= listed
    for name, reason in rows:
        assert reason.strip(), name
        assert name.startswith("https://") or finders.find(name), name
