"""The register of fees and deposits: what the processor says, tied to our payments, apart from the ledger."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from paywell.core import clock
from paywell.core.money import Money
from paywell.ledger.models import Transfer
from paywell.payments.actions import refund_payment, start_payment
from paywell.payments.deposits import get_unexplained, sweep_deposits
from paywell.payments.models import Attempt, Deposit, DepositPart, ProcessorAccount, SuspendedPart
from paywell.payments.sweep import sweep, sweep_all
from paywell.payments.tests.factories import World, make_form, make_line, make_world
from paywell.payments.tests.fake_processor import Charge, FakeProcessor
from paywell.processors import contract
from paywell.processors.contract import (
    Capability,
    DepositState,
    Disputed,
    PartKind,
    ProcessorUnavailable,
    Refunded,
    Verdict,
)


def pay(world: World, minor: int = 12000) -> Attempt:
    return start_payment(viewer=world.viewer, form=make_form(make_line(world, minor)))


def run(world: World) -> int:
    world.processor_account.refresh_from_db()
    return sweep_deposits(world.processor_account, clock.now() - timedelta(hours=72))


def parts(**of: object) -> list[tuple[object, ...]]:
    rows = DepositPart.objects.filter(**of).order_by("entry_ref")
    return [(row.kind, row.gross_minor, row.fee_minor, row.attempt_id, row.is_booked) for row in rows]


@pytest.fixture
def charging(processor: FakeProcessor) -> FakeProcessor:
    processor.fee_minor = 378
    return processor


def test_a_sweep_takes_up_the_fee_of_a_payment(world: World, charging: FakeProcessor) -> None:
    attempt = pay(world)
    assert attempt.fee_minor is None
    sweep(world.processor_account, clock.now() - timedelta(hours=72))
    attempt.refresh_from_db()
    assert attempt.fee_minor == 378


def test_a_fee_in_another_currency_is_not_taken_for_one_in_ours(world: World, charging: FakeProcessor) -> None:
    attempt = pay(world)
    charging.charges[attempt.reference].fee = Money(300, "EUR")
    sweep(world.processor_account, clock.now() - timedelta(hours=72))
    attempt.refresh_from_db()
    assert attempt.fee_minor is None


def test_a_deposit_is_kept_with_its_parts_tied_to_their_payments(world: World, charging: FakeProcessor) -> None:
    first, second = pay(world), pay(world, 5000)
    refund_payment(viewer=world.staff, attempt=first, amount=Money(2000), reason="Canceled")
    told = charging.pay_out()
    assert run(world) == 1
    deposit = Deposit.objects.get()
    assert (deposit.processor_ref, deposit.state, deposit.amount_minor) == ("po_1", "paid", 17000 - 2000 - 756)
    assert deposit.arrives_on == told.arrives_on
    assert sorted(parts(), key=lambda row: -int(str(row[1]))) == [
        ("charge", 12000, 378, first.id, True),
        ("charge", 5000, 378, second.id, True),
        ("refund", -2000, 0, first.id, True),
    ]
    assert get_unexplained(deposit, deposit.parts.all()) == 0
    first.refresh_from_db()
    assert first.fee_minor == 378


def test_reading_a_deposit_again_asks_for_no_part_and_writes_nothing(world: World, charging: FakeProcessor) -> None:
    pay(world)
    charging.pay_out()
    run(world)
    ids = set(DepositPart.objects.values_list("id", flat=True))
    assert run(world) == 0
    assert charging.count("list_deposit_parts") == 1
    assert set(DepositPart.objects.values_list("id", flat=True)) == ids


def test_fees_and_deposits_move_nothing_in_the_ledger(world: World, charging: FakeProcessor) -> None:
    pay(world)
    before = list(Transfer.objects.order_by("id").values_list("hash", flat=True))
    charging.pay_out(extra=-500)
    sweep(world.processor_account, clock.now() - timedelta(hours=72))
    assert run(world) == 1
    assert list(Transfer.objects.order_by("id").values_list("hash", flat=True)) == before


def test_what_no_part_explains_stays_and_is_asked_for_again(world: World, charging: FakeProcessor) -> None:
    pay(world)
    charging.pay_out(extra=-700)
    run(world)
    deposit = Deposit.objects.get()
    assert get_unexplained(deposit, deposit.parts.all()) == -700
    late = contract.DepositPart("e_late", PartKind.ADJUSTMENT, Money(-700), Money(0))
    charging.parts["po_1"].append(late)
    assert run(world) == 1
    assert get_unexplained(deposit, deposit.parts.all()) == 0


def test_a_deposit_that_the_processor_does_not_itemize_is_no_riddle(world: World, charging: FakeProcessor) -> None:
    pay(world)
    told = charging.pay_out()
    charging.deposits["po_1"] = replace(told, is_itemized=False)
    assert run(world) == 1
    deposit = Deposit.objects.get()
    assert parts() == []
    assert get_unexplained(deposit, ()) == 0
    assert charging.count("list_deposit_parts") == 0
    assert run(world) == 0


def test_a_deposit_follows_its_state(world: World, charging: FakeProcessor) -> None:
    pay(world)
    charging.pay_out(DepositState.PENDING)
    run(world)
    assert Deposit.objects.get().state == "pending"
    charging.send_back("po_1")
    run(world)
    charging.pay_out()
    run(world)
    assert list(Deposit.objects.order_by("processor_ref").values_list("state", flat=True)) == ["failed", "paid"]
    assert parts(deposit__processor_ref="po_2") == [("returned", 11622, 0, None, False)]


def test_a_charge_that_is_not_ours_is_told_from_one_in_suspense(world: World, charging: FakeProcessor) -> None:
    charging.charges["x"] = Charge("ch_x", "", Money(7000), "paid", Money(7000))
    charging.pay_out()
    run(world)
    assert parts() == [("charge", 7000, 0, None, False)]
    sweep(world.processor_account, clock.now() - timedelta(hours=72))  # now it waits in suspense
    assert run(world) == 1
    assert parts() == [("charge", 7000, 0, None, True)]
    assert charging.count("list_deposit_parts") == 1


def test_a_refund_and_a_dispute_of_a_charge_in_suspense_go_where_their_charge_went(
    world: World, charging: FakeProcessor
) -> None:
    charge = Charge("ch_x", "", Money(7000), "paid", Money(7000), fee=Money(233))
    charging.charges["x"] = charge
    charge.refunds["r"] = Refunded("re_x", Money(2000), Verdict.SUCCEEDED)
    charge.disputes = (Disputed("dp_x", Money(5000), Money(5000), "open"),)
    charging.pay_out()
    run(world)
    assert {row[3:] for row in parts()} == {(None, False)}
    charge.disputes = ()
    sweep(world.processor_account, clock.now() - timedelta(hours=72))  # $50.00 wait in suspense
    charge.disputes = (Disputed("dp_x", Money(5000), Money(5000), "open"),)
    sweep(world.processor_account, clock.now() - timedelta(hours=72))
    assert run(world) == 1
    assert parts() == [
        ("charge", 7000, 233, None, True),
        ("dispute", -5000, 1500, None, True),
        ("refund", -2000, 0, None, True),
    ]
    assert charging.count("list_deposit_parts") == 1


def test_a_refund_of_a_charge_that_was_never_booked_is_not_ours(world: World, charging: FakeProcessor) -> None:
    charge = Charge("ch_x", "", Money(7000), "paid", Money(7000))
    charging.charges["x"] = charge
    charge.refunds["r"] = Refunded("re_x", Money(7000), Verdict.SUCCEEDED)  # all of it, before anybody looked
    charging.pay_out()
    sweep(world.processor_account, clock.now() - timedelta(hours=72))
    run(world)
    assert parts() == [("charge", 7000, 0, None, False), ("refund", -7000, 0, None, False)]
    assert SuspendedPart.objects.count() == 0


def test_another_practice_s_charge_in_suspense_ties_nothing(world: World, charging: FakeProcessor) -> None:
    other = make_world("Elsewhere")
    charge = Charge("ch_x", "", Money(7000), "paid", Money(7000))
    charging.charges["x"] = charge
    charge.refunds["r"] = Refunded("re_x", Money(2000), Verdict.SUCCEEDED)
    sweep(other.processor_account, clock.now() - timedelta(hours=72))
    charging.pay_out()
    run(world)
    assert parts() == [("charge", 7000, 0, None, False), ("refund", -2000, 0, None, False)]


def test_a_part_in_another_currency_explains_nothing(world: World, charging: FakeProcessor) -> None:
    pay(world)
    charging.pay_out()
    charging.parts["po_1"].append(contract.DepositPart("e_x", PartKind.FEE, Money(-5, "EUR"), Money(0, "EUR")))
    run(world)
    assert len(parts()) == 1


def test_deposits_from_before_the_account_was_connected_are_not_ours_to_tell(
    world: World, charging: FakeProcessor
) -> None:
    ProcessorAccount.objects.update(connected_at=clock.now() + timedelta(hours=1))
    pay(world)
    charging.pay_out()
    assert run(world) == 0
    assert Deposit.objects.count() == 0


def test_a_list_that_breaks_off_leaves_the_mark_where_it_was(
    world: World, charging: FakeProcessor, monkeypatch: pytest.MonkeyPatch
) -> None:
    pay(world)
    told = charging.pay_out()

    def broken(since: datetime) -> Iterable[contract.Deposit]:
        yield told
        raise ProcessorUnavailable("half of it")

    with monkeypatch.context() as patch:
        patch.setattr(charging, "list_deposits", broken)
        assert run(world) == 1
    world.processor_account.refresh_from_db()
    assert world.processor_account.deposits_until is None
    assert run(world) == 0
    world.processor_account.refresh_from_db()
    assert world.processor_account.deposits_until is not None


def test_the_next_reading_goes_back_to_the_last_whole_one(world: World, charging: FakeProcessor) -> None:
    pay(world)
    charging.pay_out()
    long_ago = clock.now() - timedelta(days=60)
    ProcessorAccount.objects.update(deposits_until=long_ago, connected_at=long_ago - timedelta(days=1))
    charging.deposits["po_1"] = replace(charging.deposits["po_1"], made_at=long_ago + timedelta(days=1))
    assert run(world) == 1


def test_a_processor_without_deposits_is_not_asked(world: World, charging: FakeProcessor) -> None:
    charging.capabilities = charging.capabilities - {Capability.DEPOSITS}  # type: ignore[misc]
    assert run(world) == 0
    assert charging.count("list_deposits") == 0


def test_without_fees_a_deposit_tells_none_of_a_payment(world: World, processor: FakeProcessor) -> None:
    processor.capabilities = processor.capabilities - {Capability.FEES}  # type: ignore[misc]
    attempt = pay(world)
    processor.pay_out()
    run(world)
    attempt.refresh_from_db()
    assert attempt.fee_minor is None


def test_the_hourly_sweep_reads_deposits(world: World, charging: FakeProcessor) -> None:
    pay(world)
    charging.pay_out()
    sweep_all()
    assert Deposit.objects.get().processor_account_id == world.processor_account.id


def test_another_practice_s_payment_is_never_tied(world: World, charging: FakeProcessor) -> None:
    attempt = pay(world)
    other = make_world("Elsewhere")
    charging.pay_out()
    sweep_deposits(other.processor_account, clock.now() - timedelta(hours=72))
    assert parts(practice=other.practice) == [("charge", 12000, 378, None, False)]
    attempt.refresh_from_db()
    assert attempt.fee_minor is None


def test_many_parts_take_as_many_queries_as_one(world: World, charging: FakeProcessor) -> None:
    counts = []
    for number in (1, 2, 12):  # the first makes what is made once
        for _ in range(number):
            pay(world)
        sweep(world.processor_account, clock.now() - timedelta(hours=72))
        charging.pay_out()
        with CaptureQueriesContext(connection) as queries:
            assert run(world) == 1
        counts.append(len(queries))
        charging.deposits.pop("po_1", None)
    assert counts[1] == counts[2] <= 21, counts


@pytest.mark.parametrize("values", [{"state": "gone"}, {"processor_ref": "po_1"}])
def test_the_database_refuses_a_deposit_that_can_t_be(
    world: World, charging: FakeProcessor, values: dict[str, str]
) -> None:
    pay(world)
    charging.pay_out()
    run(world)
    row = Deposit.objects.get()
    fields = {
        "practice": world.practice, "processor_account": world.processor_account, "processor_ref": "po_2",
        "state": "paid", "amount_minor": 1, "currency": "USD", "made_at": row.made_at, "arrives_on": row.arrives_on,
    }  # fmt: skip
    with pytest.raises(IntegrityError), transaction.atomic():
        Deposit.objects.create(**{**fields, **values})
