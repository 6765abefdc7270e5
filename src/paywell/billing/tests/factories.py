"""An account with invoiced services, somebody at the desk, and forms for entries."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from paywell.accounts.models import Role
from paywell.accounts.tests.factories import make_user
from paywell.accounts.types import StaffViewer
from paywell.billing.entries import EntryForm
from paywell.billing.models import EntryKind, Method
from paywell.care.models import Service
from paywell.clients.models import BillingAccount, Client
from paywell.core.ids import new_id
from paywell.core.money import Money
from paywell.invoicing.actions import issue_invoice
from paywell.invoicing.models import InvoiceLine
from paywell.invoicing.tests.factories import make_client, make_practice, make_service
from paywell.ledger.queries import get_line_balances
from paywell.practice.models import Practice

_WITH_METHOD = (EntryKind.PAYMENT, EntryKind.CREDIT_OUT, EntryKind.INSURER_PAYMENT)


@dataclass
class Billed:
    """One client whose services of 120, 60 and 30 dollars are invoiced, oldest first."""

    practice: Practice
    account: BillingAccount
    client: Client
    services: list[Service]
    lines: list[InvoiceLine]
    staff: StaffViewer

    def owed(self) -> list[int]:
        """What is owed on each line, in minor units, from the transfers."""
        balances = get_line_balances(practice_id=self.practice.id, line_ids=[line.id for line in self.lines])
        return [balances[line.id] for line in self.lines]

    def as_role(self, role: Role) -> StaffViewer:
        return StaffViewer(self.staff.id, self.practice, role)


def make_billed(fees: Sequence[int] = (12_000, 6_000, 3_000), **service: Any) -> Billed:
    practice = make_practice()
    client = make_client(practice)
    services = [make_service(client, date(2026, 11, 3 + number), fee, **service) for number, fee in enumerate(fees)]
    account = client.default_account
    invoice = issue_invoice(practice=practice, account=account, services=services, actor_id=None)
    lines = list(invoice.lines.order_by("on", "id"))
    staff = StaffViewer(make_user().id, practice, Role.BILLER)
    return Billed(practice, account, client, services, lines, staff)


def form(kind: EntryKind, minor: int, *lines: InvoiceLine, **values: Any) -> EntryForm:
    if kind in _WITH_METHOD:
        values.setdefault("method", Method.CHECK)
    if kind is not EntryKind.PAYMENT:
        values.setdefault("reason", "Agreed by phone")
    return EntryForm(
        entry_id=values.pop("entry_id", None) or new_id(),
        kind=kind,
        amount=Money(minor),
        line_ids=tuple(line.id for line in lines),
        **values,
    )
