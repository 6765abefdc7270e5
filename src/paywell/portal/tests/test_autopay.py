"""AutoPay: off until the payer turns it on, in words, with a limit, for a card of their own."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client as Browser
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from paywell.agreements.automatic import announce_due
from paywell.agreements.models import Agreement, AgreementKind, Charge
from paywell.agreements.plans import offer_plan
from paywell.agreements.tests.factories import DUE_DAY, MORNING, agree, make_card
from paywell.clients.models import Grant
from paywell.core import clock
from paywell.core.clock import business_date
from paywell.core.ids import new_id
from paywell.invoicing.models import InvoiceLine
from paywell.payments.models import ProcessorAccount, SavedCard
from paywell.payments.tests.factories import World, make_line, make_world
from paywell.portal.tests.conftest import PortalProcessor
from paywell.portal.tests.pages import count_queries, pay, text
from paywell.practice.models import Practice

PAGE = "/portal/autopay/"
AGREE = "/portal/autopay/agree/autopay/"


def said(card: SavedCard, **fields: str) -> dict[str, str]:
    return {"card": str(card.id), "limit": "150.00", "agree": "yes"} | fields


def test_nothing_is_preselected(browser: Browser, world: World) -> None:
    make_card(world)
    text = browser.get(PAGE).content.decode()
    assert " checked" not in text
    assert "Turn AutoPay on" in text
    assert Agreement.objects.count() == 0


def test_without_a_saved_card_the_page_says_what_to_do(browser: Browser, world: World) -> None:
    text = browser.get(PAGE).content.decode()
    assert "First save a card" in text
    assert "Turn AutoPay on" not in text


def test_where_the_processor_can_t_nothing_is_offered(browser: Browser, two_step: PortalProcessor) -> None:
    assert "does not offer automatic payments" in browser.get(PAGE).content.decode()


def test_the_payer_turns_it_on_holds_it_and_ends_it(browser: Browser, world: World) -> None:
    card = make_card(world)
    assert browser.post(AGREE, said(card, month_limit="300")).status_code == 302
    agreement = Agreement.objects.get()
    assert (agreement.kind, agreement.charge_limit_minor, agreement.month_limit_minor, agreement.includes_old) == (
        AgreementKind.AUTOPAY, 15_000, 30_000, False,
    )  # fmt: skip
    assert (agreement.user_id, agreement.card_id, agreement.wording_version) == (
        world.user.id,
        card.id,
        "autopay-1",
    )
    assert "as you agreed under" in browser.get("/portal/cards/").content.decode()
    browser.post(f"/portal/autopay/{agreement.id}/hold/", {"held": "yes"})
    assert "On hold" in browser.get(PAGE).content.decode()
    browser.post(f"/portal/autopay/{agreement.id}/hold/", {"held": "no"})
    browser.post(f"/portal/autopay/{agreement.id}/end/")
    agreement.refresh_from_db()
    assert (agreement.held_at, agreement.ended_by_id) == (None, world.user.id)
    assert "Turn AutoPay on" in browser.get(PAGE).content.decode()


def test_autopay_on_a_card_of_an_earlier_processor_says_that_nothing_is_charged(
    browser: Browser, world: World
) -> None:
    card = make_card(world)
    browser.post(AGREE, said(card))
    assert "Can&#x27;t charge" not in browser.get(PAGE).content.decode().replace("'", "&#x27;")
    old = world.processor_account
    ProcessorAccount.objects.filter(pk=old.pk).update(is_active=False)
    old.pk = new_id()
    old.is_active = True
    old.save(force_insert=True)
    text = browser.get(PAGE).content.decode().replace("'", "&#x27;")
    assert "Can&#x27;t charge" in text
    assert "kept by a processor that the practice does not use any more" in text
    assert "please pay what is due yourself" in text


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"agree": ""}, "Tick that you agree"),
        ({"card": ""}, "Choose one of your saved cards"),
        ({"limit": ""}, "Enter an amount"),
        ({"limit": "0"}, "more than zero"),
        ({"month_limit": "10.00"}, "below the limit for one charge"),
    ],
)
def test_what_is_not_agreed_to_soundly_is_not_agreed(
    browser: Browser, world: World, fields: dict[str, str], words: str
) -> None:
    answer = browser.post(AGREE, said(make_card(world), old="yes") | fields)
    assert answer.status_code == 422
    assert words in answer.content.decode()
    assert Agreement.objects.count() == 0


def test_all_that_is_wrong_with_an_agreement_is_told_at_once_and_nothing_typed_is_lost(
    browser: Browser, world: World
) -> None:
    make_card(world)
    answer = browser.post(AGREE, {"card": "", "limit": "abc", "month_limit": "-5", "old": "yes"})
    words = answer.content.decode()
    assert answer.status_code == 422
    # Each stands in the summary, and all but the tick at its own field too.
    assert words.count("Choose one of your saved cards that has not expired.") == 2
    assert words.count("Enter an amount in dollars and cents, like 120.00.") == 4
    assert words.count("Tick that you agree. Nothing is charged without it.") == 1
    assert 'value="abc"' in words
    assert 'value="-5"' in words
    assert 'name="old" value="yes" checked' in words
    assert Agreement.objects.count() == 0


def test_a_tick_is_kept_where_something_else_is_wrong(browser: Browser, world: World) -> None:
    answer = browser.post(AGREE, said(make_card(world)) | {"limit": "0"})
    words = answer.content.decode()
    assert words.count("more than zero") == 2
    assert 'name="agree" value="yes" checked' in words


def test_somebody_else_s_card_and_agreement_are_not_found(browser: Browser, world: World) -> None:
    there = make_world("Elsewhere")
    theirs = make_card(there)
    assert browser.post(AGREE, said(theirs)).status_code == 422
    agreement = agree(there)
    for what in ("hold", "end"):
        assert browser.post(f"/portal/autopay/{agreement.id}/{what}/").status_code == 404
    agreement.refresh_from_db()
    assert (agreement.held_at, agreement.ended_at) == (None, None)
    assert browser.post("/portal/autopay/agree/plan/", said(make_card(world))).status_code == 404


def test_a_plan_is_read_and_agreed_to_as_it_was_offered(browser: Browser, world: World) -> None:
    first = business_date(clock.now(), world.practice.timezone) + timedelta(days=3)
    plan = offer_plan(
        viewer=world.staff, account=world.account, line_ids=[make_line(world).id], count=3, first_on=first,
        every="week",
    )  # fmt: skip
    card = make_card(world)
    assert "$40.00" in browser.get(PAGE).content.decode()
    page = f"/portal/autopay/plans/{plan.id}/accept/"
    assert browser.post(page, {"card": str(card.id)}).status_code == 422
    for _ in range(2):
        assert browser.post(page, {"card": str(card.id), "agree": "yes"}).status_code == 302
    assert Agreement.objects.get().kind == AgreementKind.PLAN
    there = make_world("Elsewhere")
    other = Browser()
    other.force_login(there.user)
    assert other.post(page, {"agree": "yes"}).status_code == 404


def announce(world: World) -> Charge:
    """AutoPay was agreed to, and a charge of one new line announced for tomorrow."""
    with clock.set_to(MORNING):
        agree(world, AgreementKind.AUTOPAY)
        make_line(world, 12_000, on=DUE_DAY)
        announce_due()
    return Charge.objects.get()


def test_what_the_notice_promises_stands_on_the_home_page_and_under_autopay(browser: Browser, world: World) -> None:
    assert "is charged to your card" not in text(browser.get("/portal/"))
    announce(world)
    assert "$120.00 is charged to your card on Nov 5, 2026" in text(browser.get("/portal/"))
    page = text(browser.get(PAGE))
    assert "Nov 5, 2026 Planned Nov 5, 2026, Session" in page
    Grant.objects.filter(contact=world.contact).update(may_see_documents=False, may_see_diagnosis=False)
    page = text(browser.get(PAGE))
    assert "Nov 5, 2026, Service" in page
    assert "Session" not in page


def test_a_planned_charge_on_hold_is_not_told_as_planned(browser: Browser, world: World) -> None:
    charge = announce(world)
    browser.post(f"/portal/autopay/{charge.agreement_id}/hold/", {"held": "yes"})
    assert "is charged to your card" not in text(browser.get("/portal/"))
    page = text(browser.get(PAGE))
    assert "Planned" not in page
    assert "On hold: nothing is charged unless you let it go on." in page


def test_a_charge_that_was_not_made_leads_to_paying_while_something_of_it_is_owed(
    browser: Browser, world: World
) -> None:
    charge = announce(world)
    link = f'<a class="inline small" href="{reverse("portal:pay")}">Make a Payment'
    assert link not in browser.get(PAGE).content.decode()
    Charge.objects.filter(pk=charge.pk).update(state="failed", words="The bank declined it.")
    assert link in browser.get(PAGE).content.decode()
    Charge.objects.filter(pk=charge.pk).update(state="planned")
    assert link not in browser.get(PAGE).content.decode()
    Charge.objects.filter(pk=charge.pk).update(state="skipped")
    Practice.objects.update(payments_allowed=False)
    assert link not in browser.get(PAGE).content.decode()
    Practice.objects.update(payments_allowed=True)
    pay(browser, InvoiceLine.objects.get())
    assert link not in browser.get(PAGE).content.decode()


def test_an_offered_plan_is_told_on_the_home_page_of_whom_it_concerns(browser: Browser, world: World) -> None:
    first = business_date(clock.now(), world.practice.timezone) + timedelta(days=3)
    line = make_line(world)
    with CaptureQueriesContext(connection) as before:
        browser.get("/portal/")
    plan = offer_plan(
        viewer=world.staff, account=world.account, line_ids=[line.id], count=3, first_on=first,
        every="week",
    )  # fmt: skip
    told = "A payment plan over $120.00 is offered to you"
    with CaptureQueriesContext(connection) as after:
        assert told in text(browser.get("/portal/"))
    assert count_queries(before) == count_queries(after) <= 10
    assert f"$120.00 for 1 service: {line.on:%b} {line.on.day}, {line.on.year}" in text(browser.get(PAGE))
    assert "Make a Payment" in text(browser.get(PAGE)).partition("or a part of it")[2]  # no card is saved yet
    browser.post(f"/portal/autopay/plans/{plan.id}/accept/", {"card": str(make_card(world).id), "agree": "yes"})
    assert told not in text(browser.get("/portal/"))
    browser.post(f"/portal/autopay/{Agreement.objects.get().id}/end/")
    assert "What is left of its services is due as before." in text(browser.get(PAGE))
