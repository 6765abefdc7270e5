"""The payment path over a processor that answers by HTTP: from the form to the ledger, for each test card."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from paywell.core import clock
from paywell.core.errors import UserError
from paywell.core.money import Money
from paywell.ledger.books import find_broken_links, find_drift
from paywell.ledger.models import AccountKind
from paywell.payments.actions import cancel_attempt, check_attempt, refund_payment, start_payment
from paywell.payments.models import (
    Attempt,
    AttemptState,
    Dispute,
    ProcessorCustomer,
    Refund,
    RefundState,
    Review,
    SavedCard,
)
from paywell.payments.orders import charge_order
from paywell.payments.reconcile import reconcile_due
from paywell.payments.sweep import sweep
from paywell.payments.tests.checks import balance, owed
from paywell.payments.tests.factories import World, make_form, make_line, make_world
from paywell.processors.contract import Capability, Outcome, Step, Style, Verdict
from tests.contract import rig as cards
from tests.contract.rig import Rig

pytestmark = pytest.mark.django_db


@pytest.fixture
def world(rig: Rig) -> World:
    """A practice that is connected to the account on the bench."""
    world = make_world()
    account = world.processor_account
    account.connector, account.settings, account.secrets = rig.name, rig.settings, rig.secrets
    account.save()
    return world


def pay(
    world: World,
    rig: Rig,
    card: str = cards.PAID,
    *lines: object,
    consent: str = "",
    fault: str = "",
) -> Attempt:
    """All that the payer does: our screen, their fields or their page, and back. `fault` spoils our look-up."""
    chosen = lines or (make_line(world),)
    if rig.processor.style is Style.INLINE:
        if fault:
            rig.script("look_up", fault)
        form = make_form(*chosen, card_token=rig.token(card), consent_version=consent)  # type: ignore[arg-type]
        return start_payment(viewer=world.viewer, form=form)
    attempt = start_payment(viewer=world.viewer, form=make_form(*chosen, card_token=""))  # type: ignore[arg-type]
    assert attempt.state == AttemptState.AWAITING_ACTION
    lead_on(rig, attempt)
    rig.pay(charge_order(attempt), card, save=bool(consent))
    if fault:
        rig.script("look_up", fault)
    return check_attempt(attempt=attempt)


def lead_on(rig: Rig, attempt: Attempt) -> None:
    """What our page gives to the payer's browser."""
    step = Step(attempt.step_url, attempt.step_fields)
    rig.remember(charge_order(attempt), Outcome(Verdict.NEEDS_ACTION, step=step))


def run_sweep(world: World) -> int:
    return sweep(world.processor_account, clock.now() - timedelta(hours=72))


def test_a_good_card_pays_once(world: World, rig: Rig) -> None:
    first, second = make_line(world, 12000), make_line(world, 3050)
    attempt = pay(world, rig, cards.PAID, first, second)
    assert (attempt.state, attempt.captured_minor, attempt.card_last4) == (AttemptState.SUCCEEDED, 15050, "4242")
    assert (owed(first), owed(second)) == (0, 0)
    assert [each.money for each in rig.charged()] == [Money(15050)]
    assert run_sweep(world) == 0
    assert find_drift(world.practice.id) == {}
    assert find_broken_links(world.practice.id) == []


def test_a_declined_card_leaves_the_service_owed(world: World, rig: Rig) -> None:
    line = make_line(world)
    attempt = pay(world, rig, cards.INSUFFICIENT_FUNDS, line)
    if rig.processor.style is Style.INLINE:
        assert (attempt.state, attempt.decline) == (AttemptState.DECLINED, "insufficient_funds")
    else:
        assert attempt.state == AttemptState.AWAITING_ACTION
    assert owed(line) == 12000
    if rig.processor.style is Style.TWO_STEP and Capability.FENCE not in rig.processor.capabilities:
        with pytest.raises(UserError) as refusal:
            pay(world, rig, cards.PAID, line)
        assert refusal.value.code == "being_paid"  # their page stands open
        return
    again = pay(world, rig, cards.PAID, line)
    assert again.state == AttemptState.SUCCEEDED
    assert len(rig.charged()) == 1


def test_the_bank_asks_and_the_payer_says_yes(world: World, rig: Rig) -> None:
    if not rig.asks_bank:
        pytest.skip(f"{rig.name} asks the bank on its own page")
    line = make_line(world)
    attempt = pay(world, rig, cards.BANK_CHECK, line)
    assert attempt.state == AttemptState.AWAITING_ACTION
    rig.answer_bank(rig.processor.look_up(charge_order(attempt)), approve=True)
    with clock.set_to(clock.now() + timedelta(seconds=10)):
        assert check_attempt(attempt=attempt).state == AttemptState.SUCCEEDED
    assert owed(line) == 0


def test_the_answer_comes_late(world: World, rig: Rig) -> None:
    line = make_line(world)
    attempt = pay(world, rig, cards.LATE, line)
    assert attempt.state == AttemptState.PROCESSING
    with pytest.raises(UserError) as refusal:
        pay(world, rig, cards.PAID, line)
    assert refusal.value.code == "being_paid"
    rig.settle(attempt.processor_ref, "succeeded")
    with clock.set_to(clock.now() + timedelta(minutes=2)):
        reconcile_due()
    assert owed(line) == 0


def test_the_answer_gets_lost(world: World, rig: Rig) -> None:
    attempt = pay(world, rig, cards.LOST)
    assert attempt.state == AttemptState.SUCCEEDED
    assert len(rig.charged()) == 1


@pytest.mark.parametrize("fault", ["drop_after", "error_after", "garbage", "without_amount", "unknown_word"])
def test_a_look_up_without_a_trustworthy_answer_is_made_again(world: World, rig: Rig, fault: str) -> None:
    line = make_line(world)
    attempt = pay(world, rig, cards.PAID, line, fault=fault)
    assert attempt.state in (AttemptState.PROCESSING, AttemptState.AWAITING_ACTION)
    with clock.set_to(clock.now() + timedelta(minutes=2)):
        reconcile_due()
    assert Attempt.objects.get().state == AttemptState.SUCCEEDED
    assert owed(line) == 0
    assert len(rig.charged()) == 1


def test_another_amount_is_booked_as_captured(world: World, rig: Rig) -> None:
    line = make_line(world, 12000)
    rig.script("capture", "other_amount", "11000")
    attempt = pay(world, rig, cards.PAID, line)
    assert (attempt.captured_minor, owed(line)) == (11000, 1000)
    assert Review.objects.get().kind == "amount_differs"


def test_what_could_not_be_opened_can_be_tried_again_at_once(world: World, rig: Rig) -> None:
    if not rig.calls_at_open:
        pytest.skip(f"{rig.name} has nothing to open")
    line = make_line(world)
    rig.script("open", "error_after")
    form = make_form(line, card_token="tok")
    assert start_payment(viewer=world.viewer, form=form).state == AttemptState.CREATED
    assert pay(world, rig, cards.PAID, line).state == AttemptState.SUCCEEDED
    assert Attempt.objects.get(pk=form.attempt_id).state == AttemptState.CANCELED
    assert len(rig.charged()) == 1


def test_a_card_is_kept_and_pays_again(world: World, rig: Rig) -> None:
    pay(world, rig, consent="2026-01")
    card = SavedCard.objects.get()
    assert (card.contact, card.last4, card.exp_year) == (world.contact, "4242", 2040)
    form = make_form(make_line(world), card_token="")
    if rig.processor.style is Style.INLINE:
        form = replace(form, saved_card_id=card.id)
    attempt = start_payment(viewer=world.viewer, form=form)
    if rig.processor.style is Style.TWO_STEP:
        lead_on(rig, attempt)
        rig.pay_saved(charge_order(attempt), card.token)
        attempt = check_attempt(attempt=attempt)
    assert (attempt.state, attempt.card_last4) == (AttemptState.SUCCEEDED, "4242")
    assert SavedCard.objects.count() == 1


def test_f47_whatever_a_payer_keeps_belongs_to_one_customer_over_there(world: World, rig: Rig) -> None:
    for _ in range(2):
        pay(world, rig, consent="2026-01")
    references = {card.customer_ref for card in SavedCard.objects.all()}
    assert len(references) == 1
    assert ProcessorCustomer.objects.count() == 1
    (customer_ref,) = references
    assert {kept.card.last4 for kept in rig.processor.list_cards(customer_ref)} == {"4242"}


def test_refunds_from_both_sides_are_booked_once(world: World, rig: Rig) -> None:
    line = make_line(world, 12000)
    attempt = pay(world, rig, cards.PAID, line)
    rig.settle_day()
    with clock.set_to(clock.now() + timedelta(hours=25)):  # from when parts may go back everywhere
        made = refund_payment(viewer=world.staff, attempt=attempt, amount=Money(2000), reason="Shorter session")
    assert made.state == RefundState.DONE
    rig.refund_there(attempt.processor_ref, 3000)
    assert run_sweep(world) == 1
    assert run_sweep(world) == 0
    assert owed(line) == 5000
    assert balance(world, AccountKind.CLEARING) == 7000
    assert sorted(Refund.objects.values_list("origin", "amount_minor")) == [("at_processor", 3000), ("here", 2000)]


def test_a_dispute_is_opened_and_won(world: World, rig: Rig) -> None:
    rig.needs(Capability.DISPUTES)
    attempt = pay(world, rig)
    dispute = rig.dispute(attempt.processor_ref, 12000)
    run_sweep(world)
    assert (Dispute.objects.get().status, balance(world, AccountKind.CLEARING)) == ("open", 0)
    rig.close_dispute(dispute, "won")
    run_sweep(world)
    assert (Dispute.objects.get().status, balance(world, AccountKind.CLEARING)) == ("won", 12000)


def test_canceling_fences_over_there(world: World, rig: Rig) -> None:
    if rig.processor.style is Style.INLINE:
        pytest.skip("an inline payment has nothing to cancel")
    rig.needs(Capability.FENCE)
    attempt = start_payment(viewer=world.viewer, form=make_form(make_line(world), card_token=""))
    assert cancel_attempt(viewer=world.viewer, attempt=attempt).state == AttemptState.CANCELED
    assert rig.processor.look_up(charge_order(attempt)).verdict == "canceled"
