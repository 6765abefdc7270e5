"""Sums over transfers. These decide; the rebuildable balances only fill lists."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from django.db.models import Case, F, Q, QuerySet, Sum, Value, When
from django.db.models.functions import Coalesce

from paywell.core.prepared import Prepared
from paywell.ledger.models import AccountKind, LedgerAccount, LineBalance, Transfer

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


@dataclass(frozen=True, slots=True)
class BookSums:
    """What a book comes to, in minor units: debits less credits."""

    receivable: int
    client_credit: int
    receivable_until: int  #: of the transfers up to the place asked for


def sum_book(book: QuerySet[Transfer], *, until: int) -> BookSums:
    """The sums of a book, and what was owed after its transfer at place `until`. One query; the rows stay there."""
    found = book.order_by().aggregate(
        receivable=_change(AccountKind.RECEIVABLE),
        client_credit=_change(AccountKind.CLIENT_CREDIT),
        receivable_until=_change(AccountKind.RECEIVABLE, seq__lte=until),
    )
    return BookSums(**found)


def _change(kind: AccountKind, **among: Any) -> Any:
    sides = (Coalesce(Sum("amount_minor", filter=Q(**{f"{side}__kind": kind}, **among)), 0) for side in _SIDES)
    debits, credits = sides
    return debits - credits


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


def get_open_lines(*, practice_id: UUID, owner_id: UUID) -> QuerySet[LineBalance]:
    """The lines on which something is owed, newest service first, as LineBalance rows (lazy)."""
    return LineBalance.objects.filter(practice_id=practice_id, owner_id=owner_id, balance_minor__gt=0).order_by(
        "-on", "line_id"
    )
