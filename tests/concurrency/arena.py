"""The race table: four processes at the same payment, refund, service or agreement, many times, on a real database.

`python -m tests.concurrency.arena --rounds 100` runs every race twice, first with its guard taken out from outside
(then it must be seen to go wrong), then as it is. Prints one JSON object. The database is the environment's.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import sys
import time
from collections import Counter
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

import django

from tests.concurrency import ending

WORKERS = 4
RACES = ("pay", "refund", "void", "edit", "end")
_PAID = 10_000
_GIVEN_BACK = 6_000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument("--folder", type=Path, required=True)
    options = parser.parse_args()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "paywell.config.settings.demo")
    django.setup()
    from django.core.management import call_command
    from django.db import connection, connections

    call_command("migrate", verbosity=0)
    rounds = {False: options.rounds, True: max(8, options.rounds // 3)}
    plan = [(race, unguarded, seed(race, rounds[unguarded])) for race in RACES for unguarded in (True, False)]
    vendor = connection.vendor
    connections.close_all()
    till = options.folder / "till"
    context = multiprocessing.get_context("fork")  # with everything loaded, and no connection open
    barrier, told = context.Barrier(WORKERS), context.Queue()
    workers = [context.Process(target=work, args=(n, plan, till, barrier, told)) for n in range(WORKERS)]
    for worker in workers:
        worker.start()
    answers = [told.get(timeout=900) for _ in workers]
    for worker in workers:
        worker.join(timeout=30)
    table = [
        judge(race, unguarded, things, [each[place] for each in answers], till)
        for place, (race, unguarded, things) in enumerate(plan)
    ]
    from paywell.books.check import check_books

    guarded = {thing["practice"] for race, unguarded, things in plan if not unguarded for thing in things}
    wrong = [each for each in check_books().offences if str(each.practice_id) in guarded]
    print(json.dumps({"database": vendor, "table": table, "offences": [each.to_json() for each in wrong]}))


def seed(race: str, rounds: int) -> list[dict[str, str]]:
    """One line for each round, and for refunds its payment."""
    from paywell.invoicing.models import NumberSequence
    from paywell.payments import processor_accounts
    from paywell.payments.actions import start_payment
    from paywell.payments.tests.factories import make_form, make_line, make_world

    processor_accounts.make_processor = lambda account: Till(None)  # type: ignore[assignment]
    if race == "end":
        return ending.seed_agreements(rounds, _PAID)
    world = make_world()
    # The factory numbers its own invoices from 1.
    NumberSequence.objects.create(practice=world.practice, kind="invoice", next_number=100_000)
    things = []
    for _ in range(rounds):
        line = make_line(world, _PAID)
        paid = start_payment(viewer=world.viewer, form=make_form(line)) if race == "refund" else None
        things.append(
            {
                "practice": str(world.practice.id), "user": str(world.user.id), "staff": str(world.staff.id),
                "line": str(line.id), "invoice": str(line.invoice_id), "client": str(world.client.id),
                "paid": str(paid.id) if paid else "", "reference": paid.reference if paid else "",
            }
        )  # fmt: skip
    return things


def work(number: int, plan: list[Any], till: Path, barrier: Any, told: Any) -> None:
    """One process: the same races in the same order as the others, each round begun together."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "paywell.config.settings.demo")
    django.setup()
    from django.db import OperationalError

    from paywell.core.errors import UserError
    from paywell.payments import processor_accounts

    processor_accounts.make_processor = lambda account: Till(till)  # type: ignore[assignment]
    answers = []
    for race, unguarded, things in plan:
        heard = []
        with ending.slow_ending(), without_guard(race) if unguarded else nullcontext():
            for place, thing in enumerate(things):
                barrier.wait(timeout=120)
                if race in ("void", "edit") and number % 2:
                    time.sleep(place % 8 * 0.01)  # staff come at another moment of the payment each time
                try:
                    heard.append(act(race, number, thing))
                except UserError as refusal:
                    heard.append(refusal.code)
                except OperationalError:
                    heard.append("LOCK ERROR")
                except Exception as error:
                    heard.append(f"ERROR {type(error).__name__}")
        answers.append(heard)
    told.put(answers)


def act(race: str, number: int, thing: dict[str, str]) -> str:
    """What this process does in one round. Half of them are staff where it is staff against payers."""
    from uuid import UUID

    from paywell.accounts.models import Role
    from paywell.accounts.types import StaffViewer
    from paywell.core.money import Money
    from paywell.invoicing.models import Invoice
    from paywell.payments.actions import refund_payment
    from paywell.payments.models import Attempt
    from paywell.practice.models import Practice

    if race == "end":
        return ending.charge_or_end(thing, _PAID, is_payer=number % 2 == 1)
    if race == "refund":
        viewer = StaffViewer(UUID(thing["staff"]), Practice.objects.get(pk=thing["practice"]), Role.OWNER)
        attempt = Attempt.objects.get(pk=thing["paid"])
        return refund_payment(viewer=viewer, attempt=attempt, amount=Money(_GIVEN_BACK), reason="race").state
    if race == "pay" or number % 2 == 0:
        return pay(thing)
    from paywell.invoicing.actions import void_invoice

    void_invoice(invoice=Invoice.objects.get(pk=thing["invoice"]), actor_id=None, reason="race")
    if race == "edit":
        correct(thing)
    return "voided"


def pay(thing: dict[str, str]) -> str:
    from uuid import UUID

    from paywell.accounts.models import User
    from paywell.clients.access import access_portal
    from paywell.core.ids import new_id
    from paywell.payments.actions import start_payment
    from paywell.payments.types import PayForm

    viewer = access_portal(User.objects.get(pk=thing["user"]), None)
    form = PayForm(new_id(), (UUID(thing["line"]),), None, card_token="tok")
    return start_payment(viewer=viewer, form=form).state


def correct(thing: dict[str, str]) -> None:
    """The service once more for half the price: what an edited price is here, since issued lines never change."""
    from paywell.care.actions import record_service
    from paywell.clients.models import Client
    from paywell.core.money import Money
    from paywell.invoicing.actions import issue_invoice
    from paywell.invoicing.models import InvoiceLine

    line = InvoiceLine.objects.select_related("service__clinician").get(pk=thing["line"])
    client = Client.objects.select_related("practice", "default_account").get(pk=thing["client"])
    service = record_service(
        practice=client.practice, client=client, clinician=line.service.clinician, on=line.on, wording="Session",
        code="IND50", fee=Money(_PAID // 2), actor_id=None,
    )  # fmt: skip
    issue_invoice(practice=client.practice, account=client.default_account, services=[service], actor_id=None)


@contextmanager
def without_guard(race: str) -> Any:
    """Take one guard out, as a program without it would be written, and stay long between check and act."""
    from unittest import mock

    from paywell.invoicing import actions as invoicing
    from paywell.payments import choose, refunds
    from paywell.payments import start as starting

    patches: list[Any] = []
    if race == "pay":
        patches = [
            mock.patch.object(choose, "_get_holders", return_value={}),
            mock.patch.object(starting, "Claim", mock.MagicMock()),
        ]
    elif race == "refund":
        refuse = refunds._refuse_unless_refundable

        def slowly(*arguments: Any) -> None:
            refuse(*arguments)
            time.sleep(0.03)

        patches = [
            mock.patch.object(refunds, "lock", lambda rows: rows),
            mock.patch.object(refunds, "phase", nullcontext),
            mock.patch.object(refunds, "_refuse_unless_refundable", slowly),
        ]
    elif race == "end":
        patches = ending.never_asked_again()
    else:
        patches = [mock.patch.object(invoicing.holds, "any_held", return_value=False)]
    with in_force(patches):
        yield


@contextmanager
def in_force(patches: list[Any]) -> Any:
    for each in patches:
        each.start()
    try:
        yield
    finally:
        for each in patches:
            each.stop()


def judge(race: str, unguarded: bool, things: list[Any], answers: list[list[str]], till: Path) -> dict[str, Any]:
    """How often it went wrong, by what the processor took and gave back, and what people were told."""
    from paywell.invoicing.models import Invoice

    taken, given = read_till(till)
    violations = 0
    for thing in things:
        if race == "refund":
            violations += given[thing["reference"]] > _PAID
        elif race == "end":
            violations += ending.was_charged_after_the_end(thing)
        elif race == "pay":
            violations += taken[thing["line"]] > 1
        else:
            is_voided = Invoice.objects.get(pk=thing["invoice"]).voided_at is not None
            violations += is_voided and taken[thing["line"]] > 0
    heard = Counter(answer for each in answers for answer in each)
    return {
        "race": race, "guard": not unguarded, "rounds": len(things), "violations": violations,
        "lock_errors": sum(n for answer, n in heard.items() if "ERROR" in answer), "answers": dict(heard),
    }  # fmt: skip


def read_till(till: Path) -> tuple[Counter[str], Counter[str]]:
    """Charges by the line that they were for, refunded minor units by the payment's reference."""
    from paywell.payments.models import Attempt

    charged, given = [], Counter[str]()
    for row in till.read_text().splitlines() if till.exists() else ():
        what, reference, minor = row.split()
        if what == "charge":
            charged.append(reference)
        else:
            given[reference] += int(minor)
    lines = dict(Attempt.objects.filter(reference__in=charged).values_list("reference", "lines__line_id"))
    return Counter(str(lines.get(reference)) for reference in charged), given


class Till:
    """A processor that says yes to everything and writes it down in a file, outside every database."""

    def __init__(self, path: Path | None) -> None:
        from paywell.processors.contract import Capability, Style

        self.path = path
        self.style = Style.INLINE
        self.capabilities = frozenset(Capability)

    def open(self, order: Any) -> Any:
        from paywell.processors.contract import Outcome, Verdict

        self._pause()
        return Outcome(Verdict.PENDING, processor_ref=f"ch_{order.reference}", reference=order.reference)

    def submit(self, order: Any, submission: Any) -> Any:
        self._write(f"charge {order.reference} {order.money.minor}")
        self._pause()
        return self.look_up(order)

    def look_up(self, order: Any) -> Any:
        from paywell.processors.contract import CardFacts, Outcome, Verdict

        return Outcome(
            Verdict.SUCCEEDED, processor_ref=f"ch_{order.reference}", reference=order.reference, money=order.money,
            card=CardFacts("Visa", "4242"), live_mode=False,
        )  # fmt: skip

    def cancel(self, order: Any) -> Any:
        return self.look_up(order)

    def refund(self, order: Any) -> Any:
        from paywell.processors.contract import Refunded, Verdict

        self._write(f"refund {order.charge_reference} {order.money.minor}")
        return Refunded(f"re_{order.reference}", order.money, Verdict.SUCCEEDED, reference=order.reference)

    def _write(self, row: str) -> None:
        if self.path is not None:
            with self.path.open("a") as till:
                till.write(row + "\n")

    def _pause(self) -> None:
        if self.path is not None:
            time.sleep(0.02)


if __name__ == "__main__":
    sys.exit(main())
