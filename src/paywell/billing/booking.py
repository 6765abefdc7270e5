"""What the ledger gets of an entry: from where to where each kind moves money, and how it is undone."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from paywell.billing.models import Entry, EntryKind
from paywell.core.money import Money
from paywell.ledger.actions import Line, Posting, Side, post
from paywell.ledger.models import AccountKind, Transfer

#: For kinds that lower what is owed: the account that is debited.
_DEBITED = {
    EntryKind.PAYMENT: AccountKind.CASH,
    EntryKind.CREDIT_USED: AccountKind.CLIENT_CREDIT,
    EntryKind.ADJUSTMENT: AccountKind.ADJUSTMENT,
    EntryKind.WRITE_OFF: AccountKind.WRITE_OFF,
}


def book_entry(entry: Entry, shares: Sequence[tuple[UUID, Money]]) -> None:
    """Post the entry, once, to count on its own day. `shares` are the invoice lines with their parts; of a payment,
    what no line takes becomes client credit."""
    post(
        practice_id=entry.practice_id,
        book_owner_id=entry.account_id,
        source=f"entry:{entry.id}",
        postings=_postings(entry, shares),
        actor_id=entry.actor_id,
        effective_on=entry.on,
    )


def book_reverse(entry: Entry, reason: str, actor_id: UUID) -> None:
    """Undo every transfer of the entry by one in the other direction, which counts on the day it is made."""
    post(
        practice_id=entry.practice_id,
        book_owner_id=entry.account_id,
        source=f"entry_reversed:{entry.id}",
        postings=[
            Posting(
                Side(AccountKind(row.credit.kind), row.credit.owner_id),
                Side(AccountKind(row.debit.kind), row.debit.owner_id),
                Money(row.amount_minor, row.currency),
                Line(row.line_id) if row.line_id else None,
                reason=reason,
                reverses=row.id,
            )
            for row in get_transfers(entry)
        ],
        actor_id=actor_id,
    )


def get_transfers(entry: Entry) -> list[Transfer]:
    rows = Transfer.objects.filter(practice_id=entry.practice_id, source=f"entry:{entry.id}")
    return list(rows.select_related("debit", "credit").order_by("leg"))


def _postings(entry: Entry, shares: Sequence[tuple[UUID, Money]]) -> list[Posting]:
    kind = EntryKind(entry.kind)
    money = Money(entry.amount_minor, entry.currency)
    receivable = Side(AccountKind.RECEIVABLE, entry.account_id)
    credit = Side(AccountKind.CLIENT_CREDIT, entry.account_id)
    cash, income = Side(AccountKind.CASH, entry.practice_id), Side(AccountKind.INCOME, entry.practice_id)
    reason = entry.reason
    if kind is EntryKind.CREDIT_OUT:
        return [Posting(credit, cash, money, reason=reason)]
    if kind is EntryKind.INSURER_TO_CLIENT:
        return [Posting(receivable, income, part, Line(line_id), reason=reason) for line_id, part in shares]
    if kind in (EntryKind.INSURER_PAYMENT, EntryKind.INSURER_ADJUSTMENT):
        # Earned and settled at once: before its answer, nobody knows what an insurer will pay.
        insurer = Side(AccountKind.INSURER, entry.practice_id)
        settled = cash if kind is EntryKind.INSURER_PAYMENT else Side(AccountKind.ADJUSTMENT, entry.practice_id)
        return [Posting(insurer, income, money, reason=reason), Posting(settled, insurer, money, reason=reason)]
    owner = entry.account_id if kind is EntryKind.CREDIT_USED else entry.practice_id
    debited = Side(_DEBITED[kind], owner)
    postings = [Posting(debited, receivable, part, Line(line_id), reason=reason) for line_id, part in shares]
    surplus = money - sum((part for _, part in shares), Money(0, entry.currency))
    if surplus:
        postings.append(Posting(debited, credit, surplus, reason=reason))
    return postings
