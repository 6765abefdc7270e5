"""`./run bench documents`: from row to bytes, and a batch of statements, beside nothing but Typst.

What is bare: the template compiled with the data it gets, which were made before. Both take turns in the same run,
so that a noisy minute hits both. Typst remembers what it laid out, so no document is made twice: the bare ones are
of other clients. Names, birth dates, streets, days, fees and wordings differ, as they do within one practice.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import random
import resource
import statistics
import tempfile
import time
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

FIRST_NAMES = ("Ada", "Ben", "Cleo", "Dora", "Emil", "Finn", "Gwen", "Hugo", "Ines", "Jon")
STREETS = ("Long Street", "Birch Lane", "Alder Avenue", "Mill Road", "Station Square")
WORDINGS = (
    "Individual session, 50 minutes",
    "Individual session, 80 minutes",
    "Couple session",
    "First consultation",
)


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="./run bench documents")
    parser.add_argument("--statements", type=int, default=1_000, help="Accounts in the batch.")
    parser.add_argument("--documents", type=int, default=60, help="Single documents of each kind.")
    parser.add_argument("--turns", type=int, default=1, help="How often the batch is made, as ZIP and as one PDF.")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="pw-bench-", dir="/tmp") as folder:
        os.environ |= {
            "PAYWELL_VAR": folder, "PAYWELL_SECRET_KEY": "b" * 64, "PAYWELL_DATABASE_URL": "",
            "DJANGO_SETTINGS_MODULE": "bench.settings",
        }  # fmt: skip
        (Path(folder) / "cache").mkdir()
        import django

        django.setup()
        from django.core.management import call_command

        call_command("migrate", verbosity=0)
        run(options.statements, options.documents, options.turns)


def run(statements: int, documents: int, turns: int) -> None:
    from paywell.practice.actions import add_clinician, create_practice

    practice = create_practice(
        name="Bench Practice", street="1 Bench St", city="Denver", state="CO", postal_code="80202",
        phone="303-555-0100", tax_id="93-1234567", actor_id=None,
    )  # fmt: skip
    clinician = add_clinician(practice=practice, name="Robin Bench", credentials="LCSW", actor_id=None)
    print(f"Seeding {statements:,} accounts ...", flush=True)
    for number in range(statements):
        make_account(practice, clinician, number, 3)
    single = [make_account(practice, clinician, 5_000 + number, 3) for number in range(2 * documents)]
    long = [make_account(practice, clinician, 10_000 + number, 96) for number in range(2 * min(documents, 20))]
    superbill = measure_superbills(practice, single)
    measure_statements(practice, long)
    in_zip, in_one = measure_batch(practice, turns)
    print(
        f"p50: a superbill {superbill:.1f} ms (aim: 10); 1,000 statements as ZIP {in_zip:.1f} s (aim: 30),"
        f" as one PDF {in_one:.1f} s (aim: 30)",
        flush=True,
    )


def make_account(practice: Any, clinician: Any, number: int, services: int) -> Any:
    """A client who pays for themselves, with some invoiced services."""
    from paywell.care.actions import add_diagnosis
    from paywell.care.models import Service, ServiceDiagnosis
    from paywell.clients.actions import create_client
    from paywell.core import clock
    from paywell.invoicing.actions import issue_invoice

    chance = random.Random(number)  # the same in each run
    today = clock.now().date() - timedelta(days=chance.randrange(3))
    client = create_client(
        practice=practice, legal_first_name=chance.choice(FIRST_NAMES), legal_last_name=f"Number {number}",
        birth_date=date(1950, 1, 1) + timedelta(days=chance.randrange(20_000)), actor_id=None,
        street=f"{number} {chance.choice(STREETS)}", city="Denver", state="CO",
        postal_code=f"802{chance.randrange(10, 80)}",
    )  # fmt: skip
    diagnosis = add_diagnosis(
        practice=practice, client=client, code="F41.1", diagnosed_on=today - timedelta(days=400), actor_id=None
    )
    rows = Service.objects.bulk_create(
        Service(
            practice=practice, client=client, clinician=clinician, on=today - timedelta(days=each * 3 + 1),
            code="IND50", wording=chance.choice(WORDINGS), fee_minor=chance.randrange(8_000, 26_000, 500),
            recorded_at=clock.now(),
        )
        for each in range(services)
    )  # fmt: skip
    ServiceDiagnosis.objects.bulk_create(
        ServiceDiagnosis(practice=practice, service=row, diagnosis=diagnosis, position=1) for row in rows
    )
    issue_invoice(practice=practice, account=client.default_account, services=rows, actor_id=None)
    return client.default_account


def compile_bare(document: Any) -> Callable[[], bytes]:
    """The template with the data that it gets, made now; what is called later is Typst alone."""
    from paywell.core import clock
    from paywell.documents.pdf import STANDARDS, _compiler, _dump, main_file
    from paywell.documents.present import present

    main = main_file(document.kind, _dump(present(document)))
    compiler = _compiler(document.letterhead.logo)
    at = clock.now().replace(microsecond=0)
    return lambda: compiler.compile(main, format="pdf", pdf_standards=STANDARDS, timestamp=at)  # type: ignore[return-value]


def take_turns(name: str, ours: list[Callable[[], Any]], bare: list[Callable[[], Any]], aim: str) -> float:
    """Print both, and give the median of ours, in ms by the clock."""
    times: tuple[list[float], list[float]] = ([], [])
    used: tuple[list[float], list[float]] = ([], [])
    ours[0](), bare[0]()  # warm: the compiler, the fonts
    for pair in zip(ours[1:], bare[1:], strict=True):
        for act, found, spent in zip(pair, times, used, strict=True):
            began, cpu = time.perf_counter(), time.process_time()
            act()
            spent.append((time.process_time() - cpu) * 1000)
            found.append((time.perf_counter() - began) * 1000)
    told = [
        f"{label} p50 {statistics.median(found):6.1f} ms  p95 {statistics.quantiles(found, n=20)[-1]:6.1f} ms"
        f"  processor p50 {statistics.median(spent):6.1f} ms"
        for label, found, spent in zip(("row to bytes", "Typst alone"), times, used, strict=True)
    ]
    ratio = statistics.median(times[0]) / statistics.median(times[1])
    print(f"{name:24} {told[0]}   {told[1]}   x {ratio:.2f}   {aim}", flush=True)
    return statistics.median(times[0])


def measure_superbills(practice: Any, accounts: list[Any]) -> float:
    from paywell.care.models import Service
    from paywell.documents.pdf import render
    from paywell.documents.superbills import draft_superbills, get_services

    ids = [
        list(Service.objects.filter(client__default_account=each).values_list("id", flat=True)) for each in accounts
    ]
    wanted = list(zip(ids, accounts, strict=True))

    def build(service_ids: list[Any], account: Any) -> Any:
        return draft_superbills(practice, get_services(practice, service_ids), account)[0].document

    return take_turns(
        "superbill, 3 lines",
        [lambda one=one: render(build(*one)) for one in wanted[::2]],  # type: ignore[misc]
        [compile_bare(build(*one)) for one in wanted[1::2]],
        "aim: 10 ms",
    )


def measure_statements(practice: Any, accounts: list[Any]) -> None:
    from paywell.core import clock
    from paywell.documents.frozen import load
    from paywell.documents.pdf import render
    from paywell.documents.queries import load_issued
    from paywell.documents.statements import issue_statement

    last = clock.business_date(clock.now(), practice.timezone)
    first = last.replace(day=1)

    def ours(account: Any) -> bytes:
        row = issue_statement(practice=practice, account=account, date_from=first, date_to=last, actor_id=None)
        return render(load_issued(row))

    drafts = [
        issue_statement(
            practice=practice, account=each, date_from=first - timedelta(days=1), date_to=last, actor_id=None
        )
        for each in accounts[1::2]
    ]  # fmt: skip
    take_turns(
        "statement, 96 lines",
        [lambda one=one: ours(one) for one in accounts[::2]],  # type: ignore[misc]
        [compile_bare(load(row.data)) for row in drafts],
        "with its number taken and its data frozen",
    )


def cpu_seconds() -> float:
    """Of this process and of those that it has ended: what other work on the machine does not stretch much."""
    while multiprocessing.active_children():
        time.sleep(0.05)
    return sum(
        used.ru_utime + used.ru_stime
        for used in map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    )


def measure_batch(practice: Any, turns: int) -> tuple[float, float]:
    """The ZIP and the one PDF in turns, and the rendering alone of what the last one issued.

    Gives the median seconds of both for each 1,000 statements.
    """
    from paywell.accounts.actions import create_staff_member
    from paywell.accounts.models import Role, User
    from paywell.accounts.types import StaffViewer
    from paywell.core import clock
    from paywell.documents.batches import Output, Which, request_statements
    from paywell.documents.models import IssuedDocument
    from paywell.documents.pool import PROCESSES, close_pool, render_many
    from paywell.work.models import Work
    from paywell.work.runner import serve_due

    user = User.objects.create_user("biller@example.org", None)
    create_staff_member(practice=practice, user=user, role=Role.OWNER, actor_id=None)
    last = clock.business_date(clock.now(), practice.timezone)
    viewer = StaffViewer(user.id, practice, Role.OWNER)
    whole: dict[Any, list[float]] = {Output.ZIP: [], Output.ONE: []}
    alone: list[float] = []
    for turn in range(turns):  # other days each time, so that every statement is a new one
        for place, output in enumerate(whole):
            days = {"date_from": last - timedelta(days=30 + 2 * turn + place), "date_to": last}
            work = request_statements(viewer, which=Which.OWING, output=output, key=f"{output}{turn}", **days)
            began, used = time.perf_counter(), cpu_seconds()
            while serve_due():
                pass
            whole[output].append(time.perf_counter() - began)
            used = cpu_seconds() - used
            work = Work.objects.get(pk=work.pk)
            print(
                f"batch of {work.done:,} statements, {output.label}: {whole[output][-1]:.1f} s"
                f" ({work.failed} failed; {used:.1f} s of processor time)   aim: 1,000 in 30 s",
                flush=True,
            )
        rows = [row.data for row in IssuedDocument.objects.filter(kind="statement", period_from=days["date_from"])]
        began = time.perf_counter()
        made = sum(1 for _ in render_many(rows, in_processes=True))
        alone.append(time.perf_counter() - began)
        close_pool()
    took = {output: statistics.median(found) for output, found in whole.items()}
    print(
        f"median of {turns}: ZIP {took[Output.ZIP]:.1f} s, one PDF {took[Output.ONE]:.1f} s"
        f" (x {took[Output.ONE] / took[Output.ZIP]:.2f});   rendering {made:,} alone with {PROCESSES} processes"
        f" {statistics.median(alone):.1f} s (x {took[Output.ZIP] / statistics.median(alone):.2f})",
        flush=True,
    )
    return 1_000 * took[Output.ZIP] / made, 1_000 * took[Output.ONE] / made
