"""product.md 1.1: the portal home."""

from __future__ import annotations

from datetime import date

import pytest
from django.test import Client as Browser
from django.urls import reverse

from paywell.clients.models import Client, Grant
from paywell.core.money import Money
from paywell.ledger.actions import Posting, Side, post
from paywell.ledger.models import AccountKind
from paywell.payments.models import ProcessorAccount
from paywell.payments.tests.factories import World, make_line
from paywell.portal.tests.pages import fill, pay, text, window_url

HOME = "/portal/"


def test_home_shows_balance_due_and_beside_it_make_a_payment(browser: Browser, world: World) -> None:
    make_line(world, 12000, on=date(2026, 9, 29))
    make_line(world, 8400, on=date(2026, 11, 3))
    page = text(browser.get(HOME))
    assert "Balance Due $204.00 2 services, oldest from Sep 29, 2026 Make a Payment" in page


def test_nothing_due_is_said_in_words_and_there_is_no_button(browser: Browser, world: World) -> None:
    page = text(browser.get(HOME))
    assert "Nothing is due. You are all paid up." in page
    assert "Make a Payment" not in page


def test_home_shows_the_recent_payments(browser: Browser, world: World) -> None:
    pay(browser, make_line(world, 12000))
    page = text(browser.get(HOME))
    assert "Visa 4242" in page
    assert "$120.00" in page
    assert "Nothing is due" in page


def test_home_leads_to_history_documents_and_cards(browser: Browser) -> None:
    html = browser.get(HOME).content.decode()
    for name in ("history", "documents", "cards"):
        assert f'href="{reverse(f"portal:{name}")}"' in html


def _no_processor(world: World) -> None:
    ProcessorAccount.objects.update(is_active=False)


def _practice_switch(world: World) -> None:
    type(world.practice).objects.update(payments_allowed=False)


def _client_switch(world: World) -> None:
    Client.objects.update(payments_allowed=False)


def _no_right(world: World) -> None:
    Grant.objects.update(may_pay=False)


@pytest.mark.parametrize("turn_off", [_no_processor, _practice_switch, _client_switch, _no_right])
def test_while_any_switch_is_off_there_is_no_button_and_the_address_says_so(
    browser: Browser, world: World, turn_off: object
) -> None:
    line = make_line(world)
    turn_off(world)  # type: ignore[operator]
    home = browser.get(HOME)
    assert "Balance Due $120.00" in text(home)
    assert reverse("portal:pay") not in home.content.decode()
    for address in (reverse("portal:pay"), window_url(line)):
        page = text(browser.get(address))
        assert "Online payments are not turned on" in page
        assert "reach out to" in page
        assert "(212) 555-0123" in page
        assert "hello@riverside.example.org" in page
        assert "Payment Amount" not in page


def test_a_post_while_the_switch_is_off_starts_nothing(browser: Browser, world: World, processor) -> None:
    line = make_line(world)
    data = fill(browser, line, card_token="tok_1")
    _practice_switch(world)
    page = text(browser.post(reverse("portal:pay_start"), data))
    assert "Online payments are not turned on" in page
    assert processor.calls == []


def test_somebody_who_is_not_signed_in_is_led_to_the_sign_in(world: World) -> None:
    response = Browser().get(HOME)
    assert response.status_code == 302
    assert response["Location"].startswith("/account/login/")


def test_a_credit_is_shown(browser: Browser, world: World) -> None:
    post(
        practice_id=world.practice.id,
        book_owner_id=world.account.id,
        source="test:credit",
        postings=[
            Posting(
                Side(AccountKind.CLEARING, world.processor_account.id),
                Side(AccountKind.CLIENT_CREDIT, world.account.id),
                Money(2000),
            )
        ],
        actor_id=None,
    )
    assert "Credit on your account $20.00" in text(browser.get(HOME))
