"""Long lists of the desk: every row on one page, in order; a late page is found in an index; words that find."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from paywell.accounts.models import Role
from paywell.accounts.types import StaffViewer
from paywell.care import wordings
from paywell.care.models import Service
from paywell.care.wordings import list_wordings
from paywell.clients.actions import create_billing_account
from paywell.clients.models import BillingAccount, Client
from paywell.clients.search import rebuild
from paywell.core import clock
from paywell.core.ids import new_id
from paywell.desk.queries.invoices import list_invoices
from paywell.desk.queries.pay_links import list_link_rows
from paywell.desk.queries.services import list_services
from paywell.desk.tests.factories import DAY
from paywell.desk.tests.test_query_counts import fill
from paywell.invoicing.models import Invoice, InvoiceLine
from paywell.payments.models import PayLink
from paywell.practice.actions import add_clinician, create_practice
from paywell.practice.models import Clinician, Practice

LISTS: dict[str, Callable[..., Any]] = {
    "services": lambda viewer, page: list_services(viewer, page=page),
    "not invoiced": lambda viewer, page: list_services(viewer, show="uninvoiced", page=page),
    "invoices": lambda viewer, page: list_invoices(viewer, page=page),
    "pay links": list_link_rows,
}
KEYS: dict[str, Callable[[Any], Any]] = {
    "services": lambda row: (row.service.on, row.service.id),
    "not invoiced": lambda row: (row.service.on, row.service.id),
    "invoices": lambda row: (row.invoice.issued_on, row.invoice.number),
    "pay links": lambda row: (row.link.made_at, row.link.id),
}


@dataclass
class Bare:
    """A practice with nothing in it yet."""

    practice: Practice
    clinician: Clinician

    def viewer(self, role: Role) -> StaffViewer:
        return StaffViewer(new_id(), self.practice, role, self.clinician.id if role is Role.CLINICIAN else None)


@pytest.fixture
def bare(db: None) -> Any:
    practice = create_practice(name="Willow Creek", actor_id=None)
    return Bare(practice, add_clinician(practice=practice, name="Mara Feldt", actor_id=None))


def invoice(bare: Bare, count: int) -> None:
    """An invoice with a pay link for each of so many services, and half of each amount on it."""
    services = list(Service.objects.filter(practice=bare.practice, lines=None).select_related("client")[:count])
    own: dict[str, Any] = {"practice": bare.practice}
    now, first = clock.now(), Invoice.objects.count() + 1
    invoices = Invoice.objects.bulk_create(
        Invoice(
            **own, account_id=each.client.default_account_id, number=number, label=f"INV-{number:04}",
            issued_on=each.on, issued_at=now, due_on=each.on, total_minor=6_000, currency="USD", frozen={},
            digest="0" * 64,
        )
        for number, each in enumerate(services, start=first)
    )  # fmt: skip
    InvoiceLine.objects.bulk_create(
        InvoiceLine(
            **own, invoice=row, account_id=row.account_id, service=each, client=each.client, position=1, on=each.on,
            wording="Session", clinician_name="Mara Feldt", amount_minor=6_000, currency="USD",
        )
        for row, each in zip(invoices, services, strict=True)
    )  # fmt: skip
    PayLink.objects.bulk_create(
        PayLink(**own, invoice=row, made_at=now + timedelta(seconds=n % 7), expires_at=now + timedelta(days=9))
        for n, row in enumerate(invoices)
    )


@pytest.mark.parametrize("role", [Role.OWNER, Role.CLINICIAN])
@pytest.mark.parametrize("name", LISTS)
def test_every_row_stands_on_one_page_in_order(bare: Bare, name: str, role: Role) -> None:
    fill(bare, 60)
    invoice(bare, 60)
    viewer = bare.viewer(role)
    pages = [LISTS[name](viewer, number) for number in (1, 2, 3)]
    assert [(len(page.rows), page.has_next) for page in pages] == [(25, True), (25, True), (10, False)]
    keys = [KEYS[name](row) for page in pages for row in page.rows]
    assert keys == sorted(set(keys), reverse=True)
    assert LISTS[name](viewer, 4).rows == ()


@pytest.mark.parametrize("role", [Role.OWNER, Role.CLINICIAN])
@pytest.mark.parametrize("name", LISTS)
def test_the_last_page_of_many_takes_as_many_queries_as_a_few(bare: Bare, name: str, role: Role) -> None:
    def count(page: int) -> int:
        with CaptureQueriesContext(connection) as found:
            assert LISTS[name](bare.viewer(role), page).rows
        return len(found)

    fill(bare, 5)
    invoice(bare, 5)
    few = count(1)
    fill(bare, 40)
    invoice(bare, 40)
    assert (count(1), count(2)) == (few, few)


@pytest.mark.parametrize(
    ("name", "index"),
    [("services", "service_list"), ("not invoiced", "service_uninvoiced"), ("invoices", "invoice_list")],
)
def test_a_page_is_found_in_the_index_of_its_order(bare: Bare, name: str, index: str) -> None:
    fill(bare, 30)
    invoice(bare, 30)
    with CaptureQueriesContext(connection) as found:
        LISTS[name](bare.viewer(Role.OWNER), 2)
    page = next(query["sql"] for query in found if "LIMIT 26 OFFSET 25" in query["sql"])
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":  # few rows would be sorted sooner: does it have to?
            cursor.execute("SET LOCAL enable_sort = off; SET LOCAL enable_seqscan = off")
            cursor.execute("SET LOCAL enable_bitmapscan = off")
        cursor.execute(f"EXPLAIN {'QUERY PLAN ' if connection.vendor == 'sqlite' else ''}{page}")
        plan = "\n".join(str(row[-1]) for row in cursor.fetchall())
    assert index in plan, plan


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite counts no loops")
@pytest.mark.parametrize("name", LISTS)
def test_no_step_of_a_page_is_taken_more_often_than_there_are_rows(bare: Bare, name: str) -> None:
    fill(bare, 120)
    invoice(bare, 60)
    with CaptureQueriesContext(connection) as found:
        LISTS[name](bare.viewer(Role.CLINICIAN), 2)
    with connection.cursor() as cursor:
        # As on a database that has run for a while: without it the plan is a guess at how large the tables are.
        cursor.execute("ANALYZE")
        for query in found.captured_queries:
            cursor.execute(f"EXPLAIN (ANALYZE, TIMING OFF) {query['sql']}")
            plan = "\n".join(str(row[0]) for row in cursor.fetchall())
            assert max(map(int, re.findall(r"loops=(\d+)", plan))) <= 120, plan


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("ann", 1), ("ANN ste", 1), ("obrien", 1), ("o'brien", 1), ("session", 2), ("ann session", 1), ("h0004", 1),
        ("h000", 0), ("zoe ann", 0), ("?", 0), ("essio", 2),
    ],
)  # fmt: skip
def test_services_are_found_by_who_what_and_code(bare: Bare, words: str, found: int) -> None:
    for first, last, code in (("Ann", "Stern", "H0004"), ("Zoe", "O'Brien", "")):
        account = BillingAccount.objects.create(practice=bare.practice, name=last, created_at=clock.now())
        client = Client.objects.create(
            practice=bare.practice, legal_first_name=first, legal_last_name=last, default_account=account,
            created_at=clock.now(),
        )  # fmt: skip
        Service.objects.create(
            practice=bare.practice, client=client, clinician=bare.clinician, on=DAY, wording="Session", code=code,
            fee_minor=9_000, recorded_at=clock.now(),
        )  # fmt: skip
    rebuild()
    assert len(list_services(bare.viewer(Role.OWNER), words=words).rows) == found
    assert list_services(bare.viewer(Role.OWNER), words=words, show="voided").rows == ()
    assert list_services(bare.viewer(Role.CLINICIAN), words=words).rows == ()


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("INV-0001", 1), ("inv-0001", 1), ("0001", 1), ("1", 1), ("00", 2), ("INV", 2), ("INV 2", 1),
        ("2 stern", 1), ("stern", 1), ("ANN ste", 1), ("obrien", 1), ("o'brien 1", 1), ("ster 1", 0),
        ("tern", 0), ("?", 0), ("9" * 30, 0), ("\u00b2", 0), ("%", 0),
    ],
)  # fmt: skip
def test_invoices_are_found_by_label_number_and_account(bare: Bare, words: str, found: int) -> None:
    other = create_practice(name="Elsewhere", actor_id=None)
    names = (("Zoe", "O'Brien", bare.practice), ("Ann", "Stern", bare.practice), ("Ann", "Stern", other))
    for number, (first, last, practice) in enumerate(names):
        account = create_billing_account(practice=practice, name=f"{first} {last}", actor_id=None)
        Invoice.objects.create(
            practice=practice, account=account, number=number % 2 + 1, label=f"INV-{number % 2 + 1:04}",
            issued_on=DAY, issued_at=clock.now(), due_on=DAY, total_minor=9_000, currency="USD", frozen={},
            digest="0" * 64,
        )  # fmt: skip
    assert len(list_invoices(bare.viewer(Role.OWNER), words=words).rows) == found
    assert list_invoices(bare.viewer(Role.OWNER), words=words, show="void").rows == ()
    assert list_invoices(bare.viewer(Role.CLINICIAN), words=words).rows == ()


def test_more_wordings_than_are_listed_are_asked_of_the_services(
    bare: Bare, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(bare, 3)
    for number, service in enumerate(Service.objects.filter(practice=bare.practice).order_by("id")):
        service.wording = f"Evening {'abc'[number]}"
        service.save(update_fields=["wording"])
    known = list_wordings(bare.practice.id)
    assert (known.wordings, known.codes, known.is_whole) == (("Evening a", "Evening b", "Evening c"), ("",), True)
    monkeypatch.setattr(wordings, "MOST", 2)
    assert not list_wordings(bare.practice.id).is_whole
    rows = [
        list_services(bare.viewer(Role.OWNER), words=words).rows for words in ("evening", "evening c", "vening d")
    ]
    assert list(map(len, rows)) == [3, 1, 0]


def test_the_wordings_of_another_practice_are_not_told(bare: Bare) -> None:
    fill(bare, 1)
    assert list_wordings(create_practice(name="Elsewhere", actor_id=None).id).wordings == ()
