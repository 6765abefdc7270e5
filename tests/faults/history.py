"""One history: one seed, carried out from its beginning to the last check."""

from __future__ import annotations

import random
import smtplib
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.core.mail import EmailMessage
from django.db import OperationalError

from paywell.core.errors import PaywellError
from paywell.processors.contract import BadNotice
from tests.faults import connector as plugged
from tests.faults.connector import Connector
from tests.faults.database import Database, busy, full, lost
from tests.faults.loop import Crash, Loop, Task
from tests.faults.mutants import switched_off
from tests.faults.network import Network
from tests.faults.notices import Postman
from tests.faults.people import decide_reviews, end_what_is_slow, send_people
from tests.faults.plan import Plan
from tests.faults.ports import EPOCH, Ids, Ports
from tests.faults.processor import Bank, Charge
from tests.faults.worker import SWEEP_S, Workers
from tests.faults.world import World

#: After the faults are over, everything must be settled by then: two schedules' longest pauses and a payer's step.
CALM_S = 6 * 3600
#: Then the notices that come late, and the fence that comes two hours after an attempt's end: room for the sweep
#: of a worker that sleeps an hour, and for one more `CALM_SWEEP_S` later.
AFTERWARDS_S = 3.9 * 3600


class Lost(Exception):
    """The browser got no answer: the server is down, or died over the request."""


@dataclass
class Result:
    """What came of one history."""

    kind: str
    seed: int
    crash_at: tuple[int, ...] = ()  #: where it was crashed, where all points or pairs of them are tried
    changes: tuple[tuple[str, Any], ...] = ()  #: what was asked of the plan beside its seed
    violations: list[str] = field(default_factory=list)
    points: int = 0
    captures: int = 0
    crashes: int = 0
    faults: int = 0
    restores: int = 0
    recovered_s: float = 0.0  #: from the end of the faults until nothing was open any more
    attempts: int = 0
    digest: str = ""
    lines: list[str] = field(default_factory=list)
    seen: set[str] = field(default_factory=set)  #: what happened, for the coverage of states and faults


class History:
    """The hands that hold the product's ports, and the eyes on its database, for one seed."""

    def __init__(self, database: Database, world: World, plan: Plan, *, trace: bool = False) -> None:
        self.database, self.world, self.plan = database, world, plan
        seed = f"{plan.kind}:{plan.seed}"
        self.result = Result(plan.kind, plan.seed)
        self.loop = Loop(f"{seed}:loop")
        self.random = random.Random(f"{seed}:people")
        self.chance = random.Random(f"{seed}:database")
        self.crashing = random.Random(f"{seed}:crash")
        self.bank_random = random.Random(f"{seed}:bank")
        self.mailing = random.Random(f"{seed}:mail")
        self.ids = Ids(f"{seed}:ids")
        self.is_calm = False
        self.is_counting = True
        self.skew = timedelta(seconds=plan.skew_s)
        self.down_until = 0.0
        self.trace: list[str] | None = [] if trace else None
        self.mails: list[tuple[str, str, str]] = []  #: accepted: event's message id, to, subject
        self.may_mail_twice = False
        self.told: list[tuple[Any, str]] = []  #: attempt's id, and the state that a payer read
        self.asked: list[tuple[Any, Any]] = []  #: attempt's id, and the form that it answered
        self.forged_returns = 0  #: return addresses with a wrong signature that were taken
        self.surprises: list[str] = []  #: errors that no fault explains
        self.journal: dict[str, dict[Any, int]] = {}  #: our reference: the lines that it was to pay
        self.bank = Bank(plan.kind, self.bank_now, self.bank_tells)
        self.network = Network(self, f"{seed}:network", rate=plan.network_rate, later=plan.is_later)
        self.connector = Connector(self.bank, self.network, lag_s=plan.list_lag_s)
        self.connector.mixes_up = plan.profile == "mixup"
        self.connector.on_order, self.connector.on_refund = self.note_order, self.note_refund
        self.workers = Workers(self)
        self.postman = Postman(self)
        self.people: list[Task] = []

    # Carrying out.

    def run(self) -> Result:
        with switched_off(self.plan.mutant):
            return self._run()

    def _run(self) -> Result:
        from tests.faults.oracle import judge

        self.database.begin_history()
        try:
            Ports.hands, Ports.ids = self, self.ids
            plugged.current.append(self.connector)
            plugged.surprised.append(self)
            self.database.watcher = self
            self.workers.start()
            self.people = send_people(self)
            self.loop.run(stop=lambda: all(task.is_over for task in self.people))
            self.calm_down()
            self.loop.kill(lambda task: True)
            self.database.watcher = None
            self.result.violations += judge(self)
        finally:
            self.database.end_history()
            Ports.hands = None
            plugged.current.clear()
            plugged.surprised.clear()
        result = self.result
        result.captures, result.faults = self.bank.captures, result.faults + self.network.faults
        result.lines = self.trace or []
        return result

    def calm_down(self) -> None:
        """The faults are over; what they left behind has so long to come right."""
        self.is_calm, self.is_counting = True, False
        self.surprises += [f"{task.name}: {task.error!r}" for task in self.people if task.error is not None]
        self.say("-- the faults are over --")
        began = self.loop.now
        while not self.workers.is_quiet() and self.loop.now < began + CALM_S:
            self.loop.run(until=self.loop.now + (20 if self.loop.now < began + 600 else 300))
        self.result.recovered_s = self.loop.now - began
        self.say(f"-- quiet after {self.result.recovered_s:.0f} s --")
        decide_reviews(self)
        # One more sweep, and another after the fence's two hours; in between they would find the same. What a
        # request that came hours later than promised did since the last of them is the next one's to find.
        self.workers.next_sweep = self.loop.now + 600
        self.loop.run(until=self.loop.now + AFTERWARDS_S)
        changes = [charge.changed_at for charge in self.bank.charges.values()]
        if self.network.broke_its_promise and any(at > self.workers.swept_at for at in changes):
            self.workers.next_sweep = self.loop.now
            self.loop.run(until=self.loop.now + SWEEP_S + 100)

    # Time.

    def now(self) -> datetime:
        return EPOCH + timedelta(seconds=self.loop.now) + self.skew

    def bank_now(self) -> datetime:
        """The processor's own clock is right."""
        return EPOCH + timedelta(seconds=self.loop.now)

    def pass_time(self, seconds: float) -> None:
        if self.loop.task is not None and not self.database.connection.in_atomic_block:
            self.loop.pause(seconds)

    def call_later(self, after: float, work: Callable[[], None]) -> None:
        self.loop.call_later(after, work)

    def say(self, text: str) -> None:
        if self.trace is not None:
            who = self.loop.task.name if self.loop.task else "-"
            self.trace.append(f"{self.loop.now:10.2f}  {who:<24} {text}")

    # Points: where a task gives way, and where the process can die.

    def point(self, name: str) -> None:
        task = self.loop.task
        if task is None or not task.inside or task.is_dead:
            return
        if self.is_counting:
            self.result.points += 1
            self.say(f"[{self.result.points}] {name}")
            if self.result.points in self.plan.crash_at or self._dies_by_chance():
                self.crash()
        if self.database.connection.in_atomic_block:
            # Nobody else may run now, and the history goes on: one violation is enough.
            self.surprises.append(f"{name} inside a transaction")
            return
        self.loop.pause(self._cost())

    def _dies_by_chance(self) -> bool:
        return self.plan.crash_rate > 0 and self.crashing.random() < self.plan.crash_rate

    def _cost(self) -> float:
        """Mostly milliseconds; now and then a process stands still, rarely for longer than its lease."""
        draw = self.loop.random.random()
        if self.is_calm or draw < 0.93:
            return 0.001 + draw * 0.02
        if draw < 0.995 or not self.plan.may_stand_still:
            return (draw - 0.93) * 20
        self.may_mail_twice = True
        return 60 + (draw - 0.995) * 60000

    def crash(self) -> None:
        """The machine, or only the process that is at work, is gone. It comes back a moment later."""
        task = self.loop.task
        whole = self.crashing.random() < 0.7
        down_s = 1 + self.crashing.random() * 30
        self.result.crashes += 1
        self.may_mail_twice = True
        self.say("CRASH of the machine" if whole else "CRASH of this process")
        if whole:
            self.down_until = max(self.down_until, self.loop.now + down_s)
            self.workers.start_again(down_s)
            self.loop.die(lambda each: each.inside and (each.has_begun or each.name.startswith("request")))
        else:
            if task is not None and task.name.startswith("worker"):
                self.workers.start_again(down_s, only=task.name)
            self.loop.die(lambda each: each is task)

    def lose_database(self) -> None:
        """The machine is gone with its database; closed until `open_again`."""
        self.result.restores += 1
        self.may_mail_twice = True

        def put_back() -> None:
            self.loop.kill(lambda task: task.inside)
            self.say("RESTORE of the backup")
            self.database.put_back()
            self.workers.queue.clear()
            self.workers.is_stopped = True

        self.down_until = float("inf")
        self.call_later(0.0, put_back)

    def open_again(self) -> None:
        self.down_until = 0.0
        self.workers.is_stopped = False
        self.workers.start()

    # The database.

    def is_dead(self) -> bool:
        return self.loop.task is not None and self.loop.task.is_dead

    def before_read(self) -> None:
        task = self.loop.task
        if task is not None and task.inside and self.loop.random.random() < 0.2:
            self.loop.pause(self._cost())

    def on_begin(self) -> None:
        if self._fails(self.plan.database_rate * 0.4):
            self.say("database: locked")
            raise busy()

    def on_commit(self, commit: Callable[[], None]) -> None:
        if self._fails(self.plan.database_rate * 0.4):
            self.say("database: full, nothing is written")
            raise full()
        commit()
        if self._fails(self.plan.database_rate * 0.2):
            self.may_mail_twice = True
            self.say("database: the answer to the commit is lost")
            raise lost()

    def after_commit(self) -> None:
        self.point("commit")

    def _fails(self, rate: float) -> bool:
        task = self.loop.task
        if rate <= 0 or self.is_calm or task is None or not task.inside or task.is_dead:
            return False
        fails = self.chance.random() < rate
        self.result.faults += fails
        self.may_mail_twice |= fails and task.name.startswith("worker")
        return fails

    # Requests of browsers and of the processor.

    def spawn_request(self, work: Callable[[], Any], name: str, after: float = 0.0) -> Task:
        """A request on its way. Nobody takes it in while the machine is down: the second click of two, for one."""

        def arrive() -> Any:
            if self.loop.now < self.down_until:
                raise Lost
            return work()

        return self.loop.spawn(arrive, f"request {name}", after=after, inside=True)

    def request(self, work: Callable[[], Any], name: str) -> Any:
        """One request, waited for. Raises what it raised, and Lost where nothing came back."""
        if self.loop.now < self.down_until:
            self.loop.pause(0.1)
            raise Lost
        task = self.spawn_request(work, name)
        self.loop.wait_for(task)
        return self.answer_of(task)

    def answer_of(self, task: Task) -> Any:
        if isinstance(task.error, Crash):
            raise Lost
        if task.error is not None:
            self.surprise(task.error, task.name)
            raise task.error
        return task.result

    def surprise(self, error: BaseException, where: str) -> None:
        """Keep an error that is neither an answer to a person nor one of the database's faults."""
        is_fault = isinstance(error, OperationalError) and self.plan.database_rate > 0
        if not isinstance(error, PaywellError | BadNotice | Lost) and not is_fault:
            self.surprises.append(f"{where}: {error!r}"[:200])

    # Ports.

    def queue(self, work: Any, name: str) -> None:
        self.workers.queue.append((work, name))
        self.point(f"queued {name}")

    def mail(self, message: EmailMessage) -> None:
        if self.database.connection.in_atomic_block:
            self.surprises.append("an e-mail was sent inside a transaction")
        self.point("call mail")
        fate = 1.0 if self.is_calm or self.plan.mail_rate == 0 else self.mailing.random() / self.plan.mail_rate
        if (self.plan.mail_is_down and not self.is_calm) or fate < 0.5:
            self.say("mail: refused")
            raise smtplib.SMTPServerDisconnected("gone")
        accepted = (message.extra_headers["Message-ID"], message.to[0], message.subject)
        self.mails.append(accepted)
        self.say(f"mail: {accepted[2]} to {accepted[1]}")
        self.point("effect mail")
        if fate < 0.8:
            self.may_mail_twice = True
            self.say("mail: the answer is lost")
            raise TimeoutError("no answer")
        if fate < 1.0:
            self.may_mail_twice = True
            self.loop.pause(400)

    def bank_tells(self, charge: Charge, what: str) -> None:
        self.say(f"processor: {charge.ref} {what} ({charge.reference})")
        self.postman.send(charge, what)
        end_what_is_slow(self, charge, what)

    def note_order(self, reference: str) -> None:
        """What an order is for, read from the rows when it is sent: they must stand there by then."""
        if reference in self.journal:
            return
        rows = self.database.fetch(
            "SELECT l.line_id, l.amount_minor FROM payments_attemptline l JOIN payments_attempt a"
            f" ON a.id = l.attempt_id WHERE a.reference = '{reference}'"
        )
        if not rows:
            self.result.violations.append(
                f"the processor was called for {reference}, of which no row was committed"
            )
        self.journal[reference] = {str(line).replace("-", ""): amount for line, amount in rows}

    def note_refund(self, reference: str) -> None:
        if not self.database.fetch(f"SELECT id FROM payments_refund WHERE reference = '{reference}'"):
            self.result.violations.append(
                f"the processor was called for refund {reference}, of which no row stands"
            )
