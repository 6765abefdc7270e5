"""A few real SIGKILLs of web server, worker and refunding staff under twenty payers. The long run is a command:
`python -m tests.concurrency.sigkill --kills 1000 --database postgresql`."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

import pytest

from tests.concurrency.own_database import ROOT

KILLS = os.environ.get("PAYWELL_KILLS", "8")
pytestmark = pytest.mark.races


@pytest.fixture(scope="module")
def told() -> dict[str, Any]:
    command = [sys.executable, "-W", "ignore", "-m", "tests.concurrency.sigkill", "--kills", KILLS]
    done = subprocess.run(
        [*command, "--database", "suite"], cwd=ROOT, capture_output=True, text=True, timeout=590, check=False
    )
    assert done.stdout, done.stderr[-3000:]
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    print(found)
    return found


def test_f57_f58_after_kills_at_random_moments_everything_is_settled_and_nothing_is_charged_twice(
    told: dict[str, Any],
) -> None:
    assert (told["stuck"], told["charged_twice"], told["claims"]) == ([], 0, 0), told
    assert told["charges"] > 0


def test_f57_f58_and_the_books_are_whole_beside_the_processor(told: dict[str, Any]) -> None:
    assert (told["offences"], told["unasked"]) == ([], [])


def test_f61_and_nobody_was_shown_an_error(told: dict[str, Any]) -> None:
    assert told["errors_shown"] == 0
