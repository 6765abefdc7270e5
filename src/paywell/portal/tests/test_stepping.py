"""A step that is opened by a form: our page between Next and the processor's page, and who may have it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from django.test import Client as Browser

from paywell.accounts.models import User
from paywell.clients.tests.factories import make_grant
from paywell.payments.models import Attempt, AttemptState
from paywell.payments.tests.factories import World, make_line, make_other_payer
from paywell.portal.tests.conftest import STEP_TWO, PortalProcessor
from paywell.portal.tests.pages import pay
from paywell.processors.contract import ChargeOrder, Outcome, Step

FIELDS = {"token": 'a+b/"<c>=='}


@pytest.fixture
def by_form(two_step: PortalProcessor, monkeypatch: pytest.MonkeyPatch) -> PortalProcessor:
    """A processor whose page wants a token posted."""
    open_it: Any = two_step.open

    def open_by_form(order: ChargeOrder) -> Outcome:
        return replace(open_it(order), step=Step(f"{STEP_TWO}/payment/payment", FIELDS))

    look_up: Any = two_step.look_up
    monkeypatch.setattr(two_step, "open", open_by_form)
    monkeypatch.setattr(two_step, "look_up", lambda order: replace(look_up(order), step=None))
    return two_step


def begin(browser: Browser, world: World) -> Attempt:
    answer = pay(browser, make_line(world))
    attempt = Attempt.objects.get()
    assert (answer.status_code, answer["Location"]) == (303, f"/portal/payments/{attempt.id}/step/")
    return attempt


def test_next_leads_over_a_page_of_ours_that_posts_the_fields(
    browser: Browser, world: World, by_form: PortalProcessor
) -> None:
    attempt = begin(browser, world)
    answer = browser.get(f"/portal/payments/{attempt.id}/step/")
    html = answer.content.decode()
    assert f'<form method="post" action="{STEP_TWO}/payment/payment" data-leave>' in html
    assert '<input type="hidden" name="token" value="a+b/&quot;&lt;c&gt;==">' in html
    assert "csrfmiddlewaretoken" not in html.split("data-leave")[1].split("</form>")[0]  # not theirs to know
    assert "pay.example.org" in html
    assert "no-store" in answer["Cache-Control"]
    policy = {part.split()[0]: part.split()[1:] for part in answer["Content-Security-Policy"].split(";")}
    assert policy["form-action"] == ["'self'", STEP_TWO]
    assert attempt.step_fields == FIELDS
    page = browser.get(f"/portal/payments/{attempt.id}/").content.decode()
    assert f'href="/portal/payments/{attempt.id}/step/"' in page


def test_once_nothing_is_awaited_the_page_leads_to_the_payment_and_the_fields_are_gone(
    browser: Browser, world: World, by_form: PortalProcessor
) -> None:
    attempt = begin(browser, world)
    by_form.pay_at_step_two(attempt.reference)
    browser.get(f"/portal/payments/{attempt.id}/")
    answer = browser.get(f"/portal/payments/{attempt.id}/step/")
    assert (answer.status_code, answer["Location"]) == (302, f"/portal/payments/{attempt.id}/")
    attempt.refresh_from_db()
    assert (attempt.state, attempt.step_url, attempt.step_fields) == (AttemptState.SUCCEEDED, "", {})


def test_only_who_began_the_payment_is_led_on(browser: Browser, world: World, by_form: PortalProcessor) -> None:
    attempt = begin(browser, world)
    assert Browser().get(f"/portal/payments/{attempt.id}/step/").status_code == 302  # to the sign-in
    guardian = Browser()
    other = make_other_payer(world)
    make_grant(other.contact, world.client, world.account, role="guardian", may_pay=True)
    guardian.force_login(User.objects.get(pk=other.id))
    answer = guardian.get(f"/portal/payments/{attempt.id}/step/")
    assert (answer.status_code, answer["Location"]) == (302, f"/portal/payments/{attempt.id}/")
    assert FIELDS["token"] not in guardian.get(f"/portal/payments/{attempt.id}/").content.decode()
