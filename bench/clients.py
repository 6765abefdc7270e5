"""`python -m bench.clients [--database sqlite|postgresql] [--only words]`: the desk's lists of few and of many.

100 and 10,000 in one run, each page as a browser asks for it, through the whole of Django, in turns. The ratio is
what counts; what is searched for is found as often in both.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from bench.__main__ import databases
from bench.practices import fill

SIZES, ROUNDS = (100, 10_000), 5
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

    call_command("migrate", verbosity=0)
    call_command("collectstatic", interactive=False, verbosity=0)
    browsers: dict[int, Browser] = {}
    places: dict[int, dict[str, Any]] = {}
    for size in SIZES:
        filled = fill(size)
        browsers[size] = Browser(SERVER_NAME="localhost")
        browsers[size].force_login(filled.owner)
        places[size] = {"last": size // 25, "half": size // 50, "busiest": filled.busiest.id}
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    print(connection.vendor, "milliseconds (median), and the ratio")
    for name, query in PAGES.items():
        if only and only not in name:
            continue
        took: dict[int, list[float]] = {size: [] for size in SIZES}
        for _ in range(ROUNDS):
            for size, browser in browsers.items():
                began = time.perf_counter()
                answer = browser.get("/desk/" + query.format(**places[size]))
                took[size].append((time.perf_counter() - began) * 1000)
                assert answer.status_code in (200, 302), answer
        few, many = (statistics.median(took[size]) for size in SIZES)
        print(f"  {name:28} {few:6.1f} {many:6.1f}  {many / few:5.2f}", flush=True)


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
