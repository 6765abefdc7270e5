from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from paywell.care.models import Service
from paywell.core.errors import NotFoundForViewer
from paywell.core.ids import new_id
from paywell.core.money import Money
from paywell.payments.queries import get_lines, get_summary, list_invoiced, list_payable
from paywell.payments.tests.factories import make_line, make_world

pytestmark = pytest.mark.django_db


def count_queries(read: Any) -> int:
    with CaptureQueriesContext(
        connection,
    ) as captured:
        read()
    return len(captured)


def test_the_summary_says_what_is_due_how_many_and_since_when() -> None:
    world = make_world()
    first, _second = make_line(world, 12000), make_line(world, 8400)
    summary = get_summary(world.viewer)
    assert (summary.balance_due, summary.credit) == (Money(20400), Money(0))
    assert (summary.open_count, summary.oldest_on) == (2, first.on)


def test_the_list_shows_open_lines_newest_first_with_amount_paid_and_balance() -> None:
    world = make_world()
    first, second = make_line(world, 12000), make_line(world, 8400)
    page = list_payable(world.viewer)
    assert [row.line_id for row in page.rows] == [second.id, first.id]
    row = page.rows[1]
    assert (row.amount, row.paid, row.balance) == (Money(12000), Money(0), Money(12000))
    assert (row.wording, row.held_by, row.may_pay, row.may_print_superbill) == ("Session", None, True, False)


@pytest.mark.parametrize("read", [list_payable, list_invoiced])
@pytest.mark.parametrize("is_kept", [False, True])
def test_a_service_that_is_kept_from_the_insurer_offers_no_superbill(read: Any, is_kept: bool) -> None:
    world = make_world()
    line = make_line(world)
    Service.objects.filter(pk=line.service_id).update(is_kept_from_insurer=is_kept)
    rights = tuple(replace(right, may_see_diagnosis=True) for right in world.viewer.rights)
    (row,) = read(replace(world.viewer, rights=rights)).rows
    assert row.may_print_superbill is not is_kept


@pytest.mark.parametrize("read", [get_summary, list_payable, list_invoiced])
def test_the_number_of_queries_is_two_for_3_lines_and_for_60(read: Any) -> None:
    world = make_world()
    for _ in range(3):
        make_line(world)
    few = count_queries(lambda: read(world.viewer))
    for _ in range(57):
        make_line(world)
    assert (few, count_queries(lambda: read(world.viewer))) == (2, 2)


def test_a_page_holds_25_rows_and_says_whether_there_are_more() -> None:
    world = make_world()
    for _ in range(26):
        make_line(world)
    first, second = list_payable(world.viewer, 1), list_payable(world.viewer, 2)
    assert (len(first.rows), first.has_next, first.has_previous) == (25, True, False)
    assert (len(second.rows), second.has_next, second.has_previous) == (1, False, True)


def test_a_payer_without_the_right_to_documents_sees_no_wording() -> None:
    world = make_world()
    line = make_line(world)
    viewer = world.viewer
    payer = replace(viewer, rights=tuple(replace(r, may_see_documents=False) for r in viewer.rights))
    assert list_payable(payer).rows[0].wording == ""
    assert get_lines(payer, [line.id])[0].wording == ""
    assert list_invoiced(payer).rows[0].wording == ""


def test_lines_of_a_client_for_whom_the_viewer_has_no_grant_are_not_there() -> None:
    world = make_world()
    line = make_line(world)
    stranger = replace(world.viewer, rights=tuple(replace(r, client_id=new_id()) for r in world.viewer.rights))
    assert get_summary(stranger).balance_due == Money(0)
    assert list_payable(stranger).rows == ()
    with pytest.raises(NotFoundForViewer):
        get_lines(stranger, [line.id])


def test_another_practice_s_line_is_not_found_and_logged(caplog: pytest.LogCaptureFixture) -> None:
    mine, other = make_world(), make_world("Elsewhere")
    line, foreign = make_line(mine), make_line(other)
    with pytest.raises(NotFoundForViewer):
        get_lines(mine.viewer, [line.id, foreign.id])
    assert f"target={foreign.id}" in caplog.text
