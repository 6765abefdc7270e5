"""A small part of the fault simulation on every change; `./run faults` is the whole gate."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SEEDS = 30


def run_faults(*arguments: str) -> subprocess.CompletedProcess[str]:
    """In a process of its own: the simulation takes over clock, identifiers and database."""
    environment = os.environ | {
        "PYTHONPATH": f"{ROOT / 'src'}{os.pathsep}{ROOT}",
        "PAYWELL_FAULT_PROCESSES": "1",
        "PYTHONHASHSEED": "0",
    }
    return subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "tests.faults", *arguments],
        cwd=ROOT, env=environment, capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip


@pytest.mark.parametrize("kind", ["K", "N", "O", "H"])
def test_no_history_of_the_first_seeds_breaks_a_law(kind: str) -> None:
    done = run_faults("--kind", kind, "--seeds", str(SEEDS))
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{SEEDS} histories" in done.stdout


def test_a_seed_is_the_same_history_in_every_process() -> None:
    once, again = (run_faults("--kind", "K", "--seed", "7") for _ in range(2))
    assert once.stdout == again.stdout
    assert once.stdout.count("\n") > 20, once.stderr
