"""Exact figures of fees and deposits for a few days that are known."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from paywell.core import clock
from paywell.core.money import Money
from paywell.payments.actions import refund_payment, start_payment
from paywell.payments.deposits import sweep_deposits
from paywell.payments.models import Deposit, ProcessorAccount, Review
from paywell.payments.sweep import sweep
from paywell.payments.tests.factories import World, make_form, make_line, make_world
from paywell.payments.tests.fake_processor import Charge, FakeProcessor
from paywell.processors.contract import Capability, DepositPart, Disputed, PartKind, Refunded, Verdict
from paywell.processors.registry import CONNECTORS
from paywell.reports.deposits import get_waiting, read_deposit, report_deposits, write_lines
from paywell.reports.month_end import Statement, report_month_end
from paywell.reports.payments import report_payments
from paywell.reports.tests.test_figures import NOVEMBER, ZONE, words
from paywell.reports.types import Period

DECEMBER = Period(date(2026, 12, 1), date(2026, 12, 31), ZONE)


def at(month: int, day: int) -> Any:
    return clock.set_to(datetime(2026, month, day, 17, tzinfo=UTC))


def read(world: World) -> None:
    account = ProcessorAccount.objects.get(pk=world.processor_account.pk)
    sweep(account, clock.now() - timedelta(days=35))
    sweep_deposits(account, clock.now() - timedelta(days=35))


@pytest.fixture
def world(db: None, processor: FakeProcessor) -> Iterator[World]:
    """November: $120 and $50 paid, $20 given back, all of it deposited on the 14th; $70 more is paid on the 28th,
    and its deposit arrives in December."""
    processor.fee_minor = 378
    with at(11, 2):
        world = make_world()
        ProcessorAccount.objects.filter(pk=world.processor_account.pk).update(connected_at=clock.now())
    with at(11, 10):
        paid = start_payment(viewer=world.viewer, form=make_form(make_line(world, 12000)))
        start_payment(viewer=world.viewer, form=make_form(make_line(world, 5000)))
        refund_payment(viewer=world.staff, attempt=paid, amount=Money(2_000), reason="Canceled")
    with at(11, 12):
        processor.pay_out()
        read(world)
    with at(11, 28):
        start_payment(viewer=world.viewer, form=make_form(make_line(world, 7000)))
    with at(11, 30):
        processor.pay_out()
        read(world)
        yield world


def test_payments_tell_fees_and_what_is_left(world: World) -> None:
    report = report_payments(world.staff, NOVEMBER)
    assert [row[1:] for row in words(report)] == [
        ["Card", "$240.00", "-$20.00", "$0.00", "$0.00", "-$11.34", "$208.66"]
    ]
    assert report.notes == ()


def test_a_deposit_is_told_by_the_day_at_the_bank_as_the_sum_of_its_parts(world: World) -> None:
    report = report_deposits(world.staff, NOVEMBER)
    assert [(row[0], *row[2:]) for row in words(report)] == [
        ("2026-11-14", "Arrived", "$142.44", "$170.00", "-$20.00", "$0.00", "-$7.56", "$0.00", "$0.00")
    ]
    assert report.rows[0].deposit_id == Deposit.objects.get(processor_ref="po_1").id
    assert [(bar.amount, bar.share) for bar in report.charts[0].bars] == [(Money(14244), 100)]
    assert report.notes == ("$66.22 of card payments was not deposited yet at the end of these days.",)
    later = report_deposits(world.staff, DECEMBER)
    assert [row[3] for row in words(later)] == ["$66.22"]
    assert later.notes == ()


def test_the_months_end_tells_what_lies_at_the_processor(world: World) -> None:
    month = report_month_end(world.staff, NOVEMBER)
    assert month.is_right
    told = {each.title: each for each in month.statements}
    assert str(told["Taken by card, before fees and deposits"].after) == "$220.00"
    waiting: Statement = told["At the card processors"]
    assert [(label, str(amount)) for label, amount in waiting.moves] == [
        ("Taken by card, less refunds and disputes", "$220.00"),
        ("Fees kept by processors", "-$11.34"),
        ("Deposited at the bank", "-$142.44"),
    ]
    assert (str(waiting.before), str(waiting.after)) == ("$0.00", "$66.22")
    next_one = {each.title: each for each in report_month_end(world.staff, DECEMBER).statements}
    assert (str(next_one["At the card processors"].before), str(next_one["At the card processors"].after)) == (
        "$66.22",
        "$0.00",
    )


def test_without_fees_and_deposits_the_months_end_is_as_before(db: None, processor: FakeProcessor) -> None:
    with at(11, 10):
        world = make_world()
        start_payment(viewer=world.viewer, form=make_form(make_line(world, 12000)))
        month = report_month_end(world.staff, NOVEMBER)
    assert "At the card processors" not in {each.title for each in month.statements}
    assert month.is_right


def test_what_no_part_explains_has_its_own_column_and_a_word_about_it(
    world: World, processor: FakeProcessor
) -> None:
    with at(11, 30):
        start_payment(viewer=world.viewer, form=make_form(make_line(world, 3000)))
        processor.pay_out(extra=-700, days=0)
        read(world)
    report = report_deposits(world.staff, NOVEMBER)
    assert (words(report)[0][3], words(report)[0][-1]) == ("$19.22", "-$7.00")
    assert "Open the deposit to see what to do." in report.notes[0]
    detail = read_deposit(Deposit.objects.get(processor_ref="po_3"))
    assert (detail.net, detail.unexplained, detail.amount) == (Money(2622), Money(-700), Money(1922))
    assert list(write_lines(detail))[-1] == ["Not explained", "", "", Money(-700), "", Money(-700)]
    waiting = {each.title: each for each in report_month_end(world.staff, NOVEMBER).statements}
    assert ("In deposits, not explained", Money(-700)) in waiting["At the card processors"].moves


def test_a_deposit_that_was_sent_back_counts_nothing_until_it_goes_out_again(
    world: World, processor: FakeProcessor
) -> None:
    processor.send_back("po_1")
    with at(11, 30):
        read(world)
        assert str(get_waiting(world.staff, NOVEMBER)) == "$208.66"
        row = words(report_deposits(world.staff, NOVEMBER))[0]
        assert (row[2], row[3], row[8]) == ("Sent back", "$0.00", "-$142.44")
        processor.pay_out(days=0)
        read(world)
    assert str(get_waiting(world.staff, NOVEMBER)) == "$66.22"
    again = words(report_deposits(world.staff, NOVEMBER))[0]
    assert (again[2], again[3], again[8]) == ("Arrived", "$142.44", "$142.44")


def test_charges_that_are_not_ours_do_not_count_against_what_is_ours(
    world: World, processor: FakeProcessor
) -> None:
    with at(11, 30):
        ref = "ch_elsewhere"
        processor.charges["x"] = Charge(ref, "", Money(9000), "paid", Money(9000), fee=Money(300))
        processor.pay_out(days=0)
        del processor.charges["x"]  # not told by the list of charges: another program's
        read(world)
    assert str(get_waiting(world.staff, NOVEMBER)) == "$66.22"
    assert words(report_payments(world.staff, NOVEMBER))[0][6] == "-$11.34"
    line = read_deposit(Deposit.objects.get(processor_ref="po_3")).lines[0]
    assert (line.who, line.attempt_id, line.is_of_charge) == ("", None, True)


def test_money_in_suspense_adds_up_with_what_went_back_of_it(world: World, processor: FakeProcessor) -> None:
    """$90 that matched nothing, $3 kept of it; $25 of it given back, the rest disputed for $15."""
    with at(11, 29):
        charge = Charge("ch_x", "", Money(9000), "paid", Money(9000), fee=Money(300))
        processor.charges["x"] = charge
        read(world)
    with at(11, 30):
        charge.refunds["r"] = Refunded("re_x", Money(2500), Verdict.SUCCEEDED)
        charge.disputes = (Disputed("dp_x", Money(6500), Money(6500), "open"),)
        processor.pay_out(days=0)
        read(world)
    row = words(report_deposits(world.staff, NOVEMBER))[0]
    assert row[3:] == ["-$18.00", "$90.00", "-$25.00", "-$65.00", "-$18.00", "$0.00", "$0.00"]
    assert words(report_payments(world.staff, NOVEMBER))[0][2:] == [
        "$240.00", "-$20.00", "$0.00", "$0.00", "-$29.34", "$190.66",
    ]  # fmt: skip
    assert str(get_waiting(world.staff, NOVEMBER)) == "$66.22"
    assert report_month_end(world.staff, NOVEMBER).is_right
    review = Review.objects.get(kind="unmatched_charge")
    lines = read_deposit(Deposit.objects.get(processor_ref="po_3")).lines
    assert [(line.label, line.who, line.is_booked, line.review_id) for line in lines] == [
        ("Payment", "", True, review.id), ("Refund", "", True, review.id), ("Dispute", "", True, review.id),
    ]  # fmt: skip


def test_a_fee_of_its_own_and_a_correction_are_counted(world: World, processor: FakeProcessor) -> None:
    with at(11, 30):
        processor.pay_out(extra=-2500, days=0)
        processor.parts["po_3"] = [
            DepositPart("e_fee", PartKind.FEE, Money(-2000), Money(0)),
            DepositPart("e_reserve", PartKind.ADJUSTMENT, Money(-500), Money(0)),
        ]
        read(world)
    assert words(report_payments(world.staff, NOVEMBER))[0][6] == "-$31.34"
    row = words(report_deposits(world.staff, NOVEMBER))[0]
    assert (row[3], *row[7:]) == ("-$25.00", "-$20.00", "-$5.00", "$0.00")
    assert str(get_waiting(world.staff, NOVEMBER)) == "$66.22"
    assert report_month_end(world.staff, NOVEMBER).is_right


def test_a_processor_that_tells_no_fees_has_a_sentence_and_no_zeros(
    world: World, processor: FakeProcessor, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = world.processor_account.connector
    monkeypatch.setitem(CONNECTORS, name, replace(CONNECTORS[name], label="Quiet", tells_fees=False))
    processor.capabilities = processor.capabilities - {Capability.FEES}  # type: ignore[misc]
    processor.fee_minor = 0
    processor.charges, processor.deposits, processor.parts = {}, {}, {}
    with at(11, 20):
        other = make_world("Elsewhere")
        ProcessorAccount.objects.filter(pk=other.processor_account.pk).update(connected_at=clock.now())
        start_payment(viewer=other.viewer, form=make_form(make_line(other, 12000)))
        processor.pay_out()
        read(other)
        payments, deposits = report_payments(other.staff, NOVEMBER), report_deposits(other.staff, NOVEMBER)
    said = "Quiet does not tell Paywell its fees. What arrives at the bank may be less: see its monthly statement."
    assert payments.notes == deposits.notes == (said,)
    assert words(payments)[0][6:] == ["not told", "$120.00"]
    assert words(deposits)[0][3:] == ["$120.00", "$120.00", "$0.00", "$0.00", "not told", "$0.00", "$0.00"]


def test_a_list_that_was_not_read_for_days_is_said(world: World) -> None:
    with at(12, 4):
        notes = report_deposits(world.staff, DECEMBER).notes
    assert any("could not read the fees and deposits of" in note and "since Nov 30, 2026" in note for note in notes)


def test_another_practice_sees_none_of_it(world: World) -> None:
    other = make_world("Elsewhere")
    assert report_deposits(other.staff, NOVEMBER).rows == ()
    assert report_payments(other.staff, NOVEMBER).rows == ()
    assert get_waiting(other.staff, NOVEMBER) == Money(0)


def test_the_reports_cost_the_same_for_many_deposits(world: World, processor: FakeProcessor) -> None:
    def count() -> list[int]:
        found = []
        for make in (report_deposits, report_payments, report_month_end):
            with CaptureQueriesContext(connection) as queries:
                make(world.staff, NOVEMBER)  # type: ignore[operator]
            found.append(len(queries))
        return found

    few = count()
    with at(11, 30):
        for _ in range(4):
            start_payment(viewer=world.viewer, form=make_form(make_line(world, 3000)))
            processor.pay_out(days=0)
        read(world)
    # No entry by hand took part, so none is asked for.
    assert count() == few == [8, 6, 15]
