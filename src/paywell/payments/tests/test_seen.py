"""Payments that came in by themselves wait in the inbox until somebody took note."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from paywell.accounts.models import Role
from paywell.core import clock
from paywell.core.errors import NotAllowed
from paywell.payments.models import Channel
from paywell.payments.seen import list_unseen, mark_seen
from paywell.payments.tests.factories import World, make_attempts, make_lines, make_world


def test_each_leaves_by_its_own_button_or_all_at_once(world: World) -> None:
    attempts = make_attempts(world, make_lines(world, 3))
    make_attempts(world, make_lines(world, 1), channel=Channel.STAFF)
    assert len(list_unseen(world.staff)) == 3
    assert mark_seen(viewer=world.staff, attempt_ids=[attempts[0].id]) == 1
    assert mark_seen(viewer=world.staff, attempt_ids=[attempts[0].id]) == 0
    assert mark_seen(viewer=world.staff) == 2
    assert list(list_unseen(world.staff)) == []


def test_what_is_a_month_old_is_no_news(world: World) -> None:
    make_attempts(world, make_lines(world, 1))
    with clock.set_to(clock.now() + timedelta(days=31)):
        assert list(list_unseen(world.staff)) == []


def test_another_practice_marks_nothing_here(world: World) -> None:
    (attempt,) = make_attempts(world, make_lines(world, 1))
    there = make_world("Elsewhere")
    assert mark_seen(viewer=there.staff, attempt_ids=[attempt.id]) == 0
    with pytest.raises(NotAllowed):
        mark_seen(viewer=replace(world.staff, role=Role.READ_ONLY))
    assert len(list_unseen(world.staff)) == 1
    assert list(list_unseen(replace(world.staff, role=Role.CLINICIAN))) == []
