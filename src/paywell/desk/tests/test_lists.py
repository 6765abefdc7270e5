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
from paywell.care.models import Service
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


@pytest.mark.parametrize(("name", "index"), [("services", "service_list"), ("invoices", "invoice_list")])
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
