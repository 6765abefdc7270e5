"""When the database undoes a transaction because others were at work."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import OperationalError
from psycopg import errors as postgres

from paywell.core import clock
from paywell.core.db import repeat
from paywell.core.errors import UserError
from paywell.payments import settle, start
from paywell.payments.models import Attempt, AttemptState
from paywell.payments.reconcile import reconcile_due
from paywell.payments.schedule import LEASE
from paywell.payments.tests.checks import owed
from paywell.payments.tests.factories import World, make_form, make_line
from paywell.payments.tests.fake_processor import FakeProcessor


def sqlite_error(name: str) -> Exception:
    error = sqlite3.OperationalError("database is locked")
    error.sqlite_errorname = name  # type: ignore[attr-defined]
    return error


def failing(times: int, cause: Exception, work: Callable[..., Any]) -> Callable[..., Any]:
    """`work`, undone by the database that often before it goes through."""
    left = [times]

    def run(*args: Any, **named: Any) -> Any:
        if left[0]:
            left[0] -= 1
            raise OperationalError(str(cause)) from cause
        return work(*args, **named)

    return run


UNDONE = [postgres.SerializationFailure("x"), postgres.DeadlockDetected("x"), sqlite_error("SQLITE_BUSY_SNAPSHOT")]


@pytest.mark.parametrize("cause", UNDONE, ids=lambda error: type(error).__name__)
def test_a_payment_undone_twice_is_placed_the_third_time(
    world: World, processor: FakeProcessor, monkeypatch: pytest.MonkeyPatch, cause: Exception
) -> None:
    monkeypatch.setattr(start, "_decide", failing(2, cause, start._decide))
    attempt = start.start_payment(viewer=world.viewer, form=make_form(make_line(world)))
    assert (attempt.state, processor.count("submit")) == (AttemptState.SUCCEEDED, 1)


@pytest.mark.parametrize(
    ("times", "cause"),
    [(3, postgres.DeadlockDetected("x")), (1, postgres.LockNotAvailable("x")), (1, sqlite_error("SQLITE_BUSY"))],
)
def test_f61_a_payment_that_finds_no_turn_says_so_and_sends_nothing(
    world: World, processor: FakeProcessor, monkeypatch: pytest.MonkeyPatch, times: int, cause: Exception
) -> None:
    line = make_line(world)
    monkeypatch.setattr(start, "_decide", failing(times, cause, start._decide))
    with pytest.raises(UserError) as refusal:
        start.start_payment(viewer=world.viewer, form=make_form(line))
    assert refusal.value.code == "busy"
    assert (processor.calls, Attempt.objects.count()) == ([], 0)


def test_f60_an_outcome_that_was_undone_is_settled_again_without_a_second_call(
    world: World, processor: FakeProcessor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settle, "_settle_once", failing(2, UNDONE[0], settle._settle_once))
    attempt = start.start_payment(viewer=world.viewer, form=make_form(make_line(world)))
    assert attempt.state == AttemptState.SUCCEEDED
    assert processor.calls == ["open", "submit", "look_up"]


def test_f62_an_outcome_that_finds_no_turn_is_left_to_the_reconciler(
    world: World, processor: FakeProcessor, monkeypatch: pytest.MonkeyPatch
) -> None:
    line = make_line(world)
    with monkeypatch.context() as busy:
        busy.setattr(settle, "_settle_once", failing(1, sqlite_error("SQLITE_BUSY"), settle._settle_once))
        attempt = start.start_payment(viewer=world.viewer, form=make_form(line))
    assert (attempt.state, owed(line), processor.taken) == (AttemptState.SUBMITTING, 12_000, 12_000)
    with clock.set_to(clock.now() + LEASE + timedelta(seconds=1)):
        reconcile_due()
    assert Attempt.objects.get().state == AttemptState.SUCCEEDED
    assert (owed(line), processor.taken, processor.count("submit")) == (0, 12_000, 1)


def test_other_errors_are_not_repeated() -> None:
    calls = []

    def broken() -> None:
        calls.append(1)
        raise OperationalError("disk full")

    with pytest.raises(OperationalError, match="disk full"):
        repeat(broken)
    assert len(calls) == 1


@pytest.mark.parametrize("name", ["SQLITE_BUSY", "SQLITE_BUSY_SNAPSHOT"])
def test_f61_a_database_too_busy_for_the_step_before_the_charge_takes_no_money(
    name: str, world: World, processor: FakeProcessor, monkeypatch: pytest.MonkeyPatch
) -> None:
    line = make_line(world)
    with monkeypatch.context() as patched:
        patched.setattr(start, "_take_lease_to_submit", failing(5, sqlite_error(name), start._take_lease_to_submit))
        attempt = start.start_payment(viewer=world.viewer, form=make_form(line))
    assert attempt.state == AttemptState.CREATED  # its page says that it is checked
    assert processor.count("submit") == 0
    with clock.set_to(clock.now() + LEASE + timedelta(seconds=1)):
        reconcile_due()
    assert Attempt.objects.get().state in (AttemptState.EXPIRED, AttemptState.CANCELED)
    assert owed(line) == 12000
    assert processor.taken == 0
    start.start_payment(viewer=world.viewer, form=make_form(line))
    assert owed(line) == 0


def test_f62_looking_at_a_payment_while_the_database_is_busy_is_no_error(
    world: World, processor: FakeProcessor, monkeypatch: pytest.MonkeyPatch
) -> None:
    from paywell.payments import returning

    processor.behavior = "late"
    attempt = start.start_payment(viewer=world.viewer, form=make_form(make_line(world)))
    monkeypatch.setattr(returning, "settle", failing(9, sqlite_error("SQLITE_BUSY"), returning.settle))
    assert returning.check_attempt(attempt=attempt).state == AttemptState.PROCESSING
