"""Lists cost the same number of queries for a few clients and for hundreds."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from paywell.accounts.models import Role
from paywell.accounts.types import StaffViewer
from paywell.care.models import Service
from paywell.clients.models import BillingAccount, Client, Contact, Grant
from paywell.clients.search import rebuild
from paywell.core import clock
from paywell.core.ids import new_id
from paywell.desk.queries import accounts as desk_accounts
from paywell.desk.tests.factories import DAY, Desk, add_entry, add_service
from paywell.documents.models import IssuedClient, IssuedDocument
from paywell.invoicing.actions import issue_invoice
from paywell.ledger.models import LineBalance, Transfer
from paywell.payments.story import tell_account

LISTS = {
    "inbox": 26,  # one of them: the last invoices by rule
    "clients": 10,  # keys first, then their rows: one query more, and late pages cost what the first does
    "services": 9,
    "invoices": 9,
    "payments": 10,  # the same
    "audit": 14,
}
#: On PostgreSQL alone: the second wall taken down to find out where the person works, and put up again.
SCOPING = 2


def fill(desk: Any, count: int) -> None:
    """More clients, each with a person and a service, made in a few statements."""
    now = clock.now()
    accounts = [BillingAccount(practice=desk.practice, name=f"A{n}", created_at=now) for n in range(count)]
    clients = [
        Client(
            practice=desk.practice, legal_first_name=f"F{n}", legal_last_name=f"L{n:04}", created_at=now,
            default_account=account, clinician=desk.clinician,
        )
        for n, account in enumerate(accounts)
    ]  # fmt: skip
    contacts = [Contact(practice=desk.practice, name=f"C{n}", created_at=now) for n in range(count)]
    BillingAccount.objects.bulk_create(accounts)
    Client.objects.bulk_create(clients)
    Contact.objects.bulk_create(contacts)
    Grant.objects.bulk_create(
        Grant(
            practice=desk.practice, contact=contact, client=client, account=client.default_account, role="self",
            valid_from=date(2026, 1, 1), created_at=now,
        )
        for client, contact in zip(clients, contacts, strict=True)
    )  # fmt: skip
    Service.objects.bulk_create(
        Service(
            practice=desk.practice, client=client, clinician=desk.clinician, on=DAY - timedelta(days=n % 90),
            wording="Session", fee_minor=12_000, recorded_at=now,
        )
        for n, client in enumerate(clients)
    )  # fmt: skip


def count_queries(desk: Desk, role: Role, name: str) -> int:
    browser = desk.browser(role)
    with CaptureQueriesContext(
        connection,
    ) as found:
        assert browser.get(reverse(f"desk:{name}"), {"show": "all"}).status_code == 200
    scoping = [query["sql"] for query in found if "set_config" in query["sql"]]
    assert len(scoping) <= SCOPING, scoping
    return len(found) - len(scoping)


@pytest.mark.parametrize("role", [Role.OWNER, Role.CLINICIAN])
def test_lists_cost_the_same_for_5_and_for_500_clients(desk: Desk, role: Role) -> None:
    names = [name for name in LISTS if name != "audit" or role is Role.OWNER]
    fill(desk, 5)
    few = {name: count_queries(desk, role, name) for name in names}
    fill(desk, 495)
    assert {name: count_queries(desk, role, name) for name in names} == few
    assert {name: count for name, count in few.items() if count > LISTS[name]} == {}


def owe(desk: Desk) -> None:
    """An open line of every account's that has none."""
    known = LineBalance.objects.values("owner_id")
    LineBalance.objects.bulk_create(
        LineBalance(
            line_id=new_id(), practice_id=desk.practice.id, owner_id=account.id, currency="USD", on=DAY, due_on=DAY,
            charged_minor=500, balance_minor=500,
        )
        for account in BillingAccount.objects.filter(practice=desk.practice).exclude(id__in=known)
    )  # fmt: skip


@pytest.mark.parametrize("name", ["invoice_batch", "charge_batch", "statement_batch"])
def test_a_preview_of_many_accounts_takes_as_many_queries_as_one_of_a_few(desk: Desk, name: str) -> None:
    browser = desk.browser(Role.OWNER)
    asked = {"date_from": (DAY - timedelta(days=100)).isoformat(), "date_to": DAY.isoformat()}

    def count() -> int:
        owe(desk)
        with CaptureQueriesContext(connection) as found:
            answer = browser.get(reverse(f"desk:{name}"), asked)
        assert b"A4" in answer.content or name == "statement_batch"
        return len([query for query in found if "set_config" not in query["sql"]])

    fill(desk, 5)
    few = count()
    fill(desk, 45)
    assert count() == few


def step(desk: Desk, count: int) -> None:
    """As many invoices and payments on the client's account, in turns."""
    for n in range(count):
        service = add_service(desk.client, desk.clinician, desk.item, DAY - timedelta(days=40 + n))
        issue_invoice(
            practice=desk.practice, account=desk.client.default_account, services=[service], actor_id=None
        )
        add_entry(desk.client.default_account, minor=100 + n)


def issue(desk: Desk, count: int) -> None:
    """As many statements that tell of the client."""
    first, own = IssuedDocument.objects.count() + 1, {"practice": desk.practice}
    rows = IssuedDocument.objects.bulk_create(
        IssuedDocument(
            **own, kind="statement", number=9_000 + n, label=f"ST-{9_000 + n}", account=desk.client.default_account,
            data={}, digest="0" * 64, issued_on=DAY, issued_at=clock.now(),
        )
        for n in range(first, first + count)
    )  # fmt: skip
    IssuedClient.objects.bulk_create(IssuedClient(**own, document=row, client=desk.client) for row in rows)


def fill_and_index(desk: Desk, count: int) -> None:
    fill(desk, count)
    rebuild()


@pytest.mark.parametrize(
    ("name", "more", "asked"),
    [
        ("client_ledger", step, {}), ("client_documents", issue, {}), ("search", fill_and_index, {"q": "f"}),
        ("search", fill_and_index, {"q": "nobody"}),
    ],
)  # fmt: skip
def test_pages_of_one_client_and_searches_take_as_many_queries_for_few_rows_as_for_many(
    desk: Desk, name: str, more: Any, asked: dict[str, str]
) -> None:
    browser = desk.browser(Role.OWNER)
    address = reverse(f"desk:{name}", args=[desk.client.id] if name != "search" else [])

    def count() -> int:
        with CaptureQueriesContext(connection) as found:
            assert browser.get(address, asked).status_code == 200
        return len([query for query in found if "set_config" not in query["sql"]])

    more(desk, 3)
    few = count()
    more(desk, 12)
    assert count() == few


def test_a_page_of_the_ledger_tells_what_the_whole_book_does(desk: Desk, monkeypatch: Any) -> None:
    step(desk, 4)
    account = desk.client.default_account
    viewer = StaffViewer(new_id(), desk.practice, Role.OWNER, None)
    book = Transfer.objects.filter(practice_id=desk.practice.id, book__owner_id=account.id)
    expected, owed = [], 0
    for each in tell_account(desk.practice.id, book.select_related("debit", "credit").order_by("seq")):
        owed += each.owed.minor
        expected.append((each.source, each.owed.minor, owed))
    monkeypatch.setattr(desk_accounts, "LEDGER_PAGE", 3)
    pages = [desk_accounts.get_ledger(viewer, account, number) for number in range(1, len(expected) // 3 + 2)]
    told = [
        (row.step.source, row.step.owed.minor, row.owed_after.minor) for page in pages for row in page.page.rows
    ]
    assert told == expected[::-1]
    assert {page.owed.minor for page in pages} == {owed}
    assert pages[0].page.has_next
    assert not pages[-1].page.has_next
