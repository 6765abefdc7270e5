"""What tests ask of the books: short questions about one world."""

from __future__ import annotations

from paywell.invoicing.models import InvoiceLine
from paywell.ledger.models import AccountKind
from paywell.ledger.queries import get_account_balance, get_line_balances
from paywell.payments.tests.factories import World


def owed(line: InvoiceLine) -> int:
    return get_line_balances(practice_id=line.practice_id, line_ids=[line.id])[line.id]


def balance(world: World, kind: AccountKind) -> int:
    owners = {
        AccountKind.RECEIVABLE: world.account.id,
        AccountKind.CLIENT_CREDIT: world.account.id,
        AccountKind.CLEARING: world.processor_account.id,
        AccountKind.DISPUTES: world.processor_account.id,
    }
    owner_id = owners.get(kind, world.practice.id)
    return get_account_balance(practice_id=world.practice.id, kind=kind, owner_id=owner_id, currency="USD")
