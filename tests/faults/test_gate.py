"""A small part of the fault simulation on every change; `./run faults` is the whole gate."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import nullcontext
from pathlib import Path

import pytest

from tests.concurrency.own_database import copy_on_postgresql

ROOT = Path(__file__).resolve().parents[2]
#: PostgreSQL takes several times as long for the same history, most of it for making tables: one look there.
IS_POSTGRESQL = bool(os.environ.get("PAYWELL_TEST_DATABASE_URL"))
SEEDS, KINDS = (8, "K") if IS_POSTGRESQL else (40, "KNOH")
on_sqlite = pytest.mark.skipif(IS_POSTGRESQL, reason="one look at PostgreSQL is enough on every change")


def environment_of(**more: str) -> dict[str, str]:
    return {
        **os.environ,
        "PYTHONPATH": f"{ROOT / 'src'}{os.pathsep}{ROOT}",
        "PAYWELL_FAULT_PROCESSES": "1",
        "PYTHONHASHSEED": "0",
        **more,
    }


def run_faults(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """In a process of its own: the simulation takes over clock, identifiers and database."""
    with copy_on_postgresql(os.environ["PAYWELL_TEST_DATABASE_URL"]) if IS_POSTGRESQL else nullcontext("") as url:
        return subprocess.run(
            [sys.executable, "-W", "ignore", "-m", "tests.faults", *arguments],
            cwd=ROOT, env=environment_of(PAYWELL_TEST_DATABASE_URL=url, **environment), capture_output=True,
            text=True, timeout=400, check=False,
        )  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_f58_no_history_of_the_first_seeds_breaks_a_law(kind: str) -> None:
    done = run_faults("--kind", kind, "--seeds", str(SEEDS))
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{SEEDS} histories" in done.stdout


@on_sqlite
def test_f58_a_history_crashed_at_each_of_its_points_breaks_no_law() -> None:
    done = run_faults("--kind", "K", "--seed", "13", "--crash-everywhere")
    assert done.returncode == 0, done.stdout + done.stderr


@on_sqlite
def test_f58_a_history_crashed_at_two_of_its_points_is_replayed_by_their_numbers() -> None:
    done = run_faults("--kind", "K", "--seed", "7", "--crash", "3", "15")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "2 crashes, 0 violations" in done.stdout


@on_sqlite
def test_f71_f73_a_restore_from_an_older_backup_loses_nothing_and_charges_nothing_twice() -> None:
    done = run_faults("--profile", "restore", "--seeds", "3")
    assert done.returncode == 0, done.stdout + done.stderr


@on_sqlite
def test_what_was_found_once_is_not_found_again() -> None:
    done = run_faults("--kept")
    assert done.returncode == 0, done.stdout + done.stderr


@on_sqlite
def test_f42_every_guard_is_missed_when_it_is_switched_off() -> None:
    """By the seeds that are known to notice it, each compared with the same history and the guard in place."""
    done = run_faults("--known-mutants")
    assert done.returncode == 0, done.stdout + done.stderr
    assert " 0 survived" in done.stdout


#: A seed of each kind, none of them quiet: kept cards, a restore, two payers, double clicks.
TOLD = (("K", 7), ("N", 8), ("O", 12), ("H", 11))


@on_sqlite
@pytest.mark.parametrize(("kind", "seed"), TOLD)
def test_a_seed_is_the_same_history_in_every_process(kind: str, seed: int) -> None:
    """And the same with Django as it is, without what the simulation remembers of it and leaves out."""
    once, again = (run_faults("--kind", kind, "--seed", str(seed)) for _ in range(2))
    plain = run_faults("--kind", kind, "--seed", str(seed), PAYWELL_FAULT_SQL="plain")
    assert once.stdout == again.stdout == plain.stdout
    assert once.stdout.count("\n") > 20, once.stderr


@pytest.mark.parametrize("kind", KINDS)
def test_every_remembered_statement_is_what_django_builds(kind: str) -> None:
    done = run_faults("--kind", kind, "--seeds", str(min(20, SEEDS)), PAYWELL_FAULT_SQL="compared")
    assert done.returncode == 0, done.stdout + done.stderr


@on_sqlite
def test_a_remembered_statement_that_differs_is_an_error() -> None:
    """What the test above goes by: one word of a statement that is kept is changed."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", CHANGED],
        cwd=ROOT, env=environment_of(PAYWELL_FAULT_SQL="compared"), capture_output=True, text=True, timeout=400,
        check=False,
    )  # fmt: skip
    assert done.stdout == "kept\n", done.stdout + done.stderr
    assert "AssertionError: Remembered:" in done.stderr


CHANGED = """
from tests.faults.pool import begin
begin()
from tests.faults.history import History
from tests.faults.plan import make_plan
from tests.faults.processor import Kind
from tests.faults.remembered import plans
from tests.faults.stage import get_stage
stage = get_stage()
def run():
    return History(stage.database, stage.world, make_plan(Kind.K, 7)).run().violations
assert run() == []
for plan in plans._plans.values():
    if plan is not None and "payments_attempt" in plan.sql:
        plan.sql += " "
print("kept", flush=True)
print(run())
"""


@on_sqlite
def test_a_seed_is_the_same_history_after_others_in_its_process() -> None:
    """Also after those in which a guard was off and two requests overlapped: found by a mutant that stayed."""
    asked = ("--kind", "N", "--seed", "90", "--mutant", "refund_checked_before")
    alone, after = run_faults(*asked), run_faults(*asked, "--after", "30")
    assert alone.stdout == after.stdout
    assert alone.stdout.count("\n") > 20, alone.stderr


@on_sqlite
def test_f58_the_points_of_a_history_are_the_same_however_many_processes_share_them() -> None:
    one, three = (
        run_faults("--kind", "K", "--seed", "13", "--crash-everywhere", PAYWELL_FAULT_PROCESSES=processes)
        for processes in ("1", "3")
    )
    told = [done.stdout.partition(", recovery")[0] for done in (one, three)]
    assert told[0] == told[1]
    assert "35 histories (34 of them crashed at one point each" in told[0]
