"""Payments by hand stand among those through the processor: in order, page by page, for whom they concern."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from paywell.accounts.models import Role
from paywell.billing.entries import EntryForm, make_entry, reverse_entry
from paywell.billing.models import Entry, EntryKind, Method
from paywell.core import clock
from paywell.core.errors import NotFoundForViewer, UserError
from paywell.core.ids import new_id
from paywell.core.money import Money
from paywell.payments.access import find_hand_payment
from paywell.payments.by_hand import merge
from paywell.payments.history import SHOWN_STATES, _find_keys, _of_practice
from paywell.payments.queries import (
    find_practice_payments,
    iterate_payments,
    list_payments,
    list_practice_payments,
    recent_payments,
)
from paywell.payments.tests.factories import World, make_attempts, make_form, make_line, make_lines, make_world
from paywell.payments.types import Shown

NOON = datetime(2026, 11, 20, 18, tzinfo=UTC)


def take(world: World, minor: int = 1_000, **values: object) -> Entry:
    form = EntryForm(
        entry_id=new_id(),
        kind=EntryKind.PAYMENT,
        amount=Money(minor),
        method=Method.CHECK,
        reference="1042",
        **values,
    )
    return make_entry(viewer=world.staff, account=world.account, form=form)


def test_the_history_is_told_as_one_in_its_order(world: World) -> None:
    line = make_line(world)
    for hour in range(6):
        with clock.set_to(NOON + timedelta(hours=hour)):
            if hour % 2:
                take(world, 100 + hour)
            else:
                make_attempts(world, make_lines(world, 1))
    amounts = [row.amount.minor for row in list_payments(world.viewer).rows]
    assert amounts == [105, 5000, 103, 5000, 101, 5000]
    assert [row.amount.minor for row in recent_payments(world.viewer)] == [105, 5000, 103]
    assert [row.amount.minor for row in iterate_payments(world.viewer)] == amounts
    row = list_payments(world.viewer).rows[0]
    assert (row.method, row.method_reference, row.status, row.has_receipt) == ("check", "1042", Shown.PAID, True)
    assert [each.line_id for each in row.lines] == [line.id]


@pytest.mark.parametrize("hand", [0, 1, 3, 10])
@pytest.mark.parametrize("through", [0, 1, 4, 10])
def test_pages_of_two_lists_are_those_of_the_one(hand: int, through: int) -> None:
    """Whatever lies where: every row on exactly one page, in order."""
    first = [NOON - timedelta(hours=3 * number) for number in range(hand)]
    second = [NOON - timedelta(hours=2 * number, minutes=1) for number in range(through)]
    told = []
    for page in range(8):
        bounds = slice(3 * page, 3 * page + 4)
        rows = merge(first[: bounds.stop], lambda at: at, lambda start, stop: second[start:stop], bounds)
        told += rows[:3]
        assert (len(rows) > 3) == (len(first) + len(second) > 3 * page + 3)
    assert told == sorted(first + second, reverse=True)


def test_a_filter_takes_the_day_on_which_the_money_came(world: World) -> None:
    with clock.set_to(NOON):
        take(world, on=date(2026, 11, 13))
    assert len(list_payments(world.viewer, date(2026, 11, 13), date(2026, 11, 13)).rows) == 1
    assert len(list_payments(world.viewer, date(2026, 11, 14), None).rows) == 0
    assert len(list_practice_payments(world.staff, None, date(2026, 11, 12)).rows) == 0


def test_the_desk_narrows_by_method(world: World) -> None:
    make_attempts(world, make_lines(world, 1))
    take(world)
    count = lambda method: len(list_practice_payments(world.staff, method=method).rows)  # noqa: E731
    assert [count(method) for method in ("", "online", "hand", "check", "cash")] == [2, 1, 1, 1, 0]


def test_a_payer_who_may_not_know_a_client_sees_nothing_of_it(world: World) -> None:
    line = make_line(world)
    entry = take(world, line_ids=(line.id,))
    stranger = replace(world.viewer, rights=(replace(world.viewer.rights[0], client_id=new_id()),))
    assert list_payments(stranger).rows == ()
    with pytest.raises(NotFoundForViewer):
        find_hand_payment(stranger, entry.id)
    assert find_hand_payment(world.viewer, entry.id) == entry


def test_another_practice_finds_no_payment_by_hand(world: World) -> None:
    entry = take(world)
    there = make_world("Elsewhere")
    assert find_hand_payment(there.viewer, entry.id) is None
    assert find_hand_payment(there.staff, entry.id) is None
    assert list_practice_payments(there.staff).rows == ()


def test_a_clinician_sees_those_of_own_clients(world: World) -> None:
    line = make_line(world)
    entry = take(world, line_ids=(line.id,))
    viewer = replace(world.staff, role=Role.CLINICIAN, clinician_id=world.clinician.id)
    assert list_practice_payments(viewer).rows == ()
    with pytest.raises(NotFoundForViewer):
        find_hand_payment(viewer, entry.id)
    type(world.client).objects.filter(pk=world.client.pk).update(clinician=world.clinician)
    assert [row.attempt_id for row in list_practice_payments(viewer).rows] == [entry.id]


def test_one_that_was_taken_back_says_so(world: World) -> None:
    entry = take(world)
    reverse_entry(viewer=world.staff, entry=entry, reason="Bounced")
    assert [row.status for row in list_payments(world.viewer).rows] == [Shown.REVERSED]


def test_f26_a_line_that_is_being_paid_online_takes_no_cash(world: World, two_step: object) -> None:
    from paywell.payments.actions import start_payment

    line = make_line(world)
    start_payment(viewer=world.viewer, form=make_form(line, card_token=""))
    with pytest.raises(UserError) as caught:
        take(world, line_ids=(line.id,))
    assert caught.value.code == "being_paid"
    assert Entry.objects.count() == 0


def fill(world: World, count: int) -> None:
    """So many payments by hand and as many through the processor, one after the other; some entered a day late."""
    lines = make_lines(world, count)
    Entry.objects.bulk_create(
        Entry(
            practice=world.practice, account=world.account, kind=EntryKind.PAYMENT, method=Method.CASH,
            currency="USD", amount_minor=100 + number, recorded_at=NOON,
            at=(moment := NOON - timedelta(hours=2 * number)), on=moment.date(),
        )
        for number in range(count)
    )  # fmt: skip
    for number, line in enumerate(lines):
        make_attempts(world, [line], closed_at=NOON - timedelta(hours=2 * number + 1))


def test_every_payment_of_the_practice_stands_on_one_page_in_order(world: World) -> None:
    fill(world, 30)
    with clock.set_to(NOON):
        take(world, 1, on=date(2026, 11, 18))
        take(world, 2, on=date(2026, 11, 18))
    pages = [list_practice_payments(world.staff, page=number) for number in (1, 2, 3, 4)]
    assert [(len(page.rows), page.has_next) for page in pages] == [(25, True), (25, True), (12, False), (0, False)]
    told = [row for page in pages for row in page.rows]
    places = [(row.at, row.attempt_id) for row in told]
    assert places == sorted(places, reverse=True)
    assert len(set(places)) == 62
    assert find_practice_payments(world.staff) == [row.attempt_id for row in told]
    assert find_practice_payments(world.staff, most=30) == [row.attempt_id for row in told[:30]]


def test_entered_on_its_day_it_stands_at_that_hour_and_entered_later_at_noon(world: World) -> None:
    with clock.set_to(NOON):
        today, before = take(world), take(world, on=date(2026, 11, 13))
    assert today.at == NOON
    assert before.at == datetime(2026, 11, 13, 17, tzinfo=UTC)  # noon in New York
    assert [row.at for row in list_practice_payments(world.staff).rows] == [today.at, before.at]


def test_a_page_far_behind_takes_as_many_queries_as_the_first_of_a_short_list(world: World) -> None:
    def count(page: int) -> int:
        with CaptureQueriesContext(connection) as captured:
            assert list_practice_payments(world.staff, page=page).rows
        return len(captured)

    fill(world, 5)
    few = count(1)
    fill(world, 120)
    assert (few, count(1), count(8)) == (5, 5, 5)


def test_the_practice_s_payments_come_in_the_order_of_two_indexes(world: World) -> None:
    keys = _find_keys(*_of_practice(world.staff, None, None, None, SHOWN_STATES, ""), 10_026)
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:  # few rows would be sorted sooner: does it have to?
            cursor.execute("SET LOCAL enable_sort = off; SET LOCAL enable_seqscan = off")
            cursor.execute("SET LOCAL enable_bitmapscan = off")
    plan = keys[10_000:].explain()
    assert "attempt_desk" in plan
    assert "entry_history" in plan
    assert ("TEMP B-TREE" if connection.vendor == "sqlite" else "Sort  (") not in plan, plan
