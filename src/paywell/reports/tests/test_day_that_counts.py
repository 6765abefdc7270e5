"""Money by hand counts on the day on which it came, whatever day it was recorded on."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from paywell.billing.entries import EntryForm, make_entry, reverse_entry
from paywell.billing.models import Entry, EntryKind, Method
from paywell.core import clock
from paywell.core.ids import new_id
from paywell.core.money import Money
from paywell.ledger.models import Transfer
from paywell.payments.story import tell_lines
from paywell.payments.tests.factories import World, make_line, make_world
from paywell.reports.credits import report_credits
from paywell.reports.month_end import report_month_end
from paywell.reports.payments import report_payments
from paywell.reports.receivables import report_receivables
from paywell.reports.types import Period

ZONE = "America/New_York"
OCTOBER = Period(date(2026, 10, 1), date(2026, 10, 31), ZONE)
NOVEMBER = Period(date(2026, 11, 1), date(2026, 11, 30), ZONE)
pytestmark = pytest.mark.django_db


def pay_late(world: World, minor: int) -> Entry:
    """A check of October 30 that is recorded on November 3."""
    form = EntryForm(
        entry_id=new_id(), kind=EntryKind.PAYMENT, amount=Money(minor), on=date(2026, 10, 30), method=Method.CHECK
    )
    return make_entry(viewer=world.staff, account=world.account, form=form)


@pytest.fixture
def world() -> World:
    with clock.set_to(datetime(2026, 10, 5, 17, tzinfo=UTC)):
        world = make_world()
        make_line(world, 12_000, on=date(2026, 10, 2))
    return world


def received(world: World, period: Period) -> list[str]:
    return [str(row.cells[-1]) for row in report_payments(world.staff, period).rows]


def test_a_check_of_october_recorded_in_november_counts_in_october(world: World) -> None:
    with clock.set_to(datetime(2026, 11, 3, 17, tzinfo=UTC)):
        entry = pay_late(world, 15_000)
        assert (received(world, OCTOBER), received(world, NOVEMBER)) == (["$150.00"], [])
        until = Period(date(2000, 1, 1), OCTOBER.last, ZONE)
        assert report_receivables(world.staff, until).rows == ()
        [credit] = report_credits(world.staff, until).rows
        assert credit.cells[1:4] == (Money(3_000), date(2026, 10, 30), date(2026, 11, 29))
    rows = Transfer.objects.filter(source=f"entry:{entry.id}")
    assert {(row.at.date(), row.effective_on) for row in rows} == {(date(2026, 11, 3), date(2026, 10, 30))}


def test_the_months_end_says_what_was_added_after_it(world: World) -> None:
    with clock.set_to(datetime(2026, 11, 3, 17, tzinfo=UTC)):
        assert report_month_end(world.staff, OCTOBER).added_later is None
        pay_late(world, 15_000)
        october, november = (report_month_end(world.staff, period) for period in (OCTOBER, NOVEMBER))
    assert (october.is_right, november.is_right) == (True, True)
    assert (october.added_later, november.added_later) == (Money(15_000), None)


def test_a_payment_taken_back_counts_on_the_day_on_which_it_was_taken_back(world: World) -> None:
    with clock.set_to(datetime(2026, 11, 3, 17, tzinfo=UTC)):
        entry = pay_late(world, 12_000)
        reverse_entry(viewer=world.staff, entry=entry, reason="Bounced")
        assert (received(world, OCTOBER), received(world, NOVEMBER)) == (["$120.00"], ["-$120.00"])


def test_the_story_of_a_balance_tells_the_day_on_which_the_money_came(world: World) -> None:
    line = world.account.lines.get()
    with clock.set_to(datetime(2026, 11, 3, 17, tzinfo=UTC)):
        pay_late(world, 12_000)
    [story] = tell_lines(world.practice.id, [line])
    assert [step.counts_on for step in story.steps] == [date(2026, 10, 30)]
