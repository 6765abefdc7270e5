"""Refunds and disputes: asked for here or made there, in full or in part, never more than was taken."""

from __future__ import annotations

from dataclasses import replace

import pytest

from paywell.core.ids import new_key, new_reference
from paywell.core.money import Money
from paywell.processors.contract import Capability, ChargeOrder, Verdict
from tests.contract.rig import Rig, new_refund


def settled(rig: Rig, minor: int = 12000) -> ChargeOrder:
    """A payment that may be refunded in part."""
    order = rig.paid(minor)
    rig.settle_day()
    return order


def refunded(rig: Rig, order: object) -> list[tuple[int, Verdict]]:
    return [(each.money.minor, each.verdict) for each in rig.processor.look_up(order).refunds]  # type: ignore[arg-type]


def test_a_payment_is_refunded_in_parts_until_nothing_is_left(rig: Rig) -> None:
    order = settled(rig, 12000)
    for minor in (5000, 5000, 2000):  # the same amount twice is two refunds
        refund = new_refund(order, minor)
        done = rig.processor.refund(refund)
        assert (done.verdict, done.money, done.reference) == (Verdict.SUCCEEDED, Money(minor), refund.reference)
    assert rig.processor.refund(new_refund(order, 1)).verdict is Verdict.DECLINED
    assert refunded(rig, order) == [(5000, Verdict.SUCCEEDED), (5000, Verdict.SUCCEEDED), (2000, Verdict.SUCCEEDED)]


def test_a_refund_in_full(rig: Rig) -> None:
    order = settled(rig)
    assert rig.processor.refund(new_refund(order, 12000)).verdict is Verdict.SUCCEEDED
    truth = rig.processor.look_up(order)
    assert (truth.verdict, truth.money) == (Verdict.SUCCEEDED, Money(12000))
    assert [each.money for each in truth.refunds] == [Money(12000)]


def test_more_than_what_was_taken_is_not_given_back(rig: Rig) -> None:
    order = settled(rig)
    assert rig.processor.refund(new_refund(order, 12001)).verdict is Verdict.DECLINED
    assert refunded(rig, order) == []


def test_a_refund_sent_twice_is_made_once(rig: Rig) -> None:
    order = settled(rig)
    refund = new_refund(order, 3000)
    first, again = rig.processor.refund(refund), rig.processor.refund(refund)
    assert replace(first, at=None) == replace(again, at=None)
    assert refunded(rig, order) == [(3000, Verdict.SUCCEEDED)]


def test_a_refund_key_with_other_content_is_unknown_and_changes_nothing(rig: Rig) -> None:
    rig.needs(Capability.IDEMPOTENCY_KEYS)
    order = settled(rig)
    refund = new_refund(order, 3000)
    rig.processor.refund(refund)
    assert rig.processor.refund(replace(refund, money=Money(4000))).verdict is Verdict.UNKNOWN
    assert refunded(rig, order) == [(3000, Verdict.SUCCEEDED)]


def test_what_is_not_paid_is_not_refunded(rig: Rig) -> None:
    order = rig.opened()
    told = rig.processor.refund(new_refund(order, 100)).verdict
    assert told is (Verdict.DECLINED if rig.knows_opened else Verdict.NOT_SENT)
    foreign = replace(new_refund(order, 100), charge_ref=rig.nobody_ref, key=new_key(), reference=new_reference())
    assert rig.processor.refund(foreign).verdict is Verdict.NOT_SENT


@pytest.mark.parametrize(
    ("fault", "happened"),
    [
        ("silent_before", False), ("silent_after", True), ("drop_before", False), ("drop_after", True),
        ("error_after", True), ("garbage", True), ("unknown_word", True), ("without_amount", True),
    ],
)  # fmt: skip
def test_a_refund_without_a_trustworthy_answer_is_unknown_and_made_at_most_once(
    rig: Rig, fault: str, happened: bool
) -> None:
    order = settled(rig)
    refund = new_refund(order, 3000)
    rig.script("refund", fault)
    assert rig.impatient().refund(refund).verdict is Verdict.UNKNOWN
    truth = rig.processor.look_up_refund(refund)
    assert truth.verdict is (Verdict.SUCCEEDED if happened else Verdict.ABSENT)
    assert rig.processor.refund(refund).verdict is Verdict.SUCCEEDED
    assert refunded(rig, order) == [(3000, Verdict.SUCCEEDED)]


def test_a_refund_is_looked_up_by_their_reference_or_by_ours(rig: Rig) -> None:
    order = settled(rig)
    refund = new_refund(order, 3000)
    done = replace(rig.processor.refund(refund), at=None)
    assert replace(rig.processor.look_up_refund(refund), at=None) == done
    known = replace(refund, processor_ref=done.processor_ref)
    assert replace(rig.processor.look_up_refund(known), at=None) == done
    assert rig.processor.look_up_refund(replace(refund, reference=new_reference())).verdict is Verdict.ABSENT


def test_a_look_up_of_a_refund_that_fails_is_unknown(rig: Rig) -> None:
    order = settled(rig)
    refund = new_refund(order, 3000)
    rig.processor.refund(refund)
    for fault in ("drop_before", "garbage", "rate_limited"):
        rig.script("look_up_refund", fault)
        assert rig.processor.look_up_refund(refund).verdict is Verdict.UNKNOWN
    assert rig.unreachable().look_up_refund(refund).verdict is Verdict.UNKNOWN
    assert rig.unreachable().refund(refund).verdict is Verdict.NOT_SENT


def test_a_refund_may_wait_and_then_succeed_or_fail(rig: Rig) -> None:
    if not rig.refunds_wait:
        pytest.skip(f"{rig.name} answers a refund at once")
    order = settled(rig)
    for end, verdict in (("succeeded", Verdict.SUCCEEDED), ("failed", Verdict.DECLINED)):
        refund = new_refund(order, 3000)
        rig.script("refund_result", "pending")
        waiting = rig.processor.refund(refund)
        assert waiting.verdict is Verdict.PENDING
        rig.settle_refund(waiting.processor_ref, end)
        assert rig.processor.look_up_refund(refund).verdict is verdict


def test_a_refund_that_comes_back_days_later_frees_its_amount(rig: Rig) -> None:
    order = settled(rig)
    refund = new_refund(order, 12000)
    done = rig.processor.refund(refund)
    rig.settle_refund(done.processor_ref, "failed")
    assert (
        rig.processor.look_up_refund(replace(refund, processor_ref=done.processor_ref)).verdict is Verdict.DECLINED
    )
    assert rig.processor.refund(new_refund(order, 12000)).verdict is Verdict.SUCCEEDED


def test_a_refund_made_there_comes_with_the_look_up_and_has_no_reference_of_ours(rig: Rig) -> None:
    order = settled(rig)
    rig.refund_there(order.processor_ref, 4500)
    (found,) = rig.processor.look_up(order).refunds
    assert (found.money, found.verdict, found.reference) == (Money(4500), Verdict.SUCCEEDED, "")
    assert rig.processor.refund(new_refund(order, 7501)).verdict is Verdict.DECLINED


@pytest.mark.parametrize(("end", "withheld"), [("won", 0), ("lost", 12000)])
def test_a_dispute_is_told_with_what_is_withheld_now(rig: Rig, end: str, withheld: int) -> None:
    rig.needs(Capability.DISPUTES)
    order = settled(rig)
    dispute = rig.dispute(order.processor_ref, 12000)
    (opened,) = rig.processor.look_up(order).disputes
    assert (opened.processor_ref, opened.status, opened.withheld) == (dispute, "open", Money(12000))
    assert rig.processor.refund(new_refund(order, 100)).verdict is Verdict.DECLINED
    rig.close_dispute(dispute, end)
    (closed,) = rig.processor.look_up(order).disputes
    assert (closed.status, closed.withheld, closed.money) == (end, Money(withheld), Money(12000))
    listed = list(rig.processor.list_since(closed.at))
    assert [each.disputes for each in listed] == [(closed,)]
