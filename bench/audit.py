"""`python -m bench.audit [--database sqlite|postgresql]`: what writing a view into the audit trail costs.

Alone, eight people at once on a chain each, the same eight on one chain, and both while a change holds the
practice's own chain for half a second. The ways take turns in one run, so that a busy machine is unjust to none.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from uuid import UUID

from bench.__main__ import databases

PEOPLE, VIEWS, ROUNDS = 8, 25, 4


def measure(write: Callable[[UUID], object], people: list[UUID]) -> list[float]:
    """Milliseconds of each view, all people at once."""
    from django.db import connections

    took: list[float] = []

    def look(person: UUID) -> None:
        for _ in range(VIEWS):
            began = time.perf_counter()
            write(person)
            took.append((time.perf_counter() - began) * 1000)
        connections.close_all()

    threads = [threading.Thread(target=look, args=[person]) for person in people]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return took


def with_long_change(practice: UUID, act: Callable[[], list[float]]) -> list[float]:
    """The same while a transaction has written into the practice's chain and has not committed yet."""
    from django.db import connections, transaction

    from paywell.audit.actions import record

    begun, done = threading.Event(), threading.Event()

    def hold() -> None:
        with transaction.atomic():
            record(practice_id=practice, actor_id=None, action="bench.change")
            begun.set()
            done.wait(0.5)
        connections.close_all()

    thread = threading.Thread(target=hold)
    thread.start()
    begun.wait()
    took = act()
    done.set()
    thread.join()
    return took


def run() -> None:
    import django

    django.setup()
    from django.core.management import call_command
    from django.db import connection

    from paywell.audit.actions import record, record_view
    from paywell.core.ids import new_id

    call_command("migrate", verbosity=0)
    practice, people = new_id(), [new_id() for _ in range(PEOPLE)]

    def apart(person: UUID) -> object:
        return record_view(
            room="desk",
            practice_id=practice,
            actor_id=person,
            page="client",
            target_kind="client",
            target_id=person,
        )

    def together(person: UUID) -> object:
        return record(practice_id=practice, actor_id=person, action="desk.view", target_id=person)

    ways: dict[str, Callable[[], list[float]]] = {
        "one person": lambda: measure(apart, people[:1]),
        "eight people, a chain each": lambda: measure(apart, people),
        "eight people, one chain": lambda: measure(together, people),
        "a chain each, beside a long change": lambda: with_long_change(practice, lambda: measure(apart, people)),
        "one chain, beside a long change": lambda: with_long_change(practice, lambda: measure(together, people)),
    }
    took: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(ROUNDS):
        for name, way in ways.items():
            took[name] += way()
    print(connection.vendor)
    for name, figures in took.items():
        cut = statistics.quantiles(figures, n=20)
        middle = statistics.median(figures)
        print(f"  {name:36} median {middle:6.2f} ms, 95 % {cut[18]:7.2f}, worst {max(figures):7.1f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--database", choices=["sqlite", "postgresql"], default="sqlite")
    kind = parser.parse_args().database
    with tempfile.TemporaryDirectory() as folder, databases(kind, Path(folder)) as (ours, _):
        os.environ |= {
            "PAYWELL_VAR": folder, "PAYWELL_DATABASE_URL": ours, "DJANGO_SETTINGS_MODULE": "bench.settings",
        }  # fmt: skip
        run()


if __name__ == "__main__":
    sys.exit(main())
