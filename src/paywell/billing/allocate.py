"""Which invoice lines an amount goes to: those that were chosen, or all that are open; the oldest first."""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

from paywell.billing import errors
from paywell.clients.models import BillingAccount
from paywell.core.errors import NotFoundForViewer
from paywell.core.money import Money
from paywell.invoicing import holds
from paywell.invoicing.models import InvoiceLine
from paywell.ledger.queries import get_line_balances, get_open_lines

Shares = list[tuple[UUID, Money]]


def allocate(account: BillingAccount, money: Money, line_ids: Collection[UUID]) -> tuple[Shares, Money]:
    """The lines with their parts, and what is left over. Inside a transaction that holds the account.

    Without `line_ids` every open line of the account. Each gets at most what is owed on it. Raises UserError
    `being_paid` for a line that an online payment holds, `voided`; NotFoundForViewer for another account's line.
    """
    lines = _get_lines(account, line_ids)
    owed = get_line_balances(practice_id=account.practice_id, line_ids=[line.id for line in lines])
    shares: Shares = []
    left = money.minor
    for line in lines:
        part = min(owed.get(line.id, 0), left)
        if part > 0:
            shares.append((line.id, Money(part, money.currency)))
            left -= part
    if holds.any_held([line_id for line_id, _ in shares]):
        raise errors.being_paid()
    return shares, Money(left, money.currency)


def _get_lines(account: BillingAccount, line_ids: Collection[UUID]) -> list[InvoiceLine]:
    wanted = set(line_ids)
    if not wanted:
        opened = get_open_lines(practice_id=account.practice_id, owner_id=account.id)
        wanted = set(opened.values_list("line_id", flat=True))
        line_ids = ()
    rows = list(
        InvoiceLine.objects.filter(practice_id=account.practice_id, account=account, id__in=wanted).order_by(
            "on", "id"
        )
    )
    if line_ids and len(rows) != len(wanted):
        raise NotFoundForViewer
    if any(line.voided_at for line in rows):
        raise errors.voided()
    return rows
