"""Whatever is done to an account, in whatever order: every report adds up to the ledger."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from paywell.books.tests.test_any_order import STEPS, do
from paywell.core import clock
from paywell.core.errors import UserError
from paywell.core.money import Money
from paywell.ledger.models import AccountKind as A
from paywell.ledger.models import Transfer
from paywell.payments.deposits import sweep_deposits
from paywell.payments.models import Attempt, ProcessorAccount
from paywell.payments.sweep import sweep
from paywell.payments.tests.factories import World
from paywell.payments.tests.fake_processor import FakeProcessor
from paywell.reports.credits import report_credits
from paywell.reports.deposits import get_waiting, report_deposits
from paywell.reports.income import report_income
from paywell.reports.month_end import report_month_end
from paywell.reports.payments import report_payments
from paywell.reports.receivables import report_receivables
from paywell.reports.types import Period, Report
from paywell.reports.write_offs import report_write_offs

ZONE = "America/New_York"


def add_up(world: World, period: Period, *kinds: A) -> int:
    """Debits less credits, counted one transfer at a time and with no help of the reports' own sums."""
    total = 0
    for row in Transfer.objects.filter(practice_id=world.practice.id).select_related("debit", "credit"):
        day = row.effective_on or clock.business_date(row.at, period.zone)
        if period.first <= day <= period.last:
            total += row.amount_minor * ((row.debit.kind in kinds) - (row.credit.kind in kinds))
    return total


def add_up_fees(world: World, period: Period) -> int:
    """What the fake keeps, counted payment by payment and dispute by dispute."""
    total = 0
    for attempt in Attempt.objects.filter(practice=world.practice, fee_minor__isnull=False):
        assert attempt.closed_at
        if period.first <= clock.business_date(attempt.closed_at, period.zone) <= period.last:
            total += attempt.fee_minor or 0
    return total


def total_of(report: Report, place: int = -1) -> int:
    cell = report.total[place] if report.total else Money(0)
    assert isinstance(cell, Money)
    assert cell.minor == sum(row.cells[place].minor for row in report.rows)  # type: ignore[union-attr]
    pages = [report.rows[start : start + 2] for start in range(0, len(report.rows), 2)]  # as the desk cuts them
    assert [row for page in pages for row in page] == list(report.rows)
    return cell.minor


def sum_bars(report: Report, place: int = 0) -> int:
    return sum(bar.amount.minor for bar in report.charts[place].bars if isinstance(bar.amount, Money))


def agree(world: World, period: Period) -> None:
    """Each report of the span against the same span of the ledger."""
    until = Period(date(2000, 1, 1), period.last, period.zone)
    receivables, credits = report_receivables(world.staff, until), report_credits(world.staff, until)
    assert total_of(receivables) == sum_bars(receivables) == add_up(world, until, A.RECEIVABLE)
    assert total_of(credits, 1) == sum_bars(credits) == -add_up(world, until, A.CLIENT_CREDIT)
    income = report_income(world.staff, period)
    earned = -add_up(world, period, A.INCOME, A.ADJUSTMENT, A.WRITE_OFF)
    assert [total_of(income), *(sum_bars(income, place) for place in range(3))] == [earned] * 4
    assert total_of(income, 3) == -add_up(world, period, A.INCOME)
    payments = report_payments(world.staff, period)
    assert total_of(payments) == sum_bars(payments)
    assert sum(total_of(payments, place) for place in range(2, 6)) == add_up(world, period, A.CLEARING, A.CASH)
    assert total_of(payments, 6) == -add_up_fees(world, period)
    deposits = report_deposits(world.staff, period)
    assert total_of(deposits, 3) == sum_bars(deposits) == sum(total_of(deposits, place) for place in range(4, 10))
    given_up = report_write_offs(world.staff, period)
    assert total_of(given_up) == sum_bars(given_up) == add_up(world, period, A.ADJUSTMENT, A.WRITE_OFF)
    month = report_month_end(world.staff, period)
    assert month.is_right
    assert month.income.minor == earned
    for each in month.statements:
        assert each.before + sum((amount for _label, amount in each.moves), Money(0)) == each.after == each.ledger
    waits = get_waiting(world.staff, until).minor
    assert waits == sum(
        each.after.minor for each in month.statements if each.title == "At the card processors"
    ) or (
        waits == add_up(world, until, A.CLEARING)  # before a processor told of anything
    )
    assert {label for each in month.statements for label, _amount in each.moves}.isdisjoint({"Other"})


def pay_out(world: World, processor: FakeProcessor, number: int) -> None:
    """A deposit of what there is, now and then one that fails or does not add up, and a sweep."""
    account = ProcessorAccount.objects.get(pk=world.processor_account.pk)
    if number == 8 and processor.deposits:
        processor.send_back(next(iter(processor.deposits)))
    processor.pay_out(extra=-7 if number == 12 else 0, days=number % 5)
    sweep(account, clock.now() - timedelta(days=90))
    sweep_deposits(account, clock.now() - timedelta(days=90))


@settings(
    max_examples=12, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(steps=STEPS, days=st.lists(st.integers(0, 20), min_size=14, max_size=14))
def test_every_report_equals_the_ledger(
    begin: Callable[[], World],
    processor: FakeProcessor,
    steps: list[Any],
    days: list[int],
) -> None:
    moment = clock.now().replace(month=11, day=3, hour=4, minute=30)
    processor.charges, processor.deposits, processor.parts = {}, {}, {}
    processor.fee_minor = 41
    with clock.set_to(moment):
        world = begin()
        ProcessorAccount.objects.filter(pk=world.processor_account.pk).update(connected_at=moment)
    for (act, number, percent), later in zip(steps, days, strict=False):
        moment += timedelta(days=later, hours=7)
        with clock.set_to(moment):
            if later % 4 == 0:
                pay_out(world, processor, later)
            try:
                do(world, act, number, percent)
            except UserError:
                continue
    with clock.set_to(moment):
        first = clock.business_date(moment, ZONE).replace(day=1)
        agree(world, Period(first, clock.business_date(moment, ZONE), ZONE))
        agree(world, Period(first - timedelta(days=40), first - timedelta(days=1), ZONE))
        agree(world, Period(date(2000, 1, 1), clock.business_date(moment, ZONE), ZONE))
    with clock.set_to(moment + timedelta(days=5)):
        sweep(ProcessorAccount.objects.get(pk=world.processor_account.pk), clock.now() - timedelta(days=400))
        today = Period(date(2000, 1, 1), clock.business_date(clock.now(), ZONE), ZONE)
        assert get_waiting(world.staff, today).minor == processor.not_sent


@pytest.mark.django_db
def test_the_check_of_the_months_end_can_fail(begin: Callable[[], World]) -> None:
    """A statement whose moves miss something is told from one that is whole."""
    world = begin()
    today = clock.business_date(clock.now(), ZONE)
    month = report_month_end(world.staff, Period(today.replace(day=1), today, ZONE))
    assert month.is_right
    owed = month.statements[0]
    assert not replace(owed, after=owed.after + Money(1)).is_right
    assert not replace(month, change=month.change + Money(1)).is_right
    assert not replace(month, statements=(replace(owed, ledger=Money(0)), *month.statements[1:])).is_right
