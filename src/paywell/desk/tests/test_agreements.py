"""Charging saved cards at the desk, one and many; plans; holding and ending."""

from __future__ import annotations

from typing import Any

import pytest
from django.urls import reverse

from paywell.accounts.models import Role
from paywell.agreements.models import Agreement, AgreementKind, Charge, Plan
from paywell.clients.models import Contact
from paywell.core import clock
from paywell.desk.tests.factories import Desk
from paywell.payments import processor_accounts
from paywell.payments.models import Attempt, SavedCard
from paywell.payments.tests.fake_processor import FakeProcessor
from paywell.processors.contract import Style
from paywell.work.jobs import run_due
from paywell.work.models import Work


def url(name: str, *ids: Any) -> str:
    return reverse(f"desk:{name}", args=ids)


@pytest.fixture
def processor(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> FakeProcessor:
    fake = FakeProcessor(Style.INLINE)
    monkeypatch.setattr(processor_accounts, "make_processor", lambda account: fake)
    type(desk.practice).objects.update(payments_allowed=True)
    return fake


def agree(desk: Desk, limit: int = 10_000) -> Agreement:
    """The client's own yes to charges by staff."""
    from paywell.accounts.tests.factories import make_user

    user = make_user()
    Contact.objects.filter(pk=desk.contact.pk).update(user=user)
    return Agreement.objects.create(
        practice=desk.practice, kind=AgreementKind.STAFF, account=desk.client.default_account, contact=desk.contact,
        user=user, card=SavedCard.objects.get(last4="1881"), wording_version="staff-1", agreed_at=clock.now(),
        currency="USD", charge_limit_minor=limit,
    )  # fmt: skip


def test_without_an_agreement_there_is_no_button_but_the_reason(desk: Desk) -> None:
    text = desk.browser().get(url("charge_card", desk.client.id)).content.decode()
    assert "Nobody agreed that the practice charges a card" in text
    assert "Charge the card" not in text
    assert "What you can do instead" in text
    main = text.partition("<main")[2]
    assert '<form method="post" class="card' not in main  # no empty card


def test_an_agreement_that_can_not_charge_says_why_on_both_pages(desk: Desk, processor: FakeProcessor) -> None:
    agreement = agree(desk)
    SavedCard.objects.filter(pk=agreement.card_id).update(exp_year=2020)
    browser = desk.browser()
    for page in ("charge_card", "client_agreements"):
        assert "The card has expired." in browser.get(url(page, desk.client.id)).content.decode()
    assert "What you can do instead" in browser.get(url("charge_card", desk.client.id)).content.decode()


def test_a_part_is_charged_within_the_agreement(desk: Desk, processor: FakeProcessor) -> None:
    agree(desk)
    browser, page = desk.browser(Role.FRONT_DESK), url("charge_card", desk.client.id)
    text = browser.get(page).content.decode()
    assert "Visa 1881" in text
    assert 'value="100.00"' in text
    refused = browser.post(page, {"key": "k0", "amount": "100.01"})
    assert "at most $100.00" in refused.content.decode()
    for _ in range(2):
        assert browser.post(page, {"key": "k1", "amount": "40.00"}).status_code == 302
    attempt = Attempt.objects.exclude(pk=desk.attempt.pk).get()
    assert (attempt.captured_minor, attempt.channel) == (4_000, "staff")


def test_a_batch_shows_every_skip_and_charges_in_the_worker(desk: Desk, processor: FakeProcessor) -> None:
    browser, page = desk.browser(), url("charge_batch")
    text = browser.get(page).content.decode()
    assert "its owner did not agree" in text
    assert "Charge the ticked cards" not in text
    agreement = agree(desk)
    assert "$100.00" in browser.get(page).content.decode()
    assert "Nothing was charged" in browser.post(page, {"key": "k"}, follow=True).content.decode()
    for _ in range(2):
        answer = browser.post(page, {"key": "k1", "agreement": [str(agreement.id)]})
    work = Work.objects.get(kind="charge_cards")
    assert answer["Location"] == url("work", work.id)
    assert Attempt.objects.count() == 1
    run_due.call()
    work.refresh_from_db()
    assert (work.state, work.done, work.summary) == ("done", 1, {"Charged": 1, "Total": "$100.00"})
    assert Charge.objects.get(agreement=agreement).state == "done"


def test_a_plan_is_offered_and_withdrawn(desk: Desk) -> None:
    browser = desk.browser()
    Plan.objects.update(withdrawn_at=clock.now())
    line = desk.unpaid.lines.get()
    said = {"lines": [str(line.id)], "count": "4", "every": "month", "first_on": "2099-01-31"}
    assert browser.post(url("plan_new", desk.client.id), said | {"count": "1"}).status_code == 422
    assert browser.post(url("plan_new", desk.client.id), said).status_code == 302
    plan = Plan.objects.get(withdrawn_at=None)
    assert [each.amount_minor for each in plan.installments.order_by("number")] == [3_500] * 4
    text = browser.get(url("client_agreements", desk.client.id)).content.decode()
    assert "Payment plan over $140.00" in text
    assert "Feb 28, 2099" in text
    browser.post(url("plan_withdraw", desk.client.id, plan.id))
    assert "over $140.00" not in browser.get(url("client_agreements", desk.client.id)).content.decode()


def test_staff_hold_let_go_on_and_end(desk: Desk) -> None:
    browser, row = desk.browser(), desk.charge.agreement
    browser.post(url("agreement_hold", desk.client.id, row.id), {"held": "yes"})
    assert "On hold" in browser.get(url("client_agreements", desk.client.id)).content.decode()
    browser.post(url("agreement_hold", desk.client.id, row.id), {"held": "no"})
    row.refresh_from_db()
    assert row.held_at is None
    browser.post(url("agreement_end", desk.client.id, row.id))
    row.refresh_from_db()
    assert row.ended_at is not None
    assert "Ended agreements" in browser.get(url("client_agreements", desk.client.id)).content.decode()
