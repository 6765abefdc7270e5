"""One browser of a race: a process that waits for the start and then pays, once.

`python -m tests.concurrency.racer seed` makes the world and prints it; `... race FOLDER [unguarded]` pays.
The processor appends each charge to a file, so that what it took is counted from outside the database.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path
from typing import Any

import django


def seed() -> None:
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    from paywell.payments.tests.factories import make_line, make_world

    world = make_world()
    line = make_line(world, 12000)
    print(json.dumps({"user": str(world.user.id), "line": str(line.id)}))


def race(folder: Path, *, unguarded: bool) -> None:
    from uuid import UUID

    from paywell.accounts.models import User
    from paywell.clients.access import access_portal
    from paywell.core.errors import UserError
    from paywell.core.ids import new_id
    from paywell.payments import choose, processor_accounts
    from paywell.payments import start as starting
    from paywell.payments.actions import start_payment
    from paywell.payments.types import PayForm

    world = json.loads((folder / "world.json").read_text())
    till = Till(folder / "till")
    processor_accounts.make_processor = lambda account: till  # type: ignore[assignment]
    if unguarded:
        choose._get_holders = lambda practice_id, line_ids: {}
        starting.Claim = Nothing  # type: ignore[misc,assignment]
    viewer = access_portal(User.objects.get(pk=world["user"]), None)
    form = PayForm(new_id(), (UUID(world["line"]),), None, card_token="tok")
    (folder / f"ready-{os.getpid()}").touch()
    while not (folder / "go").exists():
        time.sleep(0.002)
    try:
        print(json.dumps({"state": start_payment(viewer=viewer, form=form).state}))
    except UserError as refusal:
        print(json.dumps({"refused": refusal.code}))


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
    if sys.argv[1] == "seed":
        seed()
    else:
        race(Path(sys.argv[2]), unguarded="unguarded" in sys.argv)
