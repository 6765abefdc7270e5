"""The long runs, goal by goal: a night of fresh seeds (G5 to G9), and what a release waits for (G10 to G12).

`share` is the part of a goal's size that is run. Each figure is printed as its part ends, so that a run that is
stopped has said what it saw.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from tests.faults.processor import Kind
from tests.faults.reporting import hunt_all, report, report_mutants
from tests.faults.runs import Job, make_jobs, run_jobs

Change = tuple[str, Any]

SEEDS, EVERYWHERE, LATER = 10_000, 300, 1500
#: Of each kind: seeds, and histories of each that are crashed at two points.
TWICE = (250, 20)
#: Distinct seeds that must notice each mutant.
NOTICED_BY = 3
#: Restores to a random moment of each kind, and processes killed on each database.
RESTORES, KILLS = 200, 1000


def run_goals(goals: Sequence[str], kinds: Sequence[Kind], share: float) -> bool:
    """Run each, one after the other, whatever the one before showed. True where none was missed."""
    reached = [GOALS[goal](kinds, share) for goal in goals]
    return all(reached)


def _some(number: int, share: float) -> int:
    return max(1, int(number * share))


def _fresh(kinds: Sequence[Kind], share: float) -> bool:
    return report((f"{kind}, seeds", run_jobs(_jobs(kind, 1_000_000, _some(SEEDS, share)))) for kind in kinds)


def _jobs(kind: Kind, first: int, number: int, *changes: Change, everywhere: bool = False) -> Iterator[Job]:
    return make_jobs(kind, range(first, first + number), changes, everywhere=everywhere)


def _crashed(kinds: Sequence[Kind], share: float) -> bool:
    once = (
        (
            f"{kind}, crashed everywhere",
            run_jobs(_jobs(kind, 2_000_000, _some(EVERYWHERE, share), everywhere=True)),
        )
        for kind in kinds
    )
    seeds, pairs = TWICE
    numbers = range(2_500_000, 2_500_000 + _some(seeds, share))
    twice = (
        (f"{kind}, crashed twice", run_jobs(Job(kind, number, twice=pairs) for number in numbers)) for kind in kinds
    )
    clean = report(once)
    return report(twice) and clean


def _mutants(kinds: Sequence[Kind], share: float) -> bool:
    return report_mutants(hunt_all(NOTICED_BY, kinds))


def _later(kinds: Sequence[Kind], share: float) -> bool:
    number = _some(LATER, share)
    return report(
        (f"{kind}, later", run_jobs(_jobs(kind, 3_000_000, number, ("is_later", True)))) for kind in kinds
    )


def _silent(kinds: Sequence[Kind], share: float) -> bool:
    number = _some(LATER, share)
    notices = (
        (f"{kind}, no notices", run_jobs(_jobs(kind, 3_500_000, number, ("has_notices", False)))) for kind in kinds
    )
    hosted = [kind for kind in kinds if kind is Kind.H]
    returns = (
        (f"{kind}, no returns", run_jobs(_jobs(kind, 4_000_000, number, ("has_returns", False)))) for kind in hosted
    )
    clean = report(notices)
    return report(returns) and clean


def _restored(kinds: Sequence[Kind], share: float) -> bool:
    number = _some(RESTORES, share)
    return report(
        (f"{kind}, restored", run_jobs(_jobs(kind, 5_000_000, number, ("profile", "restore")))) for kind in kinds
    )


def _killed(kinds: Sequence[Kind], share: float) -> bool:
    return _on_both("sigkill", "--kills", str(_some(KILLS, share)))


def _upgraded(kinds: Sequence[Kind], share: float) -> bool:
    return _on_both("upgrade")


def _on_both(program: str, *arguments: str) -> bool:
    """Real processes, on SQLite and on PostgreSQL, each whatever the other showed."""
    codes = [
        subprocess.run(
            [sys.executable, "-m", f"tests.concurrency.{program}", *arguments, "--database", database],
            env=os.environ | {"DJANGO_SETTINGS_MODULE": "paywell.config.settings.test"},
            check=False,
        ).returncode
        for database in ("sqlite", "postgresql")
    ]
    return not any(codes)


GOALS: dict[str, Callable[[Sequence[Kind], float], bool]] = {
    "G5": _fresh,
    "G6": _crashed,
    "G7": _mutants,
    "G8": _later,
    "G9": _silent,
    "G10": _killed,
    "G11": _restored,
    "G12": _upgraded,
}
NIGHTLY = ("G5", "G6", "G7", "G8", "G9")
#: The restores first: they take minutes, the real processes hours.
RELEASE = ("G11", "G12", "G10")
