"""The only writer of transfers and of the balances that lists read."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from django.db import connection
from django.db.models import Case, F, Q, Value, When

from paywell.core import clock
from paywell.core.db import lock
from paywell.core.errors import PaywellError
from paywell.core.ids import new_id
from paywell.core.money import Money
from paywell.core.prepared import Prepared
from paywell.ledger.models import (
    LISTED_KINDS,
    AccountBalance,
    AccountKind,
    Book,
    LedgerAccount,
    LineBalance,
    Transfer,
)

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
    """The invoice line that a posting concerns. The rest is needed only when it is first charged."""

    id: UUID
    on: date | None = None
    due_on: date | None = None
    subject_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Posting:
    """`money` (more than zero) moves from `credit` to `debit`."""

    debit: Side
    credit: Side
    money: Money
    line: Line | None = None
    reason: str = ""
    reverses: UUID | None = None


_POSTED = Prepared(
    lambda practice, source: Transfer.objects.filter(practice_id=practice, source=source).order_by("leg")
)
_LAST = Prepared(lambda book: Transfer.objects.filter(book_id=book).order_by("-seq").values_list("seq", "hash")[:1])
_BOOK = Prepared(lambda practice, owner: lock(Book.objects.filter(practice_id=practice, owner_id=owner)))


def post(
    *,
    practice_id: UUID,
    book_owner_id: UUID,
    source: str,
    postings: Sequence[Posting],
    actor_id: UUID | None,
    effective_on: date | None = None,
) -> list[Transfer]:
    """Write `postings` as the legs of `source`, once.

    `effective_on` is the day on which they count where it is not the day of writing: money that came in earlier.
    Posting the same source again with the same content returns what stands there and changes nothing; with
    other content it raises SourceConflict. Must run inside the caller's transaction; locks the book.
    """
    if not connection.in_atomic_block:
        raise PaywellError("The ledger is written inside the transaction of what it records.")
    if not postings or any(posting.money.minor <= 0 for posting in postings):
        raise ValueError("A posting moves more than zero.")
    book = _lock_book(practice_id, book_owner_id)
    accounts = _get_accounts(practice_id, postings)
    before = _POSTED(practice=practice_id, source=source)
    if before:
        return _same_or_conflict(before, postings, accounts)

    seq, prev_hash = _LAST.first(book=book.id) or (0, GENESIS)
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
            effective_on=effective_on,
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
    """SHA-256 over the previous hash and everything that the row says, as canonical JSON.

    The day on which it counts is part of it only where there is one: rows from before it keep their hash.
    """
    content = [
        row.prev_hash, str(row.id), str(row.practice_id), str(row.book_id), row.seq, row.source, row.leg,
        str(row.debit_id), str(row.credit_id), row.amount_minor, row.currency,
        str(row.line_id or ""), str(row.reverses_id or ""), row.at.isoformat(), str(row.actor_id or ""), row.reason,
        *([row.effective_on.isoformat()] if row.effective_on else []),
    ]  # fmt: skip
    return hashlib.sha256(json.dumps(content, separators=(",", ":")).encode()).hexdigest()


def _lock_book(practice_id: UUID, owner_id: UUID) -> Book:
    """The owner's book, held until the transaction ends; made where it is new."""
    found = _BOOK.first(practice=practice_id, owner=owner_id)
    if found is None:
        Book.objects.bulk_create([Book(practice_id=practice_id, owner_id=owner_id)], ignore_conflicts=True)
        found = lock(Book.objects.filter(practice_id=practice_id, owner_id=owner_id)).get()
    return found


def _get_accounts(practice_id: UUID, postings: Sequence[Posting]) -> dict[tuple[Side, str], LedgerAccount]:
    """The ledger accounts that the postings name, made where they are new. One query where none is."""
    wanted = {(side, p.money.currency) for p in postings for side in (p.debit, p.credit)}
    found = _find_accounts(practice_id, wanted)
    missing = sorted(wanted - found.keys(), key=str)
    if not missing:
        return found
    LedgerAccount.objects.bulk_create(
        [
            LedgerAccount(practice_id=practice_id, kind=side.kind, owner_id=side.owner_id, currency=currency)
            for side, currency in missing
        ],
        ignore_conflicts=True,
    )
    found = _find_accounts(practice_id, wanted)
    AccountBalance.objects.bulk_create(
        [
            AccountBalance(account=found[key], practice_id=practice_id)
            for key in missing
            if key[0].kind in LISTED_KINDS
        ],
        ignore_conflicts=True,
    )
    return found


def _find_accounts(
    practice_id: UUID, wanted: Collection[tuple[Side, str]]
) -> dict[tuple[Side, str], LedgerAccount]:
    named = Q()
    for side, currency in wanted:
        named |= Q(kind=side.kind, owner_id=side.owner_id, currency=currency)
    return {
        (Side(AccountKind(row.kind), row.owner_id), row.currency): row
        for row in LedgerAccount.objects.filter(named, practice_id=practice_id)
    }


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
    by_account: Counter[UUID] = Counter()
    by_line: Counter[UUID] = Counter()
    for row, posting in zip(rows, postings, strict=True):
        if posting.debit.kind in LISTED_KINDS:
            by_account[row.debit_id] += row.amount_minor
        if posting.credit.kind in LISTED_KINDS:
            by_account[row.credit_id] -= row.amount_minor
        if posting.line is not None:
            by_line[posting.line.id] += _receivable_change(posting)
    _begin_lines(practice_id, postings)
    if by_account:
        AccountBalance.objects.filter(account_id__in=by_account).update(
            balance_minor=F("balance_minor") + _by_key("account_id", by_account)
        )
    if by_line:
        LineBalance.objects.filter(line_id__in=by_line).update(
            balance_minor=F("balance_minor") + _by_key("line_id", by_line)
        )


def _begin_lines(practice_id: UUID, postings: Sequence[Posting]) -> None:
    """The rows of lines that are charged for the first time."""
    first = [
        LineBalance(
            line_id=posting.line.id,
            practice_id=practice_id,
            owner_id=posting.debit.owner_id,
            currency=posting.money.currency,
            on=posting.line.on,
            due_on=posting.line.due_on,
            subject_id=posting.line.subject_id,
            charged_minor=posting.money.minor,
        )
        for posting in postings
        if posting.line is not None and posting.line.on is not None
    ]
    if first:
        LineBalance.objects.bulk_create(first, ignore_conflicts=True)


def _by_key(field: str, changes: Mapping[UUID, int]) -> Case:
    """The change of each row, as one expression, so that many rows take one statement."""
    return Case(*(When(**{field: key}, then=Value(change)) for key, change in changes.items()), default=Value(0))


def _receivable_change(posting: Posting) -> int:
    """How a posting changes what is owed on its line: up when receivable is debited, down when credited."""
    change = 0
    if posting.debit.kind == AccountKind.RECEIVABLE:
        change += posting.money.minor
    if posting.credit.kind == AccountKind.RECEIVABLE:
        change -= posting.money.minor
    return change
