"""What every page of the portal promises the browser: a strict policy, no inline code, nothing kept."""

from __future__ import annotations

import re

import pytest
from django.test import Client as Browser
from django.urls import reverse

from paywell.payments.models import Attempt
from paywell.payments.tests.factories import World, make_line
from paywell.portal.tests.conftest import FIELDS, STEP_TWO, PortalProcessor
from paywell.portal.tests.pages import pay, window_url
from paywell.portal.tests.test_window import save_card


def policy(response) -> dict[str, str]:
    parts = (part.strip().partition(" ") for part in response["Content-Security-Policy"].split(";"))
    return {name: value for name, _, value in parts}


@pytest.fixture
def pages(browser: Browser, world: World) -> dict[str, str]:
    card = save_card(world)
    pay(browser, make_line(world))
    attempt = Attempt.objects.get()
    line = make_line(world)
    return {
        "home": "/portal/",
        "pay": "/portal/pay/",
        "window": window_url(line),
        "payment": reverse("portal:payment", args=[attempt.id]),
        "history": "/portal/payments/",
        "documents": "/portal/documents/",
        "cards": "/portal/cards/",
        "remove": reverse("portal:card_remove", args=[card.id]),
        "missing": "/portal/nothing/",
    }


def test_no_page_has_inline_scripts_styles_or_handlers(browser: Browser, pages: dict[str, str]) -> None:
    for name, path in pages.items():
        html = browser.get(path).content.decode()
        assert not re.search(r"<[^>]+\s(on[a-z]+|style)\s*=", html), name
        for tag in re.findall(r"<script\b[^>]*>", html):
            assert " src=" in tag, name
        for tag in re.findall(r"<style\b[^>]*>", html):
            assert 'nonce="' in tag, name
        assert not re.search(r'(src|href)="(https?:)?//', html), name


def test_only_the_pages_that_need_the_fields_name_the_processor_s_host(
    browser: Browser, pages: dict[str, str]
) -> None:
    for name, path in pages.items():
        found = policy(browser.get(path))
        expected = FIELDS if name in ("pay", "window") else "'none'"
        assert found["frame-src"] == expected, name
        assert found["default-src"] == "'none'"
        assert found["form-action"] == "'self'"
        assert found["connect-src"] == "'self'"
        assert re.fullmatch(r"'self'( 'nonce-[^']+')?", found["script-src"]), name


def test_two_step_may_lead_a_form_to_the_processor_and_shows_no_frame(
    browser: Browser, world: World, two_step: PortalProcessor
) -> None:
    found = policy(browser.get(window_url(make_line(world))))
    assert found["form-action"] == f"'self' {STEP_TWO}"
    assert found["frame-src"] == "'none'"


def test_no_page_is_kept_by_the_browser(browser: Browser, pages: dict[str, str]) -> None:
    for name, path in pages.items():
        if name != "missing":
            assert "no-store" in browser.get(path)["Cache-Control"], name


def test_every_page_has_one_h1_a_skip_link_and_help_in_the_same_place(
    browser: Browser, pages: dict[str, str]
) -> None:
    for name, path in pages.items():
        html = browser.get(path).content.decode()
        assert len(re.findall(r"<h1\b", html)) == 1, name
        assert 'href="#content"' in html, name
        if name != "missing":
            assert html.index("<footer") < html.rindex("(212) 555-0123"), name


def test_a_name_with_markup_stays_text(browser: Browser, world: World) -> None:
    world.contact.name = "</script><b>Mia</b>\u2028"
    world.contact.save()
    html = browser.get("/portal/").content.decode()
    assert "</script><b>Mia" not in html
    assert "&lt;/script&gt;&lt;b&gt;Mia" in html
