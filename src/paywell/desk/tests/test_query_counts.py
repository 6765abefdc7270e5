"""Lists cost the same number of queries for a few clients and for hundreds."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from paywell.accounts.models import Role
from paywell.care.models import Service
from paywell.clients.models import BillingAccount, Client, Contact, Grant
from paywell.core import clock
from paywell.core.ids import new_id
from paywell.desk.tests.factories import DAY, Desk
from paywell.ledger.models import LineBalance

LISTS = {
    "inbox": 24,  # one of them: the last invoices by rule
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
