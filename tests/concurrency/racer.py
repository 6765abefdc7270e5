"""A race: browsers that pay the same service at the same moment, each a process of its own with its own connection.

`python -m tests.concurrency.racer FOLDER BROWSERS [unguarded]` makes the world, lets them pay once, and prints what
each was told. They are forked when everything is loaded, which would take each of them seconds of its own. The
processor appends each charge to a file, so that what it took is counted from outside the database.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import sys
import time
from pathlib import Path
from typing import Any

import django


def seed() -> dict[str, str]:
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    from paywell.payments.tests.factories import make_line, make_world

    world = make_world()
    line = make_line(world, 12000)
    return {"user": str(world.user.id), "line": str(line.id)}


def run(folder: Path, browsers: int, *, unguarded: bool) -> None:
    """Seed, then race. No connection is open when they are forked, so none takes over another one's."""
    from django.db import connections

    world = seed()
    connections.close_all()
    context = multiprocessing.get_context("fork")
    start = context.Barrier(browsers)
    racers = [
        context.Process(target=race, args=(folder / "till", world, start), kwargs={"unguarded": unguarded})
        for _ in range(browsers)
    ]
    for each in racers:
        each.start()
    for each in racers:
        each.join()


def race(charges: Path, world: dict[str, str], start: Any, *, unguarded: bool) -> None:
    from uuid import UUID

    from paywell.accounts.models import User
    from paywell.clients.access import access_portal
    from paywell.core.errors import UserError
    from paywell.core.ids import new_id
    from paywell.payments import choose, processor_accounts
    from paywell.payments import start as starting
    from paywell.payments.actions import start_payment
    from paywell.payments.types import PayForm

    till = Till(charges)
    processor_accounts.make_processor = lambda account: till  # type: ignore[assignment]
    if unguarded:
        choose._get_holders = lambda practice_id, line_ids: {}
        starting.Claim = Nothing  # type: ignore[misc,assignment]
    viewer = access_portal(User.objects.get(pk=world["user"]), None)
    form = PayForm(new_id(), (UUID(world["line"]),), None, card_token="tok")
    start.wait(timeout=120)
    try:
        told = {"state": str(start_payment(viewer=viewer, form=form).state)}
    except UserError as refusal:
        told = {"refused": refusal.code}
    os.write(1, f"{json.dumps(told)}\n".encode())  # whole lines, whoever writes beside it


class Nothing:
    """Stands in for the claims when the race is run without them."""

    class objects:
        @staticmethod
        def bulk_create(rows: Any) -> None: ...

    def __init__(self, **fields: Any) -> None: ...


class Till:
    """Says yes to everything, slowly, and writes each charge down."""

    def __init__(self, path: Path) -> None:
        from paywell.processors.contract import Style

        self.path = path
        self.style = Style.INLINE

    def open(self, order: Any) -> Any:
        from paywell.processors.contract import Outcome, Verdict

        time.sleep(0.05)
        return Outcome(Verdict.PENDING, processor_ref=f"ch_{order.reference}", reference=order.reference)

    def submit(self, order: Any, submission: Any) -> Any:
        with self.path.open("a") as till:
            till.write(f"{order.reference} {order.money.minor}\n")
        time.sleep(0.05)
        return self.look_up(order)

    def look_up(self, order: Any) -> Any:
        from paywell.processors.contract import CardFacts, Outcome, Verdict

        return Outcome(
            Verdict.SUCCEEDED, processor_ref=f"ch_{order.reference}", reference=order.reference, money=order.money,
            card=CardFacts("Visa", "4242"), live_mode=False,
        )  # fmt: skip


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "paywell.config.settings.demo")
    django.setup()
    run(Path(sys.argv[1]), int(sys.argv[2]), unguarded="unguarded" in sys.argv)
