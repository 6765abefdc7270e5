"""Staff have a failed charge made again: announced first, once, within consent and limits. Who hears of a skip."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from paywell.accounts.models import Role
from paywell.agreements.again import charge_again
from paywell.agreements.agree import accept_plan, end_agreement, hold_agreement
from paywell.agreements.models import Agreement, AgreementKind, Charge, ChargeState
from paywell.agreements.plans import offer_plan
from paywell.agreements.queries import list_failed_charges
from paywell.agreements.tests.factories import agree, make_card, payer
from paywell.agreements.tests.test_automatic import DUE, announced, day
from paywell.agreements.tests.test_catching_up import begin, charged, on, run
from paywell.audit.models import AuditEvent
from paywell.core import clock
from paywell.core.errors import NotAllowed, NotFoundForViewer, UserError
from paywell.core.money import Money
from paywell.outbox.models import OutboxEvent
from paywell.payments.actions import start_payment
from paywell.payments.models import Attempt, SavedCard
from paywell.payments.tests.factories import World, make_form, make_line, make_world
from paywell.payments.tests.fake_processor import FakeProcessor

FAILED, PLANNED, DONE = ChargeState.FAILED, ChargeState.PLANNED, ChargeState.DONE


def fail(world: World, processor: FakeProcessor) -> Charge:
    """A plan's first installment of $40, declined on day 1, 4 and 8."""
    begin(world)
    processor.behavior = "declined"
    run(*range(10))
    processor.behavior = "paid"
    charge = Charge.objects.get()
    assert (charge.state, charge.tries, Attempt.objects.count()) == (FAILED, 3, 3)
    return charge


def again(world: World, charge: Charge, number: int) -> Charge:
    with clock.set_to(day(number)):
        return charge_again(viewer=world.staff, charge=charge)


def told(kind: str) -> int:
    return OutboxEvent.objects.filter(kind=f"agreements.{kind}").count()


def refused(world: World, charge: Charge, number: int = 12) -> str:
    """The code of the refusal, which changed nothing."""
    before = announced(), AuditEvent.objects.count()
    with pytest.raises(UserError) as caught:
        again(world, charge, number)
    charge.refresh_from_db()
    assert (charge.state, (announced(), AuditEvent.objects.count())) == (FAILED, before)
    return caught.value.code


def test_a_failed_installment_is_announced_and_charged_the_day_after(
    world: World, processor: FakeProcessor
) -> None:
    charge = fail(world, processor)
    before = announced()
    made = again(world, charge, 12)
    assert (made.state, made.due_on, announced() - before) == (PLANNED, on(13), 1)
    assert Attempt.objects.count() == 3
    assert list(list_failed_charges(world.staff)) == []
    run(12)
    assert (Attempt.objects.count(), announced() - before) == (3, 1)
    run(13)
    assert charged() == {1: on(13)}
    assert list(Attempt.objects.filter(state="succeeded").values_list("captured_minor", flat=True)) == [4_000]
    assert AuditEvent.objects.filter(action="agreements.charge_again").count() == 1


def test_pressing_twice_charges_once(world: World, processor: FakeProcessor) -> None:
    charge = fail(world, processor)
    before = announced()
    again(world, charge, 12)
    again(world, charge, 12)
    run(12, 13)
    again(world, charge, 13)
    run(13, 14)
    assert (announced() - before, Attempt.objects.filter(state="succeeded").count()) == (1, 1)


def test_one_that_fails_again_is_told_again(world: World, processor: FakeProcessor) -> None:
    charge = fail(world, processor)
    again(world, charge, 12)
    processor.behavior = "declined"
    run(12, 13)
    charge.refresh_from_db()
    assert (charge.state, told("charge_failed")) == (FAILED, 2)
    assert [row.id for row in list_failed_charges(world.staff)] == [charge.id]


def test_the_next_installments_go_on_a_week_apart(world: World, processor: FakeProcessor) -> None:
    charge = fail(world, processor)
    again(world, charge, 29)
    run(*range(29, 65))
    assert charged() == {1: on(30), 2: on(37), 3: on(62)}


def test_nothing_is_charged_again_without_consent(world: World, processor: FakeProcessor) -> None:
    charge = fail(world, processor)
    agreement = Agreement.objects.get()
    hold_agreement(viewer=payer(world), agreement=agreement, is_held=True)
    assert refused(world, charge) == "not_chargeable"
    hold_agreement(viewer=payer(world), agreement=agreement, is_held=False)
    SavedCard.objects.update(exp_year=2020)
    assert refused(world, charge) == "not_chargeable"
    SavedCard.objects.update(exp_year=2031)
    end_agreement(viewer=payer(world), agreement=agreement)
    assert refused(world, charge) == "not_chargeable"


def test_what_was_paid_meanwhile_is_not_charged_again(world: World, processor: FakeProcessor) -> None:
    charge = fail(world, processor)
    with clock.set_to(day(11)):
        start_payment(viewer=world.viewer, form=make_form(world.account.lines.get()))
    assert refused(world, charge) == "nothing_to_charge"


def test_the_limit_for_the_month_counts(world: World, processor: FakeProcessor) -> None:
    with clock.set_to(day(0)):
        agree(world, AgreementKind.AUTOPAY, limit=12_000, month_limit=Money(13_000))
        make_line(world, on=DUE)
    processor.behavior = "declined"
    run(*range(10))
    charge = Charge.objects.get()
    processor.behavior = "paid"
    with clock.set_to(day(10)):
        make_line(world, 5_000, on=on(11))
    run(10, 11)
    assert Attempt.objects.filter(state="succeeded").count() == 1
    assert refused(world, charge) == "above_month_limit"


def test_an_installment_waits_while_another_is_announced(world: World, processor: FakeProcessor) -> None:
    charge = fail(world, processor)
    run(30)  # the second is announced for the day after
    assert refused(world, charge, 30) == "not_chargeable"


def test_others_find_nothing_to_charge_again(world: World, processor: FakeProcessor) -> None:
    charge = fail(world, processor)
    with pytest.raises(NotAllowed):
        charge_again(viewer=replace(world.staff, role=Role.READ_ONLY), charge=charge)
    with pytest.raises(NotFoundForViewer):
        charge_again(viewer=make_world("Elsewhere").staff, charge=charge)
    charge.refresh_from_db()
    assert charge.state == FAILED


def test_an_installment_that_was_announced_and_left_out_is_told(world: World, processor: FakeProcessor) -> None:
    begin(world)
    run(0)
    SavedCard.objects.update(exp_year=2020)
    run(1)
    assert (Charge.objects.get().words, told("charge_skipped")) == ("The card has expired.", 1)
    run(2)  # said once more as the week's obstacle, which is another charge
    assert told("charge_skipped") == 2
    run(3)
    assert told("charge_skipped") == 2


def test_a_plan_that_was_paid_by_hand_tells_nothing(world: World, processor: FakeProcessor) -> None:
    with clock.set_to(day(0)):
        line = make_line(world)
        plan = offer_plan(
            viewer=world.staff, account=world.account, line_ids=[line.id], count=2,
            first_on=DUE + timedelta(days=5), every="week",
        )  # fmt: skip
        accept_plan(viewer=payer(world), plan=plan, card_id=make_card(world).id, is_agreed=True)
        start_payment(viewer=world.viewer, form=make_form(line))
    run(*range(1, 15))
    assert {charge.state for charge in Charge.objects.all()} == {ChargeState.SKIPPED}
    assert told("charge_skipped") == 0
