from __future__ import annotations

import time

import pytest

from paywell.config.management.commands import worker
from paywell.config.management.commands.worker import ClockedWorker
from paywell.config.schedule import NOT_AT_ONCE, PERIODIC

ALL = {path for path, _ in PERIODIC}


class Job:
    def __init__(self, path: str, ran: list[str]) -> None:
        self.path, self.ran = path, ran

    def call(self) -> None:
        self.ran.append(self.path)


@pytest.fixture
def ran(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The jobs that were run, in their order."""
    paths: list[str] = []
    monkeypatch.setattr(worker, "import_string", lambda path: Job(path, paths))
    return paths


def test_a_worker_that_starts_leaves_the_checks_of_the_books_until_everything_else_is_up(
    ran: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert set(NOT_AT_ONCE) < ALL
    began = time.monotonic()
    monkeypatch.setattr(worker.time, "monotonic", lambda: began)
    starting = ClockedWorker(1.0, leaves_checks=True)
    starting.run_due()
    assert set(ran) == ALL - set(NOT_AT_ONCE)
    for path, seconds in NOT_AT_ONCE.items():
        monkeypatch.setattr(worker.time, "monotonic", lambda later=seconds: began + later - 1)
        starting.run_due()
        assert path not in ran
        monkeypatch.setattr(worker.time, "monotonic", lambda later=seconds: began + later)
        starting.run_due()
        assert path in ran


def test_a_single_round_leaves_nothing(ran: list[str]) -> None:
    ClockedWorker(1.0, leaves_checks=False).run_due()
    assert set(ran) == ALL
