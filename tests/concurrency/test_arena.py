"""Two staff refunding, staff voiding, correcting and charging against a payer, four at one service: real processes.

Each race is seen to be real first, with its guard taken out. `PAYWELL_RACE_ROUNDS` makes them longer.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

import pytest

from tests.concurrency.own_database import ROOT, own_database

ROUNDS = os.environ.get("PAYWELL_RACE_ROUNDS", "24")
RUN = [sys.executable, "-W", "ignore", "-m", "tests.concurrency.arena"]
pytestmark = pytest.mark.races

#: What people may be told, for each race: a plain word about what somebody else did.
PLAIN = {
    "pay": {"succeeded", "being_paid", "already_paid"},
    "refund": {"done", "refund_above_captured"},
    "void": {"succeeded", "being_paid", "already_paid", "voided", "has_payments"},
    "edit": {"succeeded", "being_paid", "already_paid", "voided", "has_payments"},
    "end": {"done", "running", "skipped", "not_chargeable", "ended"},
}


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """One run of all races, for all tests here."""
    folder = tmp_path_factory.mktemp("arena")
    with own_database(folder) as environment:
        done = subprocess.run(
            [*RUN, "--folder", str(folder), "--rounds", ROUNDS],
            cwd=ROOT, env=environment, capture_output=True, text=True, timeout=590, check=False,
        )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    for row in found["table"]:
        print(found["database"], row)
    return found


def row(told: dict[str, Any], race: str, *, guard: bool) -> dict[str, Any]:
    return next(each for each in told["table"] if (each["race"], each["guard"]) == (race, guard))


@pytest.mark.parametrize("race", sorted(PLAIN))
def test_without_its_guard_the_race_is_real(race: str, told: dict[str, Any]) -> None:
    assert row(told, race, guard=False)["violations"] > 0


@pytest.mark.parametrize("race", sorted(PLAIN))
def test_f04_f21_f22_f27_f64_f65_with_it_nothing_is_taken_or_given_back_twice(
    race: str, told: dict[str, Any]
) -> None:
    found = row(told, race, guard=True)
    assert (found["violations"], found["lock_errors"]) == (0, 0), found
    assert set(found["answers"]) <= PLAIN[race]


def test_afterwards_the_books_of_the_guarded_races_are_whole(told: dict[str, Any]) -> None:
    assert [each for each in told["offences"] if each["law"] not in (6, 7)] == []
