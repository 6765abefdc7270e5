"""`python -m bench.clients [--database sqlite|postgresql]`: the desk's lists of 100 and 10,000 clients, in one run.

Each page as a browser asks for it, through the whole of Django, in turns; the ratio is what counts.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
import time
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from bench.__main__ import databases

SIZES, ROUNDS = (100, 10_000), 15
FIRST = ("Ada", "Bo", "Cleo", "Dara", "Eli", "Fay", "Gus", "Hana", "Ivo", "June")
LAST = ("Amsel", "Brook", "Carrow", "Dunmore", "Elster", "Fairley", "Gant", "Hollis", "Irving", "Jansen")
PAGES = {
    "first page": "clients/", "last page": "clients/?page={last}", "by a name": "clients/?q=hollis+77",
    "by a phone": "clients/?q=5550142", "owing": "clients/?show=owing", "overdue": "clients/?show=overdue",
    "not invited": "clients/?show=not_invited", "search": "search/?q=hollis+77", "inbox": "",
    "services": "services/?show=all", "not invoiced": "services/", "services by a name": "services/?q=hollis+77",
    "payments": "payments/", "last payments": "payments/?page={last}", "invoices": "invoices/",
    "owed by clients": "reports/receivables/",
}  # fmt: skip


def fill(size: int) -> Any:
    """A practice with `size` clients, each with a service and a payment by hand; a third owe something, half have
    somebody with access. Its owner."""
    from paywell.accounts.actions import create_staff_member, create_user
    from paywell.accounts.models import Role
    from paywell.billing.models import Entry, EntryKind
    from paywell.care.models import Service
    from paywell.clients.models import BillingAccount, Client, Contact, Grant
    from paywell.clients.search import rebuild
    from paywell.core import clock
    from paywell.core.ids import new_id
    from paywell.ledger.models import LineBalance
    from paywell.practice.actions import add_clinician, create_practice

    now, today = clock.now(), clock.now().date()
    practice = create_practice(name=f"Practice of {size}", actor_id=None)
    owner = create_user(email=f"owner{size}@example.org", actor_id=None)
    create_staff_member(practice=practice, user=owner, role=Role.OWNER, actor_id=None)
    accounts = [BillingAccount(practice=practice, name=f"A{n}", created_at=now) for n in range(size)]
    clients = [
        Client(
            practice=practice, legal_first_name=FIRST[n % 10], legal_last_name=f"{LAST[n // 10 % 10]} {n // 100}",
            email=f"client{n}@example.org", phone=f"+1303{n:07}", default_account=accounts[n], created_at=now,
        )
        for n in range(size)
    ]  # fmt: skip
    contacts = [Contact(practice=practice, name=f"C{n}", created_at=now) for n in range(size // 2)]
    grants = [
        Grant(
            practice=practice, contact=contact, client=client, account=client.default_account, role="self",
            valid_from=date(2026, 1, 1), created_at=now,
        )
        for contact, client in zip(contacts, clients, strict=False)
    ]  # fmt: skip
    lines = [
        LineBalance(
            line_id=new_id(), practice_id=practice.id, owner_id=accounts[n].id, subject_id=clients[n].id, on=today,
            currency="USD", due_on=today + timedelta(days=n % 60 - 30), charged_minor=14_000,
            balance_minor=14_000 if n % 3 == 0 else 0,
        )
        for n in range(size)
    ]  # fmt: skip
    clinician = add_clinician(practice=practice, name="Mara Feldt", actor_id=None)
    services = [
        Service(
            practice=practice, client=client, clinician=clinician, on=today - timedelta(days=n % 300),
            wording="Session", fee_minor=14_000, recorded_at=now,
        )
        for n, client in enumerate(clients)
    ]  # fmt: skip
    entries = [
        Entry(
            practice=practice, account=account, kind=EntryKind.PAYMENT, method="cash", amount_minor=14_000,
            currency="USD", on=today - timedelta(days=n % 300),
            at=now - timedelta(days=n % 300), recorded_at=now,
        )
        for n, account in enumerate(accounts)
    ]  # fmt: skip
    for rows in (accounts, clients, contacts, grants, lines, services, entries):
        type(rows[0]).objects.bulk_create(rows, batch_size=500)  # type: ignore[attr-defined]
    rebuild()
    return owner


def run() -> None:
    import django

    django.setup()
    from django.core.management import call_command
    from django.db import connection
    from django.test import Client as Browser

    call_command("migrate", verbosity=0)
    call_command("collectstatic", interactive=False, verbosity=0)
    browsers: dict[int, Browser] = {}
    for size in SIZES:
        browsers[size] = Browser(SERVER_NAME="localhost")
        browsers[size].force_login(fill(size))
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    print(connection.vendor, "milliseconds (median), and the ratio")
    for name, query in PAGES.items():
        took: dict[int, list[float]] = {size: [] for size in SIZES}
        for _ in range(ROUNDS):
            for size, browser in browsers.items():
                began = time.perf_counter()
                answer = browser.get("/desk/" + query.format(last=max(1, size // 25)))
                took[size].append((time.perf_counter() - began) * 1000)
                assert answer.status_code == 200, answer
        few, many = (statistics.median(took[size]) for size in SIZES)
        rows = answer.content.count(b"lead-cell")
        print(f"  {name:18} {few:6.1f} {many:6.1f}  {many / few:5.2f}   ({rows} rows shown)")


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
