"""What the processor keeps and what it sends to the bank: every deposit is the sum of what is in it."""

from __future__ import annotations

from datetime import timedelta

import pytest

from paywell.core.clock import now
from paywell.core.money import Money
from paywell.processors.contract import (
    Capability,
    Deposit,
    DepositPart,
    DepositState,
    PartKind,
    ProcessorUnavailable,
    TellsDeposits,
)
from tests.contract.rig import DECLINED, Rig, new_refund


def teller(rig: Rig) -> TellsDeposits:
    rig.needs(Capability.DEPOSITS)
    assert isinstance(rig.processor, TellsDeposits)
    return rig.processor


def deposits_of(rig: Rig) -> dict[str, Deposit]:
    return {each.processor_ref: each for each in teller(rig).list_deposits(now() - timedelta(days=35))}


def parts_of(rig: Rig, deposit_ref: str) -> list[DepositPart]:
    return list(teller(rig).list_deposit_parts(deposit_ref))


def total(parts: list[DepositPart]) -> Money:
    return sum((part.gross - part.fee for part in parts), Money(0))


def fee(rig: Rig, minor: int) -> Money:
    """What is kept, by the rig's word; nothing where the processor does not tell."""
    return Money(minor if Capability.FEES in rig.processor.capabilities else 0)


def test_a_charge_tells_its_fee(rig: Rig) -> None:
    rig.needs(Capability.FEES)
    order = rig.paid(12000)
    assert rig.processor.look_up(order).fee in (None, Money(rig.fee_of_120))
    listed = {each.processor_ref: each for each in rig.charged()}
    assert listed[order.processor_ref].fee == Money(rig.fee_of_120)


def test_what_took_no_money_tells_no_fee(rig: Rig) -> None:
    order = rig.opened()
    rig.pay(order, DECLINED)
    assert rig.processor.look_up(order).fee is None


def test_a_processor_without_fees_tells_none(rig: Rig) -> None:
    if Capability.FEES in rig.processor.capabilities:
        pytest.skip(f"{rig.name} tells its fees")
    assert rig.processor.look_up(rig.paid(12000)).fee is None


def test_a_deposit_is_the_sum_of_its_charges_refunds_and_fees(rig: Rig) -> None:
    teller(rig)
    first, second = rig.paid(12000), rig.paid(5000)
    rig.settle_day()  # some make a deposit of each day
    refund = new_refund(first, 2000)
    refunded = rig.processor.refund(refund)
    rig.pay_out()
    deposits = deposits_of(rig)
    parts = {deposit_ref: parts_of(rig, deposit_ref) for deposit_ref in deposits}
    assert {ref: total(each) for ref, each in parts.items()} == {ref: each.money for ref, each in deposits.items()}
    everything = [part for each in parts.values() for part in each]
    assert len({part.entry_ref for part in everything}) == len(everything) == 3
    for order in (first, second):
        (charge,) = [
            part
            for part in everything
            if part.kind is PartKind.CHARGE
            and (order.reference == part.reference or order.processor_ref == part.object_ref)
        ]
        assert charge.gross == order.money
        assert order is second or charge.fee == fee(rig, rig.fee_of_120)
    (back,) = [part for part in everything if part.kind is PartKind.REFUND]
    assert back.gross == Money(-2000)
    assert refunded.processor_ref == back.object_ref or refund.reference == back.reference
    assert all(each.is_itemized and each.live_mode is not True for each in deposits.values())


def test_a_dispute_is_in_a_deposit_with_its_fee(rig: Rig) -> None:
    rig.needs(Capability.DISPUTES)
    teller(rig)
    order = rig.paid(12000)
    rig.pay_out()
    dispute_ref = rig.dispute(order.processor_ref, 12000)
    rig.paid(50000)
    deposit_ref = rig.pay_out()
    (part,) = [each for each in parts_of(rig, deposit_ref) if each.kind is PartKind.DISPUTE]
    assert (part.gross, part.fee, part.object_ref) == (Money(-12000), fee(rig, rig.fee_of_dispute), dispute_ref)
    assert total(parts_of(rig, deposit_ref)) == deposits_of(rig)[deposit_ref].money


def test_a_deposit_that_failed_goes_out_again_with_the_next(rig: Rig) -> None:
    teller(rig)
    if not rig.deposits_fail:
        pytest.skip(f"{rig.name} tells of no failed deposits")
    rig.paid(12000)
    failed_ref = rig.pay_out()
    rig.fail_deposit(failed_ref)
    rig.paid(5000)
    next_ref = rig.pay_out()
    deposits = deposits_of(rig)
    assert deposits[failed_ref].state is DepositState.FAILED
    assert deposits[next_ref].state is not DepositState.FAILED
    (back,) = [part for part in parts_of(rig, next_ref) if part.kind is PartKind.RETURNED]
    assert back.gross == deposits[failed_ref].money
    assert total(parts_of(rig, next_ref)) == deposits[next_ref].money
    assert total(parts_of(rig, failed_ref)) == deposits[failed_ref].money


def test_what_no_entry_explains_is_not_made_up(rig: Rig) -> None:
    teller(rig)
    rig.paid(12000)
    deposit_ref = rig.pay_out(extra=-700)
    assert deposits_of(rig)[deposit_ref].money - total(parts_of(rig, deposit_ref)) == Money(-700)


def test_a_deposit_is_in_one_list_and_its_entries_in_one_deposit(rig: Rig) -> None:
    teller(rig)
    refs = []
    for minor in (12000, 5000):
        rig.paid(minor)
        refs.append(rig.pay_out())
    assert set(refs) == deposits_of(rig).keys()
    seen = [part.entry_ref for ref in refs for part in parts_of(rig, ref)]
    assert len(seen) == len(set(seen)) == 2


def test_an_account_without_deposits_has_an_empty_list(rig: Rig) -> None:
    assert deposits_of(rig) == {}


@pytest.mark.parametrize("kind", ["error_before", "garbage", "drop_before"])
def test_a_list_that_breaks_off_is_no_shorter_list(rig: Rig, kind: str) -> None:
    teller(rig)
    rig.paid(12000)
    deposit_ref = rig.pay_out()
    rig.script("payouts", kind, times=2)
    with pytest.raises(ProcessorUnavailable):
        deposits_of(rig)
    with pytest.raises(ProcessorUnavailable):
        parts_of(rig, deposit_ref)
    assert total(parts_of(rig, deposit_ref)) == deposits_of(rig)[deposit_ref].money
