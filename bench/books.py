"""How long the twelve laws take over a large ledger: `python -m bench.books --transfers 100000`.

Fills a database of its own (SQLite in a temporary folder, or PAYWELL_TEST_DATABASE_URL) with accounts, lines,
payments and their transfers, each chain sealed as the product does, and prints the times of the slowest questions.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from contextlib import ExitStack
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import django

LINES_PER_ACCOUNT = 100
_BATCH = 2000


def fill(transfers: int) -> None:
    """Half of the transfers charge a line, the other half pay it: one payment for each line."""
    from paywell.accounts.models import User
    from paywell.care.models import Service
    from paywell.clients.models import BillingAccount, Client, Contact, Grant, GrantRole
    from paywell.core import clock
    from paywell.core.ids import new_id
    from paywell.invoicing.models import Invoice, InvoiceLine
    from paywell.ledger.actions import GENESIS, transfer_hash
    from paywell.ledger.models import AccountBalance, AccountKind, Book, LedgerAccount, LineBalance, Transfer
    from paywell.outbox.models import OutboxEvent
    from paywell.payments.models import Attempt, AttemptEvent, AttemptLine, AttemptState
    from paywell.payments.tests.factories import make_world

    world, now, on = make_world(), clock.now(), date(2026, 3, 2)
    practice = world.practice
    many = {name: [] for name in ("service", "line", "attempt", "part", "event", "news", "balance", "transfer")}
    kinds = {
        kind: LedgerAccount.objects.create(practice_id=practice.id, kind=kind, owner_id=owner, currency="USD")
        for kind, owner in ((AccountKind.INCOME, practice.id), (AccountKind.CLEARING, world.processor_account.id))
    }
    for number in range(max(1, transfers // 2 // LINES_PER_ACCOUNT)):
        user = User.objects.create_user(f"p{number}@example.org")
        account = BillingAccount.objects.create(practice=practice, name=f"A{number}", created_at=now)
        client = Client.objects.create(
            practice=practice, legal_first_name="A", legal_last_name="B", default_account=account, created_at=now
        )
        contact = Contact.objects.create(practice=practice, name="A", user=user, created_at=now)
        Grant.objects.create(
            practice=practice, contact=contact, client=client, account=account, role=GrantRole.SELF,
            valid_from=date(2020, 1, 1), created_at=now,
        )  # fmt: skip
        book = Book.objects.create(practice_id=practice.id, owner_id=account.id)
        owed = LedgerAccount.objects.create(
            practice_id=practice.id, kind=AccountKind.RECEIVABLE, owner_id=account.id, currency="USD"
        )
        AccountBalance.objects.create(account=owed, practice_id=practice.id)
        invoice = Invoice.objects.create(
            practice=practice, account=account, number=number + 1, label=f"I{number}", issued_on=on, issued_at=now,
            due_on=on, total_minor=100 * LINES_PER_ACCOUNT, currency="USD", frozen={}, digest="0" * 64,
        )  # fmt: skip
        seq, seal = 0, GENESIS

        def transfer(source: str, debit: Any, credit: Any, line: Any, *, book: Any = book) -> None:
            nonlocal seq, seal
            seq += 1
            row = Transfer(
                id=new_id(), practice_id=practice.id, book=book, seq=seq, source=source, leg=0, debit=debit,
                credit=credit, amount_minor=100, currency="USD", line_id=line.id, at=now, prev_hash=seal,
            )  # fmt: skip
            row.hash = seal = transfer_hash(row)
            many["transfer"].append(row)

        for place in range(LINES_PER_ACCOUNT):
            service = Service(
                practice=practice, client=client, clinician=world.clinician, on=on - timedelta(days=place),
                wording="S", code="IND50", fee_minor=100, recorded_at=now,
            )  # fmt: skip
            line = InvoiceLine(
                practice=practice, invoice=invoice, account=account, service=service, client=client,
                position=place + 1, on=service.on, wording="S", clinician_name="A", amount_minor=100,
                currency="USD",
            )  # fmt: skip
            attempt = Attempt(
                practice=practice, account=account, processor_account=world.processor_account, contact=contact,
                actor=user, state=AttemptState.SUCCEEDED, amount_minor=100, currency="USD", content_hash="0" * 64,
                captured_minor=100, processor_ref=f"ch_{new_id().hex}", created_at=now, submitted_at=now,
                closed_at=now, deadline_at=now,
            )  # fmt: skip
            many["service"].append(service)
            many["line"].append(line)
            many["attempt"].append(attempt)
            many["part"].append(AttemptLine(practice=practice, attempt=attempt, line=line, amount_minor=100))
            for before, after in (("created", "submitting"), ("submitting", "succeeded")):
                many["event"].append(
                    AttemptEvent(
                        practice=practice, attempt=attempt, at=now, from_state=before, to_state=after, cause="open"
                    )
                )
            many["news"].append(
                OutboxEvent(
                    practice_id=practice.id,
                    kind="payments.payment_succeeded",
                    created_at=now,
                    next_try_at=now,
                    dedupe=f"payments.payment_succeeded:{attempt.id}",
                    delivered_at=now,
                )
            )
            many["balance"].append(
                LineBalance(
                    line_id=line.id,
                    practice_id=practice.id,
                    owner_id=account.id,
                    currency="USD",
                    on=line.on,
                    charged_minor=100,
                )
            )
            transfer(f"invoice:{line.id}", owed, kinds[AccountKind.INCOME], line)
            transfer(f"payment:{attempt.id}", kinds[AccountKind.CLEARING], owed, line)
        for rows in many.values():
            if len(rows) >= _BATCH:
                break
        else:
            continue
        save(many)
    save(many)


def save(many: dict[str, list[Any]]) -> None:
    for rows in many.values():
        if rows:
            type(rows[0]).objects.bulk_create(rows, batch_size=500)
        rows.clear()


def measure() -> None:
    from django.db import connection

    from paywell.books.invariants import LAWS
    from paywell.books.types import Scope, find
    from paywell.core import clock
    from paywell.core.jobs import gather_statistics
    from paywell.ledger.models import Transfer

    if connection.vendor == "sqlite":
        gather_statistics.func()
    else:
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE")  # what autovacuum does
    scope, total = Scope(clock.now()), 0.0
    times = []
    for law in LAWS:
        for question in law.questions:
            began = time.perf_counter()
            found = find(law, question, scope)
            took = time.perf_counter() - began
            total += took
            times.append((took, f"I{law.number} {question.what}", len(found)))
    for took, what, found in sorted(times, reverse=True)[:8]:
        print(f"{took * 1000:8.0f} ms  {found:>4}  {what}")
    print(f"{connection.vendor}: {Transfer.objects.count():,} transfers, {total:.1f} s for {len(times)} questions")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--transfers", type=int, default=100_000)
    options = parser.parse_args()
    from tests.concurrency.own_database import own_database

    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="pw-books-")))
        os.environ |= stack.enter_context(own_database(folder))
        django.setup()
        from django.core.management import call_command
        from django.db import connections

        call_command("migrate", verbosity=0)
        began = time.perf_counter()
        fill(options.transfers)
        print(f"filled in {time.perf_counter() - began:.0f} s")
        measure()
        connections.close_all()


if __name__ == "__main__":
    main()
