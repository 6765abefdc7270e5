"""Eight browsers pay the same service at the same moment: real processes, a real database."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.concurrency.own_database import ROOT, own_database

BROWSERS = 8
pytestmark = pytest.mark.races


@pytest.fixture
def environment(tmp_path: Path) -> Iterator[dict[str, str]]:
    """A database of the race's own, of the kind that the suite runs on."""
    with own_database(tmp_path) as variables:
        yield variables


def run_race(folder: Path, environment: dict[str, str], *flags: str) -> tuple[list[dict[str, str]], list[str]]:
    """What each browser was told, and what the processor took."""

    (folder / "till").touch()
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "tests.concurrency.racer", str(folder), str(BROWSERS), *flags],
        cwd=ROOT, env=environment, capture_output=True, text=True, timeout=240, check=False,
    )  # fmt: skip
    told = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(told) == BROWSERS, done.stderr[-3000:]
    return told, (folder / "till").read_text().splitlines()


def test_without_the_claims_the_race_is_real(tmp_path: Path, environment: dict[str, str]) -> None:
    _told, taken = run_race(tmp_path, environment, "unguarded")
    assert len(taken) > 1


def test_f04_one_charge_and_seven_plain_refusals_and_no_lock_error(
    tmp_path: Path, environment: dict[str, str]
) -> None:
    told, taken = run_race(tmp_path, environment)
    assert len(taken) == 1
    assert taken[0].endswith(" 12000")
    assert [one for one in told if "refused" not in one] == [{"state": "succeeded"}]
    assert len(refusals(told)) == BROWSERS - 1
    assert set(refusals(told)) <= {"being_paid", "already_paid"}


def refusals(told: list[dict[str, str]]) -> list[str]:
    return [one["refused"] for one in told if "refused" in one]
