"""Charging a saved card: only within what its owner agreed to, by the payment path, each time once."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from paywell.accounts.models import Role
from paywell.agreements.agree import end_agreement, hold_agreement, make_agreement
from paywell.agreements.charging import charge_saved_card, get_agreement, try_charge
from paywell.agreements.models import Agreement, AgreementKind, Charge, ChargeState, ChargeTry
from paywell.agreements.tests.factories import agree, make_card, payer
from paywell.billing.questions import ask_question
from paywell.clients.models import Client, Grant
from paywell.core import clock
from paywell.core.errors import NotAllowed, NotFoundForViewer, UserError
from paywell.core.money import Money
from paywell.ledger.models import Transfer
from paywell.ledger.queries import get_line_balances
from paywell.payments.actions import start_payment
from paywell.payments.models import Attempt, AttemptState, Channel, SavedCard
from paywell.payments.payer import OnBehalf
from paywell.payments.tests.factories import World, make_form, make_line, make_other_payer, make_world
from paywell.payments.tests.fake_processor import FakeProcessor
from paywell.processors.contract import Style


def charge(world: World, agreement: Agreement, minor: int = 12_000, key: str = "k1", **more: object) -> Charge:
    return charge_saved_card(viewer=world.staff, agreement=agreement, amount=Money(minor), key=key, **more)  # type: ignore[arg-type]


def refused(world: World, agreement: Agreement, code: str, minor: int = 12_000, **more: object) -> UserError:
    before = (Attempt.objects.count(), Charge.objects.count(), Transfer.objects.count())
    with pytest.raises(UserError) as caught:
        charge(world, agreement, minor, **more)
    assert caught.value.code == code
    assert (Attempt.objects.count(), Charge.objects.count(), Transfer.objects.count()) == before
    return caught.value


def test_staff_charge_a_card_whose_owner_agreed(world: World, processor: FakeProcessor) -> None:
    line = make_line(world)
    done = charge(world, agree(world))
    assert (done.state, done.tries, done.actor_id) == (ChargeState.DONE, 1, world.staff.id)
    attempt = Attempt.objects.get()
    assert (attempt.channel, attempt.contact_id, attempt.actor_id, attempt.captured_minor) == (
        Channel.STAFF, world.contact.id, world.staff.id, 12_000,
    )  # fmt: skip
    assert get_line_balances(practice_id=world.practice.id, line_ids=[line.id]) == {line.id: 0}


def test_the_same_key_charges_once(world: World, processor: FakeProcessor) -> None:
    make_line(world)
    agreement = agree(world)
    first = charge(world, agreement)
    assert charge(world, agreement).id == first.id
    assert Attempt.objects.count() == 1
    assert processor.calls.count("submit") == 1


def test_a_part_goes_to_the_oldest_first(world: World, processor: FakeProcessor) -> None:
    lines = [make_line(world), make_line(world)]
    charge(world, agree(world), 15_000)
    owed = get_line_balances(practice_id=world.practice.id, line_ids=[line.id for line in lines])
    assert [owed[line.id] for line in lines] == [0, 9_000]
    charge(world, Agreement.objects.get(), 1_000, key="k2", line_ids=[lines[1].id])
    assert get_line_balances(practice_id=world.practice.id, line_ids=[lines[1].id]) == {lines[1].id: 8_000}


@pytest.mark.parametrize(
    ("minor", "code"), [(12_001, "above_chargeable"), (0, "nothing_to_charge"), (10_001, "above_limit")]
)
def test_never_more_than_is_owed_or_agreed(world: World, processor: FakeProcessor, minor: int, code: str) -> None:
    make_line(world)
    refused(world, agree(world, limit=10_000), code, minor)


def test_more_than_the_chosen_services_owe_is_told_as_that(world: World, processor: FakeProcessor) -> None:
    first, _second = make_line(world, 5_000), make_line(world)
    agreement = agree(world)
    with pytest.raises(UserError) as caught:
        charge(world, agreement, 9_000, line_ids=[first.id])
    assert (caught.value.message, caught.value.field) == (
        "At most $50.00 of what is owed there can be charged now.", "amount"
    )  # fmt: skip
    assert processor.calls.count("submit") == 0


def test_the_limit_of_the_month_holds_over_all_charges(world: World, processor: FakeProcessor) -> None:
    make_line(world)
    agreement = agree(world, limit=6_000, month_limit=Money(10_000))
    charge(world, agreement, 6_000)
    assert "$40.00" in refused(world, agreement, "above_month_limit", 4_001, key="k2").message
    charge(world, agreement, 4_000, key="k3")
    with clock.set_to(clock.now() + timedelta(days=32)):
        assert charge(world, agreement, 2_000, key="k4").state == ChargeState.DONE


def test_a_declined_charge_takes_nothing_of_the_month_and_can_be_made_again(
    world: World, processor: FakeProcessor
) -> None:
    make_line(world)
    agreement = agree(world, limit=12_000, month_limit=Money(12_000))
    processor.behavior = "declined"
    failed = charge(world, agreement)
    assert (failed.state, failed.words) == (ChargeState.FAILED, "The bank declined it.")
    processor.behavior = "paid"
    assert charge(world, agreement, key="k2").state == ChargeState.DONE


def end(world: World, agreement: Agreement) -> None:
    end_agreement(viewer=payer(world), agreement=agreement)


def hold(world: World, agreement: Agreement) -> None:
    hold_agreement(viewer=payer(world), agreement=agreement, is_held=True)


def remove_the_card(world: World, agreement: Agreement) -> None:
    SavedCard.objects.update(removed_at=clock.now(), is_default=False)


def let_the_card_expire(world: World, agreement: Agreement) -> None:
    SavedCard.objects.update(exp_year=2020)


def withdraw_access(world: World, agreement: Agreement) -> None:
    Grant.objects.update(withdrawn_at=clock.now())


def take_the_right_to_pay(world: World, agreement: Agreement) -> None:
    Grant.objects.update(may_pay=False)


def switch_the_client_off(world: World, agreement: Agreement) -> None:
    Client.objects.update(payments_allowed=False)


def switch_the_practice_off(world: World, agreement: Agreement) -> None:
    type(world.practice).objects.update(payments_allowed=False)


@pytest.mark.parametrize(
    "obstacle",
    [
        end, hold, remove_the_card, let_the_card_expire, withdraw_access, take_the_right_to_pay,
        switch_the_client_off, switch_the_practice_off,
    ],
)  # fmt: skip
def test_an_obstacle_is_said_in_words_and_nothing_is_sent(
    world: World, processor: FakeProcessor, obstacle: object
) -> None:
    make_line(world)
    agreement = agree(world)
    obstacle(world, agreement)  # type: ignore[operator]
    error = refused(world, get_agreement(agreement.id), "not_chargeable")
    assert error.message.endswith(".")
    assert processor.calls == []


def test_a_two_step_processor_charges_no_card_behind_the_payer_s_back(
    world: World, processor: FakeProcessor
) -> None:
    make_line(world)
    agreement = agree(world)
    processor.style = Style.TWO_STEP
    refused(world, agreement, "not_chargeable")


def test_autopay_is_no_leave_for_staff_to_charge(world: World, processor: FakeProcessor) -> None:
    make_line(world)
    refused(world, agree(world, AgreementKind.AUTOPAY), "not_chargeable")


def test_a_questioned_line_and_one_that_is_being_paid_are_left_out(world: World, processor: FakeProcessor) -> None:
    asked, held, free = (make_line(world) for _ in range(3))
    ask_question(viewer=payer(world), line_id=asked.id, text="Why?")
    processor.behavior = "late"
    start_payment(viewer=world.viewer, form=make_form(held))
    processor.behavior = "paid"
    agreement = agree(world)
    refused(world, agreement, "above_chargeable", 12_001)
    charge(world, agreement, 12_000)
    owed = get_line_balances(practice_id=world.practice.id, line_ids=[asked.id, held.id, free.id])
    assert owed == {asked.id: 12_000, held.id: 12_000, free.id: 0}


def test_a_bank_check_is_not_left_open_behind_the_payer_s_back(world: World, processor: FakeProcessor) -> None:
    make_line(world)
    processor.behavior = "bank_check"
    failed = charge(world, agree(world))
    assert failed.state == ChargeState.FAILED
    assert Attempt.objects.get().state == AttemptState.CANCELED


def test_without_a_clear_answer_it_waits_and_is_never_sent_again(world: World, processor: FakeProcessor) -> None:
    make_line(world)
    processor.behavior = "late"
    waiting = charge(world, agree(world))
    assert waiting.state == ChargeState.RUNNING
    attempt = Attempt.objects.get()
    processor.finish(attempt.reference)
    assert try_charge(waiting.id).state == ChargeState.RUNNING
    from paywell.payments.reconcile import reconcile_attempt

    reconcile_attempt(attempt.id)
    assert try_charge(waiting.id).state == ChargeState.DONE
    assert Attempt.objects.count() == 1


def test_a_worker_that_died_before_the_payment_goes_on_with_the_same_attempt(
    world: World, processor: FakeProcessor, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_line(world)
    agreement = agree(world)

    def die(**_: object) -> Attempt:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("paywell.agreements.charging.start_payment", die)
        with pytest.raises(KeyboardInterrupt):
            charge(world, agreement)
    planned = ChargeTry.objects.get()
    assert Charge.objects.get().state == ChargeState.RUNNING
    assert charge(world, agreement).state == ChargeState.DONE
    assert Attempt.objects.get().id == planned.attempt_id


def test_an_agreement_that_ends_in_the_last_moment_stops_the_charge(
    world: World, processor: FakeProcessor, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_line(world)
    agreement = agree(world)

    def end_first(*, viewer: OnBehalf, form: object) -> Attempt:
        end(world, agreement)
        return start_payment(viewer=viewer, form=form)  # type: ignore[arg-type]

    monkeypatch.setattr("paywell.agreements.charging.start_payment", end_first)
    stopped = charge(world, agreement)
    assert stopped.state == ChargeState.SKIPPED
    assert Attempt.objects.count() == 0
    assert processor.calls == []


@pytest.mark.parametrize("role", [Role.CLINICIAN, Role.READ_ONLY])
def test_a_role_that_takes_no_payments_charges_nothing(world: World, processor: FakeProcessor, role: Role) -> None:
    make_line(world)
    with pytest.raises(NotAllowed):
        charge_saved_card(viewer=replace(world.staff, role=role), agreement=agree(world), amount=Money(1), key="k")
    assert Charge.objects.count() == 0


def test_another_practice_finds_no_agreement(world: World, processor: FakeProcessor) -> None:
    make_line(world)
    there = make_world("Elsewhere")
    with pytest.raises(NotFoundForViewer):
        charge(there, agree(world))


def test_agreeing_needs_the_tick_an_own_card_and_sound_limits(world: World, processor: FakeProcessor) -> None:
    card = make_card(world)
    stranger = make_other_payer(world)
    theirs = make_card(world, contact=stranger.contact, token="pm_2")
    for code, values in (
        ("not_agreed", {"is_agreed": False}),
        ("card_missing", {"card_id": None}),
        ("card_missing", {"card_id": theirs.id}),
        ("limit_invalid", {"charge_limit": Money(0)}),
        ("month_below_charge", {"month_limit": Money(99)}),
    ):
        said = {"card_id": card.id, "charge_limit": Money(100), "is_agreed": True} | values
        with pytest.raises(UserError) as caught:
            make_agreement(viewer=payer(world), kind=AgreementKind.STAFF, **said)  # type: ignore[arg-type]
        assert caught.value.code == code
    assert Agreement.objects.count() == 0


def test_agreeing_anew_ends_the_earlier_agreement(world: World, processor: FakeProcessor) -> None:
    first = agree(world, limit=100)
    second = agree(world, limit=200)
    assert Agreement.objects.get(pk=first.id).ended_at is not None
    assert Agreement.objects.get(ended_at=None).id == second.id


def test_what_the_payer_holds_only_the_payer_lets_go_on(world: World, processor: FakeProcessor) -> None:
    agreement = agree(world)
    hold(world, agreement)
    with pytest.raises(UserError) as caught:
        hold_agreement(viewer=world.staff, agreement=agreement, is_held=False)
    assert caught.value.code == "held_by_payer"
    assert hold_agreement(viewer=payer(world), agreement=agreement, is_held=False).held_at is None
    hold_agreement(viewer=world.staff, agreement=agreement, is_held=True)
    assert hold_agreement(viewer=world.staff, agreement=agreement, is_held=False).held_at is None
