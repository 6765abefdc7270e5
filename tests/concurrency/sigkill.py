"""SIGKILL of the real web server, worker and refunding staff at random moments, while twenty payers pay by HTTP.

    python -m tests.concurrency.sigkill --kills 1000 --database postgresql

starts the test processor, two web servers, a worker and a process that gives money back, kills one of them again
and again and starts it anew; then lets everything settle, and checks the books beside the processor's own records.
Exit code 0 and a JSON object with the figures, or 1. `--database sqlite` is the other one; with `--real-schedule`
the product's own minutes stand instead of seconds, so that the last figure is what a practice would see.
PostgreSQL: PAYWELL_TEST_DATABASE_URL, else a server of its own that comes by pip.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

from bench.stack import free_port

from tests.concurrency.own_database import ROOT, own_database, own_server
from tests.concurrency.payers import PAYERS, Payer, seed_world
from tests.concurrency.servers import Server, processor, web, worker

#: In which everything must be settled, or at least one event more be delivered: of those that a worker which is
#: killed all the time leaves behind there are as many as there were payments.
SETTLE_S = 240.0


def run(kills: int, folder: Path, environment: dict[str, str], seed: int) -> dict[str, Any]:
    fields, ports = free_port(), [free_port(), free_port()]
    environment = environment | {"PAYWELL_URL": f"http://127.0.0.1:{ports[0]}"}
    people = seed_people(fields, kills, environment)
    outside = processor(folder, environment, fields, late_s=3)
    victims = [
        web("web-1", folder, environment, ports[0]),
        web("web-2", folder, environment, ports[1]),
        worker("worker", folder, environment),
        Server("refunds", ["-m", "tests.concurrency.sigkill", "--refund"], folder, environment),
    ]
    over = threading.Event()
    payers = [Payer(person, ports, fields, over, seed + n) for n, person in enumerate(people)]
    began = time.monotonic()
    try:
        for each in (outside, *victims):
            each.start()
        for each in (outside, *victims):
            each.wait()
        for payer in payers:
            payer.start()
        killed = kill_at_random(victims, kills, random.Random(seed))
        over.set()
        for payer in payers:
            payer.join(timeout=60)
        victims[3].kill()
        for each in victims[:3]:
            each.wait()
        ended = time.monotonic()
        told = judge(folder, environment)
    finally:
        for each in (*victims, outside):
            each.kill()
            each.log.close()
    seen = sum((payer.seen for payer in payers), Counter[str]())
    return told | {
        "kills": dict(killed), "payers": PAYERS, "seconds": round(ended - began), "answers": dict(seen),
        "errors_shown": sum(n for status, n in seen.items() if status.startswith("5")),
    }  # fmt: skip


def seed_people(fields: int, kills: int, environment: dict[str, str], root: Path = ROOT) -> list[dict[str, Any]]:
    """What `seed_world` of the code in `root` gives, whose processor answers at the port `fields`."""
    command = [sys.executable, "-W", "ignore", "-m", "tests.concurrency.sigkill"]
    done = subprocess.run(
        [*command, "--seed-world", f"http://127.0.0.1:{fields}", "--kills", str(kills)],
        cwd=root, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        raise SystemExit(done.stderr[-3000:])
    people: list[dict[str, Any]] = json.loads(done.stdout.splitlines()[-1])
    return people


def kill_at_random(victims: list[Server], kills: int, dice: random.Random) -> Counter[str]:
    """One after the other, each at a random moment after it began to work."""
    killed: Counter[str] = Counter()
    while killed.total() < kills:
        up = [victim for victim in victims if victim.is_up()]
        if not up:
            time.sleep(0.05)
            continue
        time.sleep(dice.uniform(0.02, 2.0))
        victim = dice.choice(up)
        victim.kill()
        killed[victim.name] += 1
        time.sleep(dice.uniform(0.0, 0.3))
        victim.start()
    return killed


def judge(folder: Path, environment: dict[str, str]) -> dict[str, Any]:
    """Wait until nothing is open, then the books, the processor's own file, and what each says of the other."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "tests.concurrency.sigkill", "--judge", str(folder)],
        cwd=ROOT, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        raise SystemExit(done.stderr[-3000:])
    told: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return told


def keep_refunding() -> None:
    """In a process of its own, until it is killed: staff give back a part of some payment, one after the other."""
    from paywell.accounts.models import Role, User
    from paywell.accounts.types import StaffViewer
    from paywell.core.errors import UserError
    from paywell.core.money import Money
    from paywell.payments.actions import refund_payment
    from paywell.payments.models import Attempt, AttemptState
    from paywell.practice.models import Practice

    dice = random.Random()
    staff = StaffViewer(User.objects.earliest("id").id, Practice.objects.get(), Role.OWNER)
    while True:
        paid = list(Attempt.objects.filter(state=AttemptState.SUCCEEDED).order_by("-id")[:50])
        if paid:
            try:
                part = Money(dice.choice([2000, 5000, 14000]))
                refund_payment(viewer=staff, attempt=dice.choice(paid), amount=part, reason="kill")
            except UserError:
                pass
        time.sleep(0.1)


def wait_for_rest() -> tuple[dict[str, float], dict[str, int]]:
    """Until nothing is open, or nothing moves: the seconds after which each was done, and how many are left."""
    from paywell.outbox.models import OutboxEvent
    from paywell.payments.machine import OPEN
    from paywell.payments.models import Attempt, Refund

    began = moved = time.monotonic()
    waited: dict[str, float] = {}
    least: int | None = None
    while True:
        left = {
            "attempts": Attempt.objects.filter(state__in=OPEN).count(),
            "refunds": Refund.objects.filter(state__in=("sending", "pending")).count(),
            "events": OutboxEvent.objects.filter(delivered_at=None).count(),
        }
        now = time.monotonic()
        for name, number in left.items():
            if number:
                waited.pop(name, None)
            else:
                waited.setdefault(name, round(now - began, 1))
        if least is None or left["events"] < least:
            least, moved = left["events"], now
        is_late = now - began > SETTLE_S and (left["attempts"] or left["refunds"] or now - moved > SETTLE_S)
        if is_late or not any(left.values()):
            return waited, left
        time.sleep(0.5)


def settle_and_judge(folder: Path) -> dict[str, Any]:
    """In a process of its own: nothing open, books whole, each service charged once by the processor's own word."""
    from paywell.books.check import check_books
    from paywell.payments.memo import read_memo
    from paywell.payments.models import Attempt, Claim, Refund

    waited, left = wait_for_rest()
    open_ones = [name for name, number in left.items() if number]
    report = check_books(with_processor=True)
    with closing(sqlite3.connect(folder / "processor.sqlite3")) as processor:
        charges = processor.execute(
            "SELECT memo, captured, (SELECT COALESCE(SUM(amount), 0) FROM refunds WHERE charge = c.id)"
            " FROM charges c WHERE status = 'succeeded'"
        ).fetchall()
    # What was given back in full is owed again, and may be paid again: only what stands counts.
    stands: Counter[Any] = Counter()
    for memo, captured, given_back in charges:
        read = read_memo(memo)
        for line, _ in read.lines if read else ():
            stands[line] += captured - given_back
    return {
        "settled_after_s": waited, "stuck": open_ones, "left": left,
        "charges": len(charges), "captured_minor": sum(captured for _, captured, _ in charges),
        "charged_twice": sum(1 for minor in stands.values() if minor > 14000),
        "attempts": dict(Counter(Attempt.objects.values_list("state", flat=True))),
        "refunds": dict(Counter(Refund.objects.values_list("state", flat=True))),
        "claims": Claim.objects.exclude(attempt__state="in_review").count(),
        "offences": [each.to_json() for each in report.offences], "unasked": report.unasked,
    }  # fmt: skip


def is_well(told: dict[str, Any]) -> bool:
    wrong = ("stuck", "charged_twice", "claims", "offences", "unasked", "errors_shown")
    return not any(told[name] for name in wrong) and told["charges"] > 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--database", choices=["sqlite", "postgresql", "suite"], default="sqlite")
    parser.add_argument("--seed", type=int, default=None, help="Of the moments and the payers' choices.")
    parser.add_argument("--real-schedule", action="store_true")
    for hidden_option in ("--seed-world", "--judge"):
        parser.add_argument(hidden_option, help=argparse.SUPPRESS)
    parser.add_argument("--refund", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.seed_world or options.judge or options.refund:
        import django

        django.setup()
        if options.refund:
            keep_refunding()
        told: Any = settle_and_judge(Path(options.judge)) if options.judge else None
        print(json.dumps(told or seed_world(options.seed_world, options.kills)))
        return 0
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="pw-kill-")))
        url = {"sqlite": "", "suite": None}.get(options.database, "server")
        if url == "server":
            url = os.environ.get("PAYWELL_TEST_DATABASE_URL") or stack.enter_context(own_server())
        environment = stack.enter_context(own_database(folder, url=url))
        environment["DJANGO_SETTINGS_MODULE"] = "tests.concurrency.quick_settings"
        if options.real_schedule:
            environment["REAL_SCHEDULE"] = "1"
        seed = options.seed if options.seed is not None else random.SystemRandom().randrange(10**6)
        told = run(options.kills, folder, environment, seed) | {"seed": seed}
    told["database"] = "postgresql" if "PAYWELL_DATABASE_URL" in environment else "sqlite"
    told["well"] = is_well(told)
    print(json.dumps(told))
    return 0 if told["well"] else 1


if __name__ == "__main__":
    sys.exit(main())
