"""Sums over transfers. These decide; the rebuildable balances only fill lists."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final
from uuid import UUID

from django.db.models import Case, F, Q, QuerySet, Sum, Value, When
from django.db.models.functions import Coalesce

from paywell.core.prepared import Prepared
from paywell.ledger.models import (
    LISTED_KINDS,
    AccountBalance,
    AccountKind,
    LedgerAccount,
    LineBalance,
    Transfer,
)

_SIDES: Final = ("debit", "credit")
_LINE_BALANCES = Prepared(
    lambda practice, lines: (
        Transfer.objects.filter(practice_id=practice, line_id__in=lines)
        .values("line_id")
        .annotate(
            owed=Sum(
                Case(
                    When(debit__kind=AccountKind.RECEIVABLE, then=F("amount_minor")),
                    When(credit__kind=AccountKind.RECEIVABLE, then=-F("amount_minor")),
                    default=Value(0),
                )
            )
        )
    )
)


def get_line_balances(*, practice_id: UUID, line_ids: Collection[UUID]) -> dict[UUID, int]:
    """What is owed on each line, in minor units, summed from the transfers. Lines never charged are absent."""
    rows = _LINE_BALANCES(practice=practice_id, lines=list(line_ids))
    return {row["line_id"]: row["owed"] for row in rows if row["line_id"] is not None}


def get_account_balance(*, practice_id: UUID, kind: AccountKind, owner_id: UUID, currency: str) -> int:
    """Debits less credits of one ledger account, summed from the transfers; 0 where there is none yet."""
    account = LedgerAccount.objects.filter(
        practice_id=practice_id, kind=kind, owner_id=owner_id, currency=currency
    ).first()
    if account is None:
        return 0
    debits = account.debits.aggregate(total=Coalesce(Sum("amount_minor"), 0))["total"]
    credits = account.credits.aggregate(total=Coalesce(Sum("amount_minor"), 0))["total"]
    return debits - credits


def book_of(*, practice_id: UUID, owner_id: UUID, currency: str) -> QuerySet[Transfer]:
    """The transfers of one account's book, oldest first (lazy)."""
    rows = Transfer.objects.filter(practice_id=practice_id, book__owner_id=owner_id, currency=currency)
    return rows.order_by("seq")


def sum_receivable_after(book: QuerySet[Transfer], seq: int) -> int:
    """By how much the book's transfers after place `seq` changed what is owed, in minor units. One query."""
    sides = (
        Coalesce(Sum("amount_minor", filter=Q(**{f"{side}__kind": AccountKind.RECEIVABLE})), 0) for side in _SIDES
    )
    debits, credits = sides
    return book.order_by().filter(seq__gt=seq).aggregate(change=debits - credits)["change"]


_LISTED_BALANCE = Prepared(
    lambda practice, kind, owner, currency: LedgerAccount.objects.filter(
        practice_id=practice, kind=kind, owner_id=owner, currency=currency
    ).values_list("accountbalance__balance_minor", flat=True)
)


def get_listed_balance(*, practice_id: UUID, kind: AccountKind, owner_id: UUID, currency: str) -> int:
    """The same from the rebuildable balance: one row read. For pages, never for a decision.

    Only for the kinds of `models.LISTED_KINDS`.
    """
    return _LISTED_BALANCE.first(practice=practice_id, kind=kind, owner=owner_id, currency=currency) or 0


def get_listed_balances(*, practice_id: UUID, owner_id: UUID, currency: str) -> dict[AccountKind, int]:
    """Those of all LISTED_KINDS of one billing account; 0 where there is none yet. One query."""
    rows = AccountBalance.objects.filter(
        practice_id=practice_id,
        account__owner_id=owner_id,
        account__kind__in=LISTED_KINDS,
        account__currency=currency,
    ).values_list("account__kind", "balance_minor")
    return dict.fromkeys(LISTED_KINDS, 0) | {AccountKind(kind): minor for kind, minor in rows}


def get_open_lines(*, practice_id: UUID, owner_id: UUID) -> QuerySet[LineBalance]:
    """The lines on which something is owed, newest service first, as LineBalance rows (lazy)."""
    return LineBalance.objects.filter(practice_id=practice_id, owner_id=owner_id, balance_minor__gt=0).order_by(
        "-on", "line_id"
    )
