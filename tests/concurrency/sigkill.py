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
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from contextlib import ExitStack, closing, suppress
from http.client import HTTPException
from pathlib import Path
from typing import Any

from bench.load import Client, hidden
from bench.stack import free_port

from tests.concurrency.own_database import ROOT, own_database, own_server

PAYERS = 20
START_S = 60.0
SETTLE_S = 240.0
PAID, DECLINED, LATE, LOST = "4242424242424242", "4000000000000002", "4242000000000018", "4242000000000026"


class Victim:
    """One process that is killed and started again."""

    def __init__(
        self, name: str, command: list[str], folder: Path, environment: dict[str, str], port: int = 0
    ) -> None:
        self.name, self.command, self.port = name, command, port
        self.log = (folder / f"{name}.log").open("ab")
        self.environment = environment
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-W", "ignore", *self.command],
            cwd=ROOT, env=self.environment, stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log,
            start_new_session=True,
        )  # fmt: skip
        self.started_at = time.monotonic()

    def kill(self) -> None:
        if self.process is not None:
            with suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()

    def is_up(self) -> bool:
        if self.process is None or self.process.poll() is not None:
            return False
        if not self.port:
            return time.monotonic() - self.started_at > 3
        try:
            return Client(self.port).request("GET", "/health/" if "web" in self.name else "/").status == 200
        except (OSError, HTTPException):
            return False

    def wait(self) -> None:
        end = time.monotonic() + START_S
        while not self.is_up():
            if time.monotonic() > end or (self.process and self.process.poll() is not None):
                raise SystemExit(f"{self.name} did not start: {Path(self.log.name).read_text()[-2000:]}")
            time.sleep(0.1)


class Payer(threading.Thread):
    """Pays one service after the other, with both servers; sends a form again that got no answer, or does not."""

    def __init__(
        self, person: dict[str, Any], ports: list[int], fields: int, over: threading.Event, seed: int
    ) -> None:
        super().__init__(daemon=True)
        self.person, self.ports, self.fields, self.over = person, ports, fields, over
        self.dice = random.Random(seed)
        self.client = Client(ports[0], {"sessionid": person["session"]})
        self.seen: Counter[str] = Counter()

    def run(self) -> None:
        for number, line in enumerate(self.person["lines"]):
            if self.over.is_set():
                return
            while not self.over.is_set():
                try:
                    self.pay(line, number)
                    break
                except LookupError:  # no form: it is paid, or being paid
                    break
                except (OSError, HTTPException, ValueError):
                    self.seen["no answer"] += 1
                    time.sleep(self.dice.uniform(0.1, 0.6))

    def pay(self, line: str, number: int) -> None:
        window = self.ask("GET", f"/portal/pay/window/?line={line}")
        form = [(name, hidden(window.body, name)) for name in ("csrfmiddlewaretoken", "form")]
        form += [("line", line), ("amount", "140.00"), ("card", "new"), ("notes", "")]
        tries = 2 if self.dice.random() < 0.6 else 1
        for attempt in range(tries):
            try:
                sent = self.ask("POST", "/portal/pay/start/", [*form, ("card_token", self.make_token(number))])
                break
            except (OSError, HTTPException):
                self.seen["no answer"] += 1
                if attempt == tries - 1:
                    return
                time.sleep(self.dice.uniform(0.0, 1.0))
        if sent.location:
            self.ask("GET", sent.location)

    def ask(self, method: str, path: str, form: list[tuple[str, str]] | None = None) -> Any:
        port = self.dice.choice(self.ports)
        if port != self.client.port or self.dice.random() < 0.3:
            self.client.port, self.client.connection = port, None
        try:
            answer = self.client.request(method, path, form)
        except BaseException:
            self.client.connection = None
            raise
        self.seen[str(answer.status)] += 1
        return answer

    def make_token(self, number: int) -> str:
        card = (
            DECLINED if number == 1 and self.person["number"] < 8 else self.dice.choice([PAID] * 8 + [LATE, LOST])
        )
        body = json.dumps(
            {"account": self.person["account"], "number": card, "exp": "12/40", "cvc": "123", "zip": "80401"}
        )
        import http.client

        connection = http.client.HTTPConnection("127.0.0.1", self.fields, timeout=30)
        origin = f"http://127.0.0.1:{self.fields}"
        connection.request("POST", "/fields/tokens/", body, {"Content-Type": "application/json", "Origin": origin})
        return str(json.loads(connection.getresponse().read())["token"])


def run(kills: int, folder: Path, environment: dict[str, str], seed: int) -> dict[str, Any]:
    fields, ports = free_port(), [free_port(), free_port()]
    environment = environment | {"PAYWELL_URL": f"http://127.0.0.1:{ports[0]}"}
    command = [sys.executable, "-W", "ignore", "-m", "tests.concurrency.sigkill"]
    seeded = subprocess.run(
        [*command, "--seed-world", f"http://127.0.0.1:{fields}", "--kills", str(kills)],
        cwd=ROOT, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if seeded.returncode:
        raise SystemExit(seeded.stderr)
    people = json.loads(seeded.stdout.splitlines()[-1])
    processor = Victim(
        "processor",
        [
            "-m", "paywell", "test_processor", "--port", str(fields), "--late", "3",
            "--data", str(folder / "processor.sqlite3"),
        ],
        folder, environment, fields,
    )  # fmt: skip
    web = [
        "-m", "granian", "--interface", "wsgi", "--host", "127.0.0.1", "--workers", "1", "--blocking-threads", "2",
        "--no-access-log", "paywell.config.wsgi:application", "--port",
    ]  # fmt: skip
    victims = [
        Victim("web-1", [*web, str(ports[0])], folder, environment, ports[0]),
        Victim("web-2", [*web, str(ports[1])], folder, environment, ports[1]),
        Victim("worker", ["-m", "paywell", "worker", "--interval", "0.2"], folder, environment),
        Victim("refunds", ["-m", "tests.concurrency.sigkill", "--refund"], folder, environment),
    ]
    over = threading.Event()
    payers = [Payer(person, ports, fields, over, seed + n) for n, person in enumerate(people)]
    began = time.monotonic()
    try:
        for each in (processor, *victims):
            each.start()
        for each in (processor, *victims):
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
        for each in (*victims, processor):
            each.kill()
            each.log.close()
    seen = sum((payer.seen for payer in payers), Counter[str]())
    return told | {
        "kills": dict(killed), "payers": PAYERS, "seconds": round(ended - began), "answers": dict(seen),
        "errors_shown": sum(n for status, n in seen.items() if status.startswith("5")),
    }  # fmt: skip


def kill_at_random(victims: list[Victim], kills: int, dice: random.Random) -> Counter[str]:
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


def seed_world(processor_url: str, kills: int) -> list[dict[str, Any]]:
    """In a process of its own: one practice, twenty people, each with an account and many services to pay."""
    from datetime import date, timedelta

    from bench.seed import make_session
    from django.contrib.sessions.backends.db import SessionStore
    from django.core.management import call_command

    from paywell.accounts.models import User
    from paywell.care.models import Service
    from paywell.clients.models import BillingAccount, Client, Contact, Grant, GrantRole
    from paywell.core import clock
    from paywell.core.ids import new_key
    from paywell.invoicing.actions import issue_invoice
    from paywell.invoicing.models import InvoiceLine
    from paywell.payments.tests.factories import make_world

    call_command("migrate", verbosity=0)
    world, now = make_world(), clock.now()
    account = world.processor_account
    account.settings = {"base_url": processor_url, "account": f"acct_{new_key()[:12]}"}
    account.secrets = {"api_key": new_key(), "notice_secret": new_key()}
    account.swept_until = now
    account.save()
    people = []
    for number in range(PAYERS):
        user = User.objects.create_user(f"payer{number}@example.org")
        owes = BillingAccount.objects.create(practice=world.practice, name=f"Payer {number}", created_at=now)
        client = Client.objects.create(
            practice=world.practice, legal_first_name="P", legal_last_name=str(number), default_account=owes,
            created_at=now,
        )  # fmt: skip
        contact = Contact.objects.create(practice=world.practice, name=f"Payer {number}", user=user, created_at=now)
        Grant.objects.create(
            practice=world.practice, contact=contact, client=client, account=owes, role=GrantRole.SELF,
            valid_from=date(2020, 1, 1), created_at=now,
        )  # fmt: skip
        services = Service.objects.bulk_create(
            Service(
                practice=world.practice, client=client, clinician=world.clinician,
                on=clock.business_date(now, world.practice.timezone) - timedelta(days=1 + n % 700),
                wording="Session", code="IND50", fee_minor=14000, recorded_at=now,
            )
            for n in range(60 + 12 * kills)
        )  # fmt: skip
        for start in range(0, len(services), 500):
            part = services[start : start + 500]
            issue_invoice(practice=world.practice, account=owes, services=part, actor_id=None)
        lines = [str(line.id) for line in InvoiceLine.objects.filter(practice=world.practice, account=owes)]
        person = {"number": number, "session": make_session(SessionStore(), user), "lines": lines}
        people.append(person | {"account": account.settings["account"]})
    return people


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


def settle_and_judge(folder: Path) -> dict[str, Any]:
    """In a process of its own: nothing open, books whole, each service charged once by the processor's own word."""
    from paywell.books.check import check_books
    from paywell.outbox.models import OutboxEvent
    from paywell.payments.machine import OPEN
    from paywell.payments.memo import read_memo
    from paywell.payments.models import Attempt, Claim, Refund

    began = time.monotonic()
    waited: dict[str, float] = {}
    while time.monotonic() - began < SETTLE_S:
        still = {
            "attempts": Attempt.objects.filter(state__in=OPEN).exists(),
            "refunds": Refund.objects.filter(state__in=("sending", "pending")).exists(),
            "events": OutboxEvent.objects.filter(delivered_at=None).exists(),
        }
        for name, is_there in still.items():
            if not is_there:
                waited.setdefault(name, round(time.monotonic() - began, 1))
            else:
                waited.pop(name, None)
        if not any(still.values()):
            break
        time.sleep(0.5)
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
        "settled_after_s": waited, "stuck": [name for name, is_there in still.items() if is_there],
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
