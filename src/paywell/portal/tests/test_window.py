"""product.md 1.3: Make a Payment, the window."""

from __future__ import annotations

import pytest
from django.test import Client as Browser
from django.urls import reverse
from django.utils.html import escape

from paywell.clients.models import Client, Contact, Grant, GrantRole
from paywell.core import clock
from paywell.payments.models import Attempt, CardConsent, SavedCard
from paywell.payments.tests.factories import World, make_line
from paywell.portal.tests.conftest import PortalProcessor
from paywell.portal.tests.pages import fill, pay, text, window_url
from paywell.portal.words import CONSENT_VERSION

START = "/portal/pay/start/"


def save_card(world: World, **changes: object) -> SavedCard:
    fields = {
        "practice": world.practice, "processor_account": world.processor_account, "contact": world.contact,
        "token": "card_1", "customer_ref": "cus_1", "brand": "visa", "last4": "4242", "exp_month": 8,
        "exp_year": 2031, "is_default": True, "created_at": clock.now(),
    }  # fmt: skip
    return SavedCard.objects.create(**(fields | changes))


def test_one_service_prefills_payment_amount_with_the_balance_and_lets_it_be_edited(
    browser: Browser, world: World
) -> None:
    html = browser.get(window_url(make_line(world, 12000))).content.decode()
    assert "Payment Amount" in html
    assert 'name="amount" inputmode="decimal" autocomplete="transaction-amount" value="120.00"' in html
    assert "Balance due $120.00." in html


def test_several_services_fix_the_amount_at_their_sum_and_offer_no_field_for_it(
    browser: Browser, world: World
) -> None:
    response = browser.get(window_url(make_line(world, 12000), make_line(world, 8400)))
    assert 'name="amount"' not in response.content.decode()
    assert "Payment Amount $204.00" in text(response)
    assert "Paid together, so the amount is fixed. Pay one at a time to choose it." in text(response)


def test_an_amount_smuggled_into_several_services_charges_nothing(
    browser: Browser, world: World, processor: PortalProcessor
) -> None:
    response = pay(browser, make_line(world, 12000), make_line(world, 8400), amount="1.00")
    assert response.status_code == 422
    assert "You have not been charged." in text(response)
    assert (Attempt.objects.count(), processor.taken) == (0, 0)


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ("0", "more than zero"),
        ("-5", "like 120.00"),
        ("120.01", "at most the balance due, $120.00"),
        ("1.234", "at most 2 decimals"),
        ("NaN", "like 120.00"),
        ("1,00", "like 120.00"),
        ("€5", "like 120.00"),
        ("", "Enter an amount"),
        ("99999999999", "like 120.00"),
    ],
)
def test_a_bad_amount_is_told_at_the_field_and_in_a_summary_and_nothing_is_lost(
    browser: Browser, world: World, processor: PortalProcessor, typed: str, told: str
) -> None:
    data = fill(browser, make_line(world), amount=typed, notes="for <b>Mia</b>", card_token="tok_1")
    response = browser.post(START, data)
    html = response.content.decode()
    assert response.status_code == 422
    assert html.count(escape(told)) >= 2
    assert '<a href="#pay-amount">' in html
    assert 'aria-invalid="true"' in html
    assert f'value="{escape(typed)}"' in html
    assert "for &lt;b&gt;Mia&lt;/b&gt;" in html
    assert f'name="form" value="{data["form"][0]}"' in html
    assert (Attempt.objects.count(), processor.calls) == (0, [])


def test_a_part_of_the_balance_can_be_paid(browser: Browser, world: World, processor: PortalProcessor) -> None:
    line = make_line(world, 12000)
    pay(browser, line, amount="$50.25")
    assert processor.taken == 5025
    assert "Balance due $69.75." in browser.get(window_url(line)).content.decode()


def test_inline_shows_saved_cards_enter_new_card_the_box_and_the_button_with_the_amount(
    browser: Browser, world: World
) -> None:
    save_card(world)
    response = browser.get(window_url(make_line(world)))
    page = text(response)
    for label in ("Credit Card", "Visa 4242", "expires 08/31", "Enter New Card", "Save Card for Future Payments"):
        assert label in page
    assert "Make a Payment $120.00" in page
    assert "Next" not in page
    html = response.content.decode()
    assert 'name="save_card" aria-describedby' in html  # unticked
    assert 'data-fields="test_inline"' in html
    assert "&quot;origin&quot;: &quot;https://fields.example.org&quot;" in html


def test_two_step_shows_next_and_no_card(browser: Browser, world: World, two_step: PortalProcessor) -> None:
    page = text(browser.get(window_url(make_line(world))))
    assert "Next $120.00" in page
    assert "Credit Card" not in page
    assert "Save Card" not in page


def test_two_step_leads_to_the_processor_with_303(
    browser: Browser, world: World, two_step: PortalProcessor
) -> None:
    data = fill(browser, make_line(world))
    first = browser.post(START, data)
    again = browser.post(START, data)
    assert (first.status_code, first["Location"]) == (303, "https://pay.example.org/ch_1")
    assert again["Location"] == first["Location"]
    assert Attempt.objects.count() == 1


def test_another_payer_s_card_is_neither_shown_nor_usable(
    browser: Browser, world: World, another, processor: PortalProcessor
) -> None:
    other = Contact.objects.create(practice=world.practice, name="Other Payer", created_at=clock.now())
    theirs = save_card(world, contact=other, token="card_2", last4="1111")
    line = make_line(world)
    assert "1111" not in text(browser.get(window_url(line)))
    response = pay(browser, line, card=str(theirs.id))
    assert response.status_code == 404
    assert (Attempt.objects.count(), processor.calls) == (0, [])


def test_ticking_the_box_stores_the_consent_and_not_ticking_keeps_nothing(browser: Browser, world: World) -> None:
    pay(browser, make_line(world))
    assert (SavedCard.objects.count(), CardConsent.objects.count()) == (0, 0)
    pay(browser, make_line(world), save_card="on")
    consent = CardConsent.objects.get()
    assert (consent.wording_version, consent.user_id, consent.last4) == (CONSENT_VERSION, world.user.id, "4242")


def test_a_consent_to_a_wording_that_never_stood_there_is_refused(browser: Browser, world: World) -> None:
    response = pay(browser, make_line(world), save_card="on", consent_version="made-up")
    assert response.status_code == 422
    assert Attempt.objects.count() == 0


def test_notes_hold_500_characters_and_not_one_more(browser: Browser, world: World) -> None:
    line = make_line(world)
    response = pay(browser, line, notes="é" * 501)
    assert response.status_code == 422
    assert "at most 500 characters" in text(response)
    assert "é" * 501 in response.content.decode()
    assert pay(browser, line, notes="é" * 500).status_code == 303
    assert Attempt.objects.get().notes == "é" * 500


def test_no_card_is_told_at_the_cards(browser: Browser, world: World, processor: PortalProcessor) -> None:
    response = pay(browser, make_line(world), card_token="")
    assert response.status_code == 422
    assert 'href="#pay-card"' in response.content.decode()
    assert processor.calls == []


def test_f02_pressing_twice_pays_once(browser: Browser, world: World, processor: PortalProcessor) -> None:
    data = fill(browser, make_line(world), card_token="tok_1")
    first, second = browser.post(START, data), browser.post(START, data)
    assert first["Location"] == second["Location"]
    assert (Attempt.objects.count(), processor.taken) == (1, 12000)


def test_the_same_form_with_other_content_is_an_error_with_a_new_form(
    browser: Browser, world: World, processor: PortalProcessor
) -> None:
    line = make_line(world)
    processor.behavior = "declined"
    data = fill(browser, line, card_token="tok_1")
    browser.post(START, data)
    response = browser.post(START, data | {"amount": "1.00"})
    assert response.status_code == 422
    assert "already sent with other details" in text(response)
    assert data["form"][0] not in response.content.decode()
    assert processor.taken == 0


def test_a_stale_or_forged_form_charges_nothing(browser: Browser, world: World, processor: PortalProcessor) -> None:
    response = pay(browser, make_line(world), form="forged")
    assert response.status_code == 422
    assert "too old" in text(response)
    assert processor.calls == []


def test_services_of_another_practice_are_a_404_that_changes_nothing(
    browser: Browser, world: World, another, processor: PortalProcessor
) -> None:
    theirs, ours = make_line(another("Hillside")), make_line(world)
    assert browser.get(window_url(ours, theirs)).status_code == 404
    assert pay(browser, ours, line=[str(ours.id), str(theirs.id)]).status_code == 404
    assert (Attempt.objects.count(), processor.calls) == (0, [])


@pytest.mark.parametrize("line", ["nonsense", "00000000-0000-0000-0000-000000000000", "1 OR 1=1"])
def test_a_forged_service_is_a_404(browser: Browser, world: World, line: str) -> None:
    assert browser.get(reverse("portal:pay_window"), {"line": line}).status_code == 404
    assert pay(browser, make_line(world), line=[line]).status_code == 404


def test_nothing_ticked_leads_back_to_the_list_with_a_word(browser: Browser, world: World) -> None:
    make_line(world)
    page = text(browser.get(reverse("portal:pay_window"), follow=True))
    assert "Choose at least one service to pay." in page


def test_a_paid_service_leads_back_to_the_list_with_a_word(
    browser: Browser, world: World, processor: PortalProcessor
) -> None:
    line = make_line(world)
    data = fill(browser, line, card_token="tok_2")
    pay(browser, line)
    for response in (browser.get(window_url(line), follow=True), browser.post(START, data, follow=True)):
        assert "already paid" in text(response)
    assert processor.taken == 12000


def test_a_service_that_is_being_paid_elsewhere_is_not_paid_again(
    browser: Browser, world: World, processor: PortalProcessor
) -> None:
    line = make_line(world)
    data = fill(browser, line, card_token="tok_2")
    processor.behavior = "late"
    pay(browser, line)
    page = text(browser.post(START, data, follow=True))
    assert "in progress" in page
    assert Attempt.objects.count() == 1


def test_the_window_comes_as_a_fragment_for_the_dialog_and_as_a_page_without(
    browser: Browser, world: World
) -> None:
    url = window_url(make_line(world))
    fragment = browser.get(url, headers={"X-Paywell-Fragment": "window"}).content.decode()
    page = browser.get(url).content.decode()
    assert "<html" not in fragment
    assert "data-pay-form" in fragment
    assert "<html" in page


def test_a_client_whose_switch_is_off_can_t_be_paid_for_in_a_shared_account(browser: Browser, world: World) -> None:
    now = clock.now()
    sibling = Client.objects.create(
        practice=world.practice, legal_first_name="Leo", legal_last_name="Stone", default_account=world.account,
        created_at=now, payments_allowed=False,
    )  # fmt: skip
    Grant.objects.create(
        practice=world.practice, contact=world.contact, client=sibling, account=world.account,
        role=GrantRole.GUARDIAN, valid_from="2026-01-01", created_at=now,
    )  # fmt: skip
    world.client = sibling
    line = make_line(world)
    assert f'value="{line.id}"' not in browser.get("/portal/pay/").content.decode()
    assert "not turned on" in text(browser.get(window_url(line), follow=True))
