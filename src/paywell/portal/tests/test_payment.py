"""product.md 1.3, afterwards: the result, and the way back from the processor."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client as Browser
from django.urls import reverse

from paywell.core import clock
from paywell.documents.receipts import issue_refund_receipt
from paywell.payments.models import Attempt, AttemptState, Refund
from paywell.payments.orders import sign_return
from paywell.payments.reconcile import reconcile_due
from paywell.payments.tests.checks import owed
from paywell.payments.tests.factories import World, make_line
from paywell.portal.tests.conftest import PortalProcessor
from paywell.portal.tests.pages import fill, pay, text
from paywell.portal.words import DECLINES
from paywell.processors.contract import Decline


def result(browser: Browser) -> str:
    return reverse("portal:payment", args=[Attempt.objects.get().id])


def test_paid_shows_amount_card_new_balance_and_the_receipt(browser: Browser, world: World) -> None:
    line = make_line(world, 12000)
    response = pay(browser, line, amount="50.00", notes="From the <i>HSA</i>")
    assert (response.status_code, response["Location"]) == (303, result(browser))
    page = browser.get(result(browser))
    assert "Paid $50.00" in text(page)
    assert "Visa 4242" in text(page)
    assert "Balance due now $70.00" in text(page)
    assert "From the &lt;i&gt;HSA&lt;/i&gt;" in page.content.decode()
    assert reverse("portal:receipt_pdf", args=[Attempt.objects.get().id]) in page.content.decode()


def test_money_taken_and_the_card_not_kept_is_said(
    browser: Browser, world: World, processor: PortalProcessor
) -> None:
    words = "The card could not be saved for future payments. You have been charged once"
    pay(browser, make_line(world), save_card="on")
    assert words not in text(browser.get(result(browser)))
    Attempt.objects.all().update(saved_card=None)
    assert words in text(browser.get(result(browser)))
    Attempt.objects.all().update(consent_version="")  # nobody asked for it
    assert words not in text(browser.get(result(browser)))


def test_reloading_the_result_pays_nothing(browser: Browser, world: World, processor: PortalProcessor) -> None:
    pay(browser, make_line(world))
    for _ in range(3):
        browser.get(result(browser))
    assert (processor.count("submit"), processor.taken) == (1, 12000)


def test_declined_says_why_that_no_money_moved_and_what_to_do(
    browser: Browser, world: World, processor: PortalProcessor
) -> None:
    processor.behavior = "declined"
    pay(browser, make_line(world))
    page = text(browser.get(result(browser)))
    assert "Declined" in page
    assert "there is not enough money on this card" in page
    assert "You have not been charged." in page
    assert "Try another card" in page
    assert "Try again" in page


@pytest.mark.parametrize("decline", list(Decline))
def test_every_decline_has_words_of_its_own(decline: Decline) -> None:
    words = DECLINES[decline]
    assert str(words.title).endswith(".")
    assert str(words.advice).endswith(".")
    for sentence in (str(words.title), str(words.advice)):
        assert "!" not in sentence
        assert "_" not in sentence


def test_still_processing_says_do_not_pay_again_and_looks_by_itself(
    browser: Browser, world: World, processor: PortalProcessor
) -> None:
    processor.behavior = "late"
    pay(browser, make_line(world))
    response = browser.get(result(browser))
    assert "We are checking, do not pay again" in text(response)
    html = response.content.decode()
    assert 'role="status"' in html
    assert '<noscript><meta http-equiv="refresh"' in html
    status = reverse("portal:payment_status", args=[Attempt.objects.get().id])
    assert f'data-status-url="{status}"' in html
    assert browser.get(status).json() == {"screen": "checking", "done": False}


def test_the_status_turns_when_the_answer_is_there(
    browser: Browser, world: World, processor: PortalProcessor
) -> None:
    processor.behavior = "late"
    pay(browser, make_line(world))
    attempt = Attempt.objects.get()
    processor.finish(attempt.reference)
    Attempt.objects.update(lease_until=None)
    status = browser.get(reverse("portal:payment_status", args=[attempt.id])).json()
    assert status == {"screen": "paid", "done": True}
    assert "Paid $120.00" in text(browser.get(result(browser)))


def test_f08_a_lost_answer_is_checked_and_never_shown_as_declined(
    browser: Browser, world: World, processor: PortalProcessor
) -> None:
    processor.lose("submit")
    processor.lose("look_up")
    pay(browser, make_line(world))
    Attempt.objects.update(state=AttemptState.UNKNOWN)
    processor.lose("look_up")
    assert "We are checking, do not pay again" in text(browser.get(result(browser)))


def test_a_bank_check_offers_to_continue_and_to_cancel(
    browser: Browser, world: World, processor: PortalProcessor
) -> None:
    processor.behavior = "bank_check"
    pay(browser, make_line(world))
    response = browser.get(result(browser))
    assert "Your bank wants to check that it is you" in text(response)
    assert 'href="https://pay.example.org/ch_1"' in response.content.decode()
    cancel = reverse("portal:payment_cancel", args=[Attempt.objects.get().id])
    page = text(browser.post(cancel, follow=True))
    assert "Canceled" in page
    assert "You have not been charged." in page
    assert Attempt.objects.get().state == AttemptState.CANCELED


def test_canceling_does_not_go_by_get(browser: Browser, world: World, two_step: PortalProcessor) -> None:
    browser.post(reverse("portal:pay_start"), fill(browser, make_line(world)))
    assert browser.get(reverse("portal:payment_cancel", args=[Attempt.objects.get().id])).status_code == 405


def test_another_person_s_payment_is_a_404(browser: Browser, world: World, another) -> None:
    pay(browser, make_line(world))
    other = Browser()
    other.force_login(another("Hillside").user)
    attempt = Attempt.objects.get()
    for name in ("payment", "payment_status", "receipt", "receipt_pdf"):
        assert other.get(reverse(f"portal:{name}", args=[attempt.id])).status_code == 404
    assert other.post(reverse("portal:payment_cancel", args=[attempt.id])).status_code == 404


class TestReturn:
    @pytest.fixture
    def attempt(self, browser: Browser, world: World, two_step: PortalProcessor) -> Attempt:
        browser.post(reverse("portal:pay_start"), fill(browser, make_line(world)))
        return Attempt.objects.get()

    def address(self, attempt: Attempt) -> str:
        return reverse("portal:return", args=[attempt.id, sign_return(attempt)])

    def test_works_without_a_session_and_leads_to_sign_in_then_the_result(
        self, attempt: Attempt, two_step: PortalProcessor
    ) -> None:
        two_step.pay_at_step_two(attempt.reference)
        stranger = Browser()
        response = stranger.get(self.address(attempt))
        assert (response.status_code, response["Location"]) == (303, f"/portal/payments/{attempt.id}/")
        sign_in = stranger.get(response["Location"])
        assert sign_in["Location"] == f"/account/login/?next=/portal/payments/{attempt.id}/"

    def test_shows_the_result_to_the_payer(
        self, browser: Browser, attempt: Attempt, two_step: PortalProcessor
    ) -> None:
        two_step.pay_at_step_two(attempt.reference)
        assert "Paid $120.00" in text(browser.get(self.address(attempt), follow=True))

    def test_twice_changes_nothing(self, browser: Browser, attempt: Attempt, two_step: PortalProcessor) -> None:
        two_step.pay_at_step_two(attempt.reference)
        browser.get(self.address(attempt), follow=True)
        browser.get(self.address(attempt), follow=True)
        assert two_step.taken == 12000

    def test_forged_is_a_404(self, browser: Browser, attempt: Attempt) -> None:
        response = browser.get(reverse("portal:return", args=[attempt.id, "x" * 43]))
        assert response.status_code == 404
        assert Attempt.objects.get().returned_at is None

    def test_without_paying_offers_to_continue(self, browser: Browser, attempt: Attempt) -> None:
        page = text(browser.get(self.address(attempt), follow=True))
        assert "One step is left" in page
        assert "Continue $120.00" in page


def test_f13_a_payment_goes_on_while_its_payer_is_signed_out(
    browser: Browser, world: World, two_step: PortalProcessor
) -> None:
    line = make_line(world)
    pay(browser, line)
    attempt = Attempt.objects.get()
    assert attempt.state == AttemptState.AWAITING_ACTION
    browser.logout()
    two_step.pay_at_step_two(attempt.reference)
    assert browser.get(result(browser)).status_code == 302  # to the sign-in, which shows nothing of it
    with clock.set_to(clock.now() + timedelta(minutes=2)):
        reconcile_due()
    assert owed(line) == 0
    browser.force_login(world.user)
    assert "Paid" in text(browser.get(result(browser)))


def test_the_payer_sees_each_refund_with_its_receipt_and_no_try_that_never_was(
    browser: Browser, world: World
) -> None:
    pay(browser, make_line(world, 12000))
    attempt, now = Attempt.objects.get(), clock.now()
    said = {"practice": world.practice, "attempt": attempt, "currency": "USD", "created_at": now}
    done = Refund.objects.create(**said, state="done", amount_minor=2_000, closed_at=now)
    Refund.objects.create(**said, state="in_review", amount_minor=1_000)
    Refund.objects.create(**said, state="failed", amount_minor=700, closed_at=now)
    Attempt.objects.update(refunded_minor=2_000)
    row = issue_refund_receipt(done)
    page = browser.get(result(browser))
    assert "Went back to the card" in text(page)
    assert "The practice is checking with the card processor whether it went back" in text(page)
    for state, words in (("sending", "Being sent to the card"), ("pending", "On its way to the card")):
        Refund.objects.filter(amount_minor=1_000).update(state=state)
        assert words in text(browser.get(result(browser)))
    assert "$7.00" not in text(page)
    assert page.content.decode().count("Print Refund Receipt") == 1
    assert browser.get(reverse("portal:issued_pdf", args=[row.id]))["Content-Type"] == "application/pdf"
    history = browser.get(reverse("portal:history")).content.decode()
    assert f'href="{result(browser)}#refunds"' in history
    Refund.objects.filter(id=done.id).update(state="failed_late")
    Attempt.objects.update(refunded_minor=0)
    assert "Came back: the card did not take it." in text(browser.get(result(browser)))
    assert "the money came back to the practice" in text(browser.get(reverse("portal:issued", args=[row.id])))
