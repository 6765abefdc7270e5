"""The way back from the processor's page: called twice, forged, by nobody and by somebody else."""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import urlsplit

import pytest
from django.test import Client as Browser
from django.urls import reverse

from paywell.core import clock
from paywell.core.ids import new_id
from paywell.payments.models import Attempt, AttemptState
from paywell.payments.orders import charge_order
from paywell.payments.tests.factories import World, make_line
from paywell.payments.tests.fake_processor import FakeProcessor
from tests.tampering.conftest import Payer, Till, make_neighbor, page_of


@pytest.fixture
def attempt(world: World, two_step: FakeProcessor, payer: Payer) -> Attempt:
    """Led to the processor's page, where Submit was pressed."""
    line = make_line(world)
    answer = payer.send(payer.open_window(line), card="", card_token="")
    made = Attempt.objects.get()
    assert answer["Location"] == made.step_url
    two_step.pay_at_step_two(made.reference)
    return made


def return_path(attempt: Attempt) -> str:
    return urlsplit(charge_order(attempt).return_url).path


def test_twice_is_once(attempt: Attempt, payer: Payer, till: Till) -> None:
    shown = reverse("portal:payment", args=[attempt.id])
    answer = payer.browser.get(return_path(attempt))
    assert (answer.status_code, answer["Location"]) == (303, shown)
    assert "Paid" in page_of(payer.browser.get(shown))
    first = Attempt.objects.get()
    till.remember()
    with clock.set_to(clock.now() + timedelta(minutes=5)):
        again = payer.browser.get(return_path(attempt))
    assert (again.status_code, again["Location"]) == (303, shown)
    till.assert_untouched()
    assert (first.state, till.processor.taken) == (AttemptState.SUCCEEDED, 12_000)


@pytest.mark.parametrize("forged", ["x", "x" * 43, "é", "%00", "0"])
def test_a_forged_signature_is_not_found(
    attempt: Attempt, payer: Payer, till: Till, forged: str, caplog: pytest.LogCaptureFixture
) -> None:
    till.remember()
    answer = payer.browser.get(f"/portal/return/{attempt.id}/{forged}/")
    assert answer.status_code == 404
    assert "access refused" in caplog.text
    till.assert_untouched()


def test_the_signature_of_one_payment_does_not_fit_another(attempt: Attempt, payer: Payer, till: Till) -> None:
    till.remember()
    signature = return_path(attempt).split("/")[4]
    assert payer.browser.get(f"/portal/return/{new_id()}/{signature}/").status_code == 404
    till.assert_untouched()


def test_without_a_session_it_leads_to_the_sign_in_and_shows_nothing(attempt: Attempt) -> None:
    answer = Browser().get(return_path(attempt))
    assert (answer.status_code, answer.content) == (303, b"")
    page = Browser().get(answer["Location"])
    assert page.status_code == 302
    assert page["Location"].startswith(reverse("account_login"))
    assert Attempt.objects.get().returned_at is not None


def test_f12_with_another_person_s_session_the_payment_is_not_found(attempt: Attempt, world: World) -> None:
    other = Payer(make_neighbor(world).user)
    answer = other.browser.get(return_path(attempt), follow=True)
    assert answer.status_code == 404
    assert "120.00" not in page_of(answer)


def test_a_post_is_no_return(attempt: Attempt, payer: Payer, till: Till) -> None:
    till.remember()
    assert payer.browser.post(return_path(attempt)).status_code == 405
    till.assert_untouched()


def test_what_the_processor_adds_to_the_address_is_not_believed(attempt: Attempt, payer: Payer, till: Till) -> None:
    till.processor.charges[attempt.reference].status = "action"
    till.processor.charges[attempt.reference].captured = None
    answer = payer.browser.get(
        return_path(attempt), {"status": "succeeded", "amount": "0.01", "paid": "1"}, follow=True
    )
    assert "One step is left" in page_of(answer)
    assert Attempt.objects.get().state == AttemptState.AWAITING_ACTION
