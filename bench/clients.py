"""`python -m bench.clients [--database sqlite|postgresql] [--only words]`: the desk's lists of few and of many.

100, 1,000 and 10,000 in one run, each page as a browser asks for it, through the whole of Django, in turns. What is
counted is processor time, ours and that of the database's own process, which other work disturbs less
than the clock. The ratio is what counts; what is searched for is found as often in all, but for a common name. A
list of 100 may not fill its page: then the ratio to 1,000, which does, tells how it grows.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from bench.__main__ import databases
from bench.practices import fill

SIZES, ROUNDS = (100, 1_000, 10_000), 5
#: By name, the address below /desk/; `{last}` is the last page, `{busiest}` the client with the most rows.
PAGES = {
    "clients": "clients/", "clients, last page": "clients/?page={last}", "by a name": "clients/?q=hollis+n0",
    "by a common name": "clients/?q=hollis", "by a phone": "clients/?q=3030000042",
    "owing": "clients/?show=owing", "overdue": "clients/?show=overdue",
    "not invited": "clients/?show=not_invited", "search": "search/?q=hollis+n0", "inbox": "",
    "services": "services/?show=all", "services, last page": "services/?show=all&page={last}",
    "not invoiced": "services/", "not invoiced, last page": "services/?page={half}",
    "services by a name": "services/?show=all&q=hollis+n0", "by name, not invoiced": "services/?q=hollis+n0",
    "payments": "payments/", "payments, last page": "payments/?page={last}",
    "payments by hand, last page": "payments/?method=hand&page={half}", "invoices": "invoices/?show=all",
    "invoices, last page": "invoices/?show=all&page={half}", "open invoices": "invoices/?show=open",
    "overdue invoices": "invoices/?show=overdue", "invoices by a word": "invoices/?show=all&q=INV-00043",
    "pay links": "pay-links/", "pay links, last page": "pay-links/?page={half}",
    "ledger of one": "clients/{busiest}/ledger/", "documents of one": "clients/{busiest}/documents/",
    "services of one": "clients/{busiest}/services/", "invoices of one": "clients/{busiest}/invoices/",
    "owed by clients": "reports/receivables/", "income": "reports/income/", "payments report": "reports/payments/",
    "credits": "reports/credits/", "card expiry": "reports/card-expiry/", "write-offs": "reports/write-offs/",
    "month's end": "reports/month-end/", "audit trail": "audit/", "clients as CSV, asked": "clients.csv",
    "payments as CSV, asked": "payments.csv",
}  # fmt: skip


def run(only: str) -> None:
    import django

    django.setup()
    from django.core.management import call_command
    from django.db import connection
    from django.test import Client as Browser

    from paywell.core.jobs import gather_statistics

    call_command("migrate", verbosity=0)
    call_command("collectstatic", interactive=False, verbosity=0)
    browsers: dict[int, Browser] = {}
    places: dict[int, dict[str, Any]] = {}
    for size in SIZES:
        filled = fill(size)
        browsers[size] = Browser(SERVER_NAME="localhost")
        browsers[size].force_login(filled.owner)
        places[size] = {"last": size // 25, "half": size // 50, "busiest": filled.busiest.id}
    backend = 0
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("ANALYZE")  # what autovacuum does
            cursor.execute("SELECT pg_backend_pid()")
            backend = cursor.fetchone()[0]
        else:
            gather_statistics.func()
    print(connection.vendor, "milliseconds of processor time (least), and those of the most to each of the others")
    for name, query in PAGES.items():
        if only and only not in name:
            continue
        took: dict[int, list[float]] = {size: [] for size in SIZES}
        for _ in range(ROUNDS):
            for size, browser in browsers.items():
                began = used(backend)
                answer = browser.get("/desk/" + query.format(**places[size]))
                took[size].append(used(backend) - began)
                assert answer.status_code in (200, 302), answer
        least = [min(took[size]) for size in SIZES]
        figures = "".join(f" {each:6.1f}" for each in least)
        ratios = "".join(f" {least[-1] / each:6.2f}" for each in least[:-1])
        print(f"  {name:28}{figures}  {ratios}", flush=True)


def used(backend: int) -> float:
    """Milliseconds of processor time that this process and the database's own one, if there is one, have used."""
    told = Path(f"/proc/{backend}/schedstat").read_text().split()[0] if backend else "0"
    return time.process_time() * 1000 + int(told) / 1_000_000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--database", choices=["sqlite", "postgresql"], default="sqlite")
    parser.add_argument("--only", default="", help="Pages whose name has these words.")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, databases(asked.database, Path(folder)) as (ours, _):
        os.environ |= {
            "PAYWELL_VAR": folder, "PAYWELL_DATABASE_URL": ours, "DJANGO_SETTINGS_MODULE": "bench.settings",
        }  # fmt: skip
        run(asked.only)


if __name__ == "__main__":
    sys.exit(main())
