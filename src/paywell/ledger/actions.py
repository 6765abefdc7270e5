"""The only writer of transfers and of the balances that lists read."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from django.db.models import F

from paywell.core import clock
from paywell.core.db import in_transaction, lock
from paywell.core.errors import PaywellError
from paywell.core.ids import new_id
from paywell.core.money import Money
from paywell.ledger.models import AccountBalance, AccountKind, Book, LedgerAccount, LineBalance, Transfer

GENESIS = "0" * 64


class SourceConflict(PaywellError):
    """The same source was posted before with other content. Never overwritten: somebody has to look."""


@dataclass(frozen=True, slots=True)
class Side:
    """One end of a posting: which account of which owner."""

    kind: AccountKind
    owner_id: UUID


@dataclass(frozen=True, slots=True)
class Line:
    """The invoice line that a posting concerns. `on` and `due_on` are needed only when it is first charged."""

    id: UUID
    on: date | None = None
    due_on: date | None = None


@dataclass(frozen=True, slots=True)
class Posting:
    """`money` (more than zero) moves from `credit` to `debit`."""

    debit: Side
    credit: Side
    money: Money
    line: Line | None = None
    reason: str = ""
    reverses: UUID | None = None


def post(
    *,
    practice_id: UUID,
    book_owner_id: UUID,
    source: str,
    postings: Sequence[Posting],
    actor_id: UUID | None,
) -> list[Transfer]:
    """Write `postings` as the legs of `source`, once.

    Posting the same source again with the same content returns what stands there and changes nothing; with
    other content it raises SourceConflict. Must run inside the caller's transaction; locks the book.
    """
    if not in_transaction() and not _in_test_transaction():
        raise PaywellError("The ledger is written inside the transaction of what it records.")
    if not postings or any(posting.money.minor <= 0 for posting in postings):
        raise ValueError("A posting moves more than zero.")
    book, _ = Book.objects.get_or_create(practice_id=practice_id, owner_id=book_owner_id)
    book = lock(Book.objects.filter(pk=book.pk)).get()
    accounts = _accounts(practice_id, postings)
    before = list(
        Transfer.objects.filter(practice_id=practice_id, source=source)
        .order_by("leg")
        .select_related("debit", "credit")
    )
    if before:
        return _same_or_conflict(before, postings, accounts)

    last = Transfer.objects.filter(book=book).order_by("-seq").values("seq", "hash").first()
    seq, prev_hash = (last["seq"], last["hash"]) if last else (0, GENESIS)
    at = clock.now()
    rows = []
    for leg, posting in enumerate(postings):
        seq += 1
        row = Transfer(
            id=new_id(),
            practice_id=practice_id,
            book=book,
            seq=seq,
            source=source,
            leg=leg,
            debit=accounts[posting.debit, posting.money.currency],
            credit=accounts[posting.credit, posting.money.currency],
            amount_minor=posting.money.minor,
            currency=posting.money.currency,
            line_id=posting.line.id if posting.line else None,
            reverses_id=posting.reverses,
            at=at,
            actor_id=actor_id,
            reason=posting.reason[:200],
            prev_hash=prev_hash,
        )
        row.hash = prev_hash = transfer_hash(row)
        rows.append(row)
    Transfer.objects.bulk_create(rows)
    _move_balances(practice_id, rows, postings)
    return rows


def transfer_hash(row: Transfer) -> str:
    """SHA-256 over the previous hash and everything that the row says, as canonical JSON."""
    content = [
        row.prev_hash, str(row.id), str(row.practice_id), str(row.book_id), row.seq, row.source, row.leg,
        str(row.debit_id), str(row.credit_id), row.amount_minor, row.currency,
        str(row.line_id or ""), str(row.reverses_id or ""), row.at.isoformat(), str(row.actor_id or ""), row.reason,
    ]  # fmt: skip
    return hashlib.sha256(json.dumps(content, separators=(",", ":")).encode()).hexdigest()


def _accounts(practice_id: UUID, postings: Sequence[Posting]) -> dict[tuple[Side, str], LedgerAccount]:
    """The ledger accounts that the postings name, made where they are new."""
    wanted = {(side, p.money.currency) for p in postings for side in (p.debit, p.credit)}
    owners = {side.owner_id for side, _ in wanted}
    found = {
        (Side(AccountKind(row.kind), row.owner_id), row.currency): row
        for row in LedgerAccount.objects.filter(practice_id=practice_id, owner_id__in=owners)
    }
    for side, currency in sorted(wanted - found.keys(), key=str):
        row, created = LedgerAccount.objects.get_or_create(
            practice_id=practice_id, kind=side.kind, owner_id=side.owner_id, currency=currency
        )
        AccountBalance.objects.get_or_create(account=row, defaults={"practice_id": practice_id})
        found[side, currency] = row
    return found


def _same_or_conflict(
    before: list[Transfer],
    postings: Sequence[Posting],
    accounts: dict[tuple[Side, str], LedgerAccount],
) -> list[Transfer]:
    stands = [(t.debit_id, t.credit_id, t.amount_minor, t.currency, t.line_id) for t in before]
    asked = [
        (
            accounts[p.debit, p.money.currency].id,
            accounts[p.credit, p.money.currency].id,
            p.money.minor,
            p.money.currency,
            p.line.id if p.line else None,
        )
        for p in postings
    ]
    if stands != asked:
        raise SourceConflict(f"{before[0].source} was posted before with other content.")
    return before


def _move_balances(practice_id: UUID, rows: Sequence[Transfer], postings: Sequence[Posting]) -> None:
    """Carry the sums that lists read. They decide nothing and can be rebuilt from the transfers."""
    by_account: dict[UUID, int] = {}
    by_line: dict[UUID, int] = {}
    for row, posting in zip(rows, postings, strict=True):
        by_account[row.debit_id] = by_account.get(row.debit_id, 0) + row.amount_minor
        by_account[row.credit_id] = by_account.get(row.credit_id, 0) - row.amount_minor
        if posting.line is None:
            continue
        change = _receivable_change(posting)
        by_line[posting.line.id] = by_line.get(posting.line.id, 0) + change
        if posting.line.on is not None:
            LineBalance.objects.get_or_create(
                line_id=posting.line.id,
                defaults={
                    "practice_id": practice_id,
                    "owner_id": posting.debit.owner_id,
                    "currency": posting.money.currency,
                    "on": posting.line.on,
                    "due_on": posting.line.due_on,
                    "charged_minor": posting.money.minor,
                },
            )
    for account_id, change in sorted(by_account.items()):
        AccountBalance.objects.filter(account_id=account_id).update(balance_minor=F("balance_minor") + change)
    for line_id, change in sorted(by_line.items()):
        LineBalance.objects.filter(line_id=line_id).update(balance_minor=F("balance_minor") + change)


def _receivable_change(posting: Posting) -> int:
    """How a posting changes what is owed on its line: up when receivable is debited, down when credited."""
    change = 0
    if posting.debit.kind == AccountKind.RECEIVABLE:
        change += posting.money.minor
    if posting.credit.kind == AccountKind.RECEIVABLE:
        change -= posting.money.minor
    return change


def _in_test_transaction() -> bool:
    from django.db import connection

    return connection.in_atomic_block
