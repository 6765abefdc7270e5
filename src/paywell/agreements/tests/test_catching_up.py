"""What was skipped is caught up when it can be: announced first, never two installments at once."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from paywell.agreements.agree import accept_plan, hold_agreement
from paywell.agreements.automatic import announce_due, charge_due
from paywell.agreements.models import Agreement, AgreementKind, Charge, ChargeState, Installment
from paywell.agreements.plans import offer_plan
from paywell.agreements.queries import list_failed_charges
from paywell.agreements.tests.factories import TODAY, agree, make_card, payer
from paywell.agreements.tests.test_automatic import DUE, announced, day
from paywell.billing.models import Question
from paywell.billing.questions import answer_question, ask_question
from paywell.core import clock
from paywell.core.errors import UserError
from paywell.ledger.queries import get_line_balances
from paywell.payments import processor_accounts
from paywell.payments.actions import start_payment
from paywell.payments.models import Attempt, SavedCard
from paywell.payments.tests.factories import World, make_form, make_line
from paywell.payments.tests.fake_processor import FakeProcessor

DONE, SKIPPED, PLANNED = ChargeState.DONE, ChargeState.SKIPPED, ChargeState.PLANNED


def begin(world: World, every: str = "month", count: int = 3) -> Agreement:
    """$120 in three installments of $40, the first due tomorrow."""
    with clock.set_to(day(0)):
        line = make_line(world)
        plan = offer_plan(
            viewer=world.staff, account=world.account, line_ids=[line.id], count=count, first_on=DUE, every=every
        )
        return accept_plan(viewer=payer(world), plan=plan, card_id=make_card(world).id, is_agreed=True)


def run(*numbers: int) -> None:
    """The worker on each of these days."""
    for number in numbers:
        with clock.set_to(day(number)):
            announce_due()
            charge_due()


def hold(world: World, agreement: Agreement, number: int, *, is_held: bool) -> None:
    with clock.set_to(day(number)):
        hold_agreement(viewer=payer(world), agreement=agreement, is_held=is_held)


def charged() -> dict[int, date]:
    rows = Installment.objects.filter(charge__state=DONE)
    return dict(rows.order_by("number").values_list("number", "charge__due_on"))


def on(number: int) -> date:
    return TODAY + timedelta(days=number)


def test_an_installment_skipped_on_hold_is_announced_again_and_charged(
    world: World, processor: FakeProcessor
) -> None:
    agreement = begin(world)
    run(0)
    assert (announced(), Charge.objects.get().state) == (1, PLANNED)
    hold(world, agreement, 0, is_held=True)
    run(1, 2)
    assert (Charge.objects.get().state, Attempt.objects.count()) == (SKIPPED, 0)
    hold(world, agreement, 3, is_held=False)
    run(3)
    again = Charge.objects.get()
    assert (again.state, again.due_on, announced(), Attempt.objects.count()) == (PLANNED, on(4), 2, 0)
    assert list(list_failed_charges(world.staff)) == []
    run(4)
    assert charged() == {1: on(4)}
    assert list(Attempt.objects.values_list("captured_minor", flat=True)) == [4_000]


def test_two_missed_installments_come_one_by_one_a_week_apart(world: World, processor: FakeProcessor) -> None:
    agreement = begin(world, every="week")
    hold(world, agreement, 0, is_held=True)
    run(0, 1, 7, 8)
    hold(world, agreement, 10, is_held=False)
    run(*range(10, 40))
    assert charged() == {1: on(11), 2: on(18), 3: on(25)}
    assert (announced(), Attempt.objects.count()) == (3, 3)


def test_an_undisturbed_weekly_plan_is_charged_on_its_own_days(world: World, processor: FakeProcessor) -> None:
    begin(world, every="week")
    run(*range(20))
    assert charged() == {1: on(1), 2: on(8), 3: on(15)}


def test_an_installment_skipped_for_a_question_comes_when_it_is_answered(
    world: World, processor: FakeProcessor
) -> None:
    begin(world)
    run(0)
    line = world.account.lines.get()
    with clock.set_to(day(0)):
        ask_question(viewer=payer(world), line_id=line.id, text="Why?")
    run(1, 2, 3)
    assert (Charge.objects.get().state, announced()) == (SKIPPED, 1)
    with clock.set_to(day(4)):
        answer_question(viewer=world.staff, question=Question.objects.get(), answer="Because.")
    run(4, 5)
    assert charged() == {1: on(5)}
    assert announced() == 2


def test_a_question_before_the_notice_skips_nothing_for_good(world: World, processor: FakeProcessor) -> None:
    begin(world)
    with clock.set_to(day(0)):
        ask_question(viewer=payer(world), line_id=world.account.lines.get().id, text="Why?")
    run(0, 1)
    assert Charge.objects.count() == 0
    with clock.set_to(day(2)):
        answer_question(viewer=world.staff, question=Question.objects.get(), answer="Because.")
    run(2, 3)
    assert charged() == {1: on(3)}


def test_what_was_paid_meanwhile_is_not_caught_up(world: World, processor: FakeProcessor) -> None:
    agreement = begin(world)
    run(0)
    hold(world, agreement, 0, is_held=True)
    run(1)
    with clock.set_to(day(2)):
        start_payment(viewer=world.viewer, form=make_form(world.account.lines.get()))
    hold(world, agreement, 3, is_held=False)
    run(3, 4)
    assert (Charge.objects.get().state, announced()) == (SKIPPED, 1)


def test_a_card_that_can_not_be_charged_is_explained_weekly_and_announces_nothing(
    world: World, processor: FakeProcessor
) -> None:
    begin(world)
    SavedCard.objects.update(exp_year=2020)
    run(0, 1, 2)
    assert (announced(), [charge.words for charge in Charge.objects.all()]) == (0, ["The card has expired."])
    SavedCard.objects.update(exp_year=2040)
    run(3, 4)
    assert charged() == {1: on(4)}


def test_autopay_takes_what_was_skipped_into_its_next_charge(world: World, processor: FakeProcessor) -> None:
    with clock.set_to(day(0)):
        agreement = agree(world, AgreementKind.AUTOPAY)
        line = make_line(world, on=DUE)
    run(0)
    hold(world, agreement, 0, is_held=True)
    run(1)
    hold(world, agreement, 2, is_held=False)
    run(2)
    assert (announced(), Attempt.objects.count()) == (2, 0)
    run(3)
    assert get_line_balances(practice_id=world.practice.id, line_ids=[line.id]) == {line.id: 0}


@pytest.mark.parametrize(
    "error", [UserError("No test processors here.", code="test_processor_refused"), KeyError()]
)
def test_a_processor_that_is_set_up_wrongly_is_told_in_the_inbox(
    world: World, processor: FakeProcessor, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    begin(world)
    run(0)

    def refuse(account: object) -> None:
        raise error

    monkeypatch.setattr(processor_accounts, "make_processor", refuse)
    run(1)
    [skipped] = list_failed_charges(world.staff)
    assert "not set up rightly" in skipped.words
    assert Attempt.objects.count() == 0
