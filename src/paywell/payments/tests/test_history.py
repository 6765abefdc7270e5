from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from paywell.accounts.models import Role
from paywell.clients.models import Client
from paywell.clients.types import PortalViewer
from paywell.core import clock
from paywell.core.money import Money
from paywell.payments.models import Attempt, AttemptLine, AttemptState
from paywell.payments.queries import (
    get_lines,
    get_payment,
    get_practice_payment,
    get_summary,
    iterate_payments,
    list_invoiced,
    list_payable,
    list_payments,
    list_practice_payments,
    recent_payments,
)
from paywell.payments.tests.factories import (
    World,
    make_attempts,
    make_lines,
    make_other_payer,
    make_world,
)
from paywell.payments.types import Shown

NIGHT = datetime(2026, 11, 11, 4, 30, tzinfo=UTC)  # 11:30 p.m. on the 10th in New York


def make_one(world: World, **changes: object) -> Attempt:
    return make_attempts(world, make_lines(world, 1), **changes)[0]


@pytest.mark.parametrize(
    ("changes", "shown"),
    [
        ({}, Shown.PAID),
        ({"state": AttemptState.PROCESSING, "captured_minor": 0}, Shown.PROCESSING),
        ({"state": AttemptState.UNKNOWN, "captured_minor": 0}, Shown.PROCESSING),
        ({"state": AttemptState.SUBMITTING, "captured_minor": 0}, Shown.PROCESSING),
        ({"state": AttemptState.IN_REVIEW, "captured_minor": 0}, Shown.PROCESSING),
        ({"state": AttemptState.DECLINED, "captured_minor": 0}, Shown.DECLINED),
        ({"refunded_minor": 5000}, Shown.REFUNDED),
        ({"refunded_minor": 1}, Shown.PARTLY_REFUNDED),
        ({"disputed": True}, Shown.DISPUTED),
    ],
)
def test_each_state_is_shown_in_the_words_of_the_screen(world: World, changes: dict, shown: Shown) -> None:
    make_one(world, **changes)
    (row,) = list_payments(world.viewer).rows
    assert (row.status, row.has_receipt) == (shown, changes.get("state", "") == "")


@pytest.mark.parametrize("state", ["created", "awaiting_action", "failed", "canceled", "expired"])
def test_what_was_never_sent_or_taken_back_is_not_in_the_history(world: World, state: str) -> None:
    make_one(world, state=AttemptState(state), captured_minor=0)
    assert list_payments(world.viewer).rows == ()


def test_a_row_says_what_it_covered_how_it_was_paid_and_what_was_noted(world: World) -> None:
    attempt = make_one(world, refunded_minor=1200)
    (row,) = list_payments(world.viewer).rows
    assert (row.attempt_id, row.amount, row.refunded) == (attempt.id, Money(5000), Money(1200))
    assert (row.card_brand, row.card_last4, row.notes, row.payer_name) == ("Visa", "4242", "for June", "Mia Stone")
    (line,) = row.lines
    assert (line.wording, line.amount, line.client_name) == ("Session", Money(5000), "Mia Stone")


def test_the_amount_of_a_payment_is_what_was_taken(world: World) -> None:
    make_one(world, captured_minor=4000)
    assert list_payments(world.viewer).rows[0].amount == Money(4000)


def test_f79_payments_are_dated_by_their_settlement_as_receipts_are_in_the_practice_s_zone(world: World) -> None:
    make_one(world, created_at=NIGHT - timedelta(days=1), closed_at=NIGHT)

    def found(day: date) -> int:
        return len(list_payments(world.viewer, day, day).rows)

    assert (found(date(2026, 11, 9)), found(date(2026, 11, 10)), found(date(2026, 11, 11))) == (0, 1, 0)
    assert list_payments(world.viewer).rows[0].at == NIGHT


def test_what_is_still_open_is_dated_by_when_it_was_sent(world: World) -> None:
    make_one(
        world,
        state=AttemptState.PROCESSING,
        closed_at=None,
        submitted_at=NIGHT,
        created_at=NIGHT - timedelta(days=2),
    )
    assert [row.at for row in list_payments(world.viewer, date(2026, 11, 10), date(2026, 11, 10)).rows] == [NIGHT]


def test_a_range_takes_both_its_days_and_may_be_open_at_either_end(world: World) -> None:
    for day in range(4):
        make_one(world, closed_at=NIGHT + timedelta(days=day))
    assert len(list_payments(world.viewer, date(2026, 11, 11), date(2026, 11, 12)).rows) == 2
    assert len(list_payments(world.viewer, date(2026, 11, 11), None).rows) == 3
    assert len(list_payments(world.viewer, None, date(2026, 11, 11)).rows) == 2


def test_the_newest_stand_first_however_long_they_took(world: World) -> None:
    late = make_one(world, created_at=NIGHT - timedelta(days=3), closed_at=NIGHT + timedelta(hours=2))
    quick = make_one(world, created_at=NIGHT, closed_at=NIGHT + timedelta(hours=1))
    assert [row.attempt_id for row in list_payments(world.viewer).rows] == [late.id, quick.id]
    assert [row.attempt_id for row in recent_payments(world.viewer, 1)] == [late.id]


def test_another_payer_sees_payer_and_amount_but_no_card_no_notes_and_no_reason_of_a_decline(world: World) -> None:
    paid = make_one(world, closed_at=NIGHT + timedelta(days=1))
    declined = make_one(
        world, state=AttemptState.DECLINED, decline="insufficient_funds", captured_minor=0, closed_at=NIGHT
    )
    other = make_other_payer(world)
    seen = [*list_payments(other).rows, *recent_payments(other), *iterate_payments(other), get_payment(other, paid)]
    assert {(row.payer_name, row.amount) for row in seen} == {("Mia Stone", Money(5000))}
    assert {(row.card_brand, row.card_last4, row.notes, row.decline) for row in seen} == {("", "", "", "")}
    assert get_payment(other, declined).status is Shown.DECLINED
    own = get_payment(world.viewer, declined)
    assert (own.decline, own.card_last4) == ("insufficient_funds", "4242")


def test_a_payer_without_the_right_to_documents_sees_dates_and_amounts_only(world: World) -> None:
    make_one(world)
    payer = make_other_payer(world, may_see_documents=False)
    (row,) = list_payments(payer).rows
    assert [(line.wording, line.amount) for line in row.lines] == [("", Money(5000))]


def test_another_payer_s_payment_that_covers_a_client_of_somebody_else_is_not_there(world: World) -> None:
    sibling = Client.objects.create(
        practice=world.practice, legal_first_name="Leo", legal_last_name="Stone", default_account=world.account,
        created_at=clock.now(),
    )  # fmt: skip
    attempt = make_one(world)
    (line,) = make_lines(replace_client(world, sibling), 1)
    AttemptLine.objects.create(practice=world.practice, attempt=attempt, line=line, amount_minor=5000)
    assert list_payments(make_other_payer(world)).rows == ()
    (own,) = list_payments(world.viewer).rows
    assert [each.client_name for each in own.lines] == ["Mia Stone"]


def replace_client(world: World, client: Client) -> World:
    world.invoices += 1
    return replace(world, client=client)


def test_payments_of_another_account_and_of_another_practice_are_not_there(world: World) -> None:
    make_one(world)
    stranger = make_world("Hillside")
    assert list_payments(stranger.viewer).rows == ()
    assert list_payments(replace(stranger.viewer, practice=world.practice)).rows == ()
    assert list_practice_payments(stranger.staff).rows == ()


def test_staff_see_every_payment_of_the_practice_with_card_and_account(world: World) -> None:
    attempt = make_one(world)
    (row,) = list_practice_payments(world.staff).rows
    assert (row.account_name, row.card_last4, row.notes) == ("Mia Stone", "4242", "for June")
    assert get_practice_payment(world.staff, attempt) == row


def test_a_clinician_sees_payments_of_own_clients(world: World) -> None:
    make_one(world)
    clinician = replace(world.staff, role=Role.CLINICIAN, clinician_id=world.clinician.id)
    assert list_practice_payments(clinician).rows == ()
    Client.objects.filter(pk=world.client.pk).update(clinician=world.clinician)
    assert len(list_practice_payments(clinician).rows) == 1


def test_staff_filter_by_client_and_by_date(world: World) -> None:
    make_one(world, closed_at=NIGHT)
    assert len(list_practice_payments(world.staff, client_id=world.client.id).rows) == 1
    assert list_practice_payments(world.staff, client_id=world.practice.id).rows == ()
    assert len(list_practice_payments(world.staff, date(2026, 11, 10), date(2026, 11, 10)).rows) == 1
    assert list_practice_payments(world.staff, date(2026, 11, 11), None).rows == ()


def test_a_page_holds_25_and_the_csv_holds_all_in_the_same_order(world: World) -> None:
    lines = make_lines(world, 60)
    for place, line in enumerate(lines):
        make_attempts(world, [line], closed_at=NIGHT + timedelta(minutes=place))
    pages = [list_payments(world.viewer, page=number) for number in (1, 2, 3)]
    assert [(len(page.rows), page.has_next) for page in pages] == [(25, True), (25, True), (10, False)]
    assert [row for page in pages for row in page.rows] == list(iterate_payments(world.viewer))


READS: dict[str, Callable[[PortalViewer], object]] = {
    "summary": get_summary,
    "payable": list_payable,
    "invoiced": list_invoiced,
    "history": list_payments,
    "filtered": lambda viewer: list_payments(viewer, date(2020, 1, 1), date(2030, 1, 1)),
    "recent": recent_payments,
}

#: Of each read: two unless named here. Payments by hand stand among the others.
QUERIES = {"history": 3, "filtered": 3, "recent": 3}


@pytest.mark.parametrize("name", READS)
def test_the_number_of_queries_is_the_same_for_5_and_for_1000(world: World, name: str) -> None:
    def count() -> int:
        viewer = world.viewer
        with CaptureQueriesContext(connection) as captured:
            READS[name](viewer)
        return len(captured)

    make_attempts(world, make_lines(world, 5))
    few = count()
    make_attempts(world, make_lines(world, 995))
    assert (few, count()) == (QUERIES.get(name, 2),) * 2


def test_the_desk_s_list_takes_as_many_queries_for_5_as_for_1000(world: World) -> None:
    def count() -> int:
        with CaptureQueriesContext(connection) as captured:
            list_practice_payments(world.staff)
        return len(captured)

    make_attempts(world, make_lines(world, 5))
    few = count()
    make_attempts(world, make_lines(world, 995))
    assert (few, count()) == (3, 3)


def test_chosen_lines_are_fetched_in_two_queries_however_many(world: World) -> None:
    lines = make_lines(world, 200)
    viewer = world.viewer
    with CaptureQueriesContext(connection) as captured:
        assert len(get_lines(viewer, [line.id for line in lines])) == 200
    assert len(captured) == 2


def test_the_history_is_read_off_an_index(world: World) -> None:
    rows = Attempt.objects.filter(practice=world.practice, account=world.account)
    from paywell.payments.history import DATED

    plan = rows.order_by(DATED.desc(), "-id").only("id").explain()
    if connection.vendor == "sqlite":
        assert "attempt_history" in plan
        assert "TEMP B-TREE" not in plan
