"""Checking the books: chains of hashes, and the rebuildable balances against the sums that decide."""

from __future__ import annotations

from uuid import UUID

from django.db import transaction
from django.db.models import F, Q, Sum
from django.db.models.functions import Coalesce

from paywell.core.db import lock
from paywell.ledger.actions import GENESIS, transfer_hash
from paywell.ledger.models import (
    LISTED_KINDS,
    AccountBalance,
    AccountKind,
    Book,
    LedgerAccount,
    LineBalance,
    Transfer,
)


def find_drift(practice_id: UUID) -> dict[UUID, tuple[int, int]]:
    """Ledger accounts and lines whose carried balance is not the sum: id -> (carried, sum). Empty is right."""
    carried = dict(
        AccountBalance.objects.filter(practice_id=practice_id).values_list("account_id", "balance_minor")
    )
    carried |= dict(LineBalance.objects.filter(practice_id=practice_id).values_list("line_id", "balance_minor"))
    sums = _sum_accounts(practice_id) | _sum_lines(practice_id)
    return {
        key: (carried.get(key, 0), sums.get(key, 0))
        for key in carried.keys() | sums.keys()
        if carried.get(key, 0) != sums.get(key, 0)
    }


def rebuild_balances(practice_id: UUID) -> int:
    """Set every carried balance to its sum. Returns how many were wrong. Lines that have no row stay without:
    their date of service is not the ledger's to know."""
    with transaction.atomic():
        list(lock(Book.objects.filter(practice_id=practice_id)).values_list("pk", flat=True))
        drift = find_drift(practice_id)
        for key, (_, right) in drift.items():
            AccountBalance.objects.filter(account_id=key, practice_id=practice_id).update(balance_minor=right)
            LineBalance.objects.filter(line_id=key, practice_id=practice_id).update(balance_minor=right)
    return len(drift)


def find_broken_links(practice_id: UUID) -> list[UUID]:
    """Transfers whose hash, predecessor or place does not fit the book's chain. Empty is right."""
    broken: list[UUID] = []
    for book_id in Book.objects.filter(practice_id=practice_id).values_list("id", flat=True):
        prev_hash, seq = GENESIS, 0
        for row in Transfer.objects.filter(book_id=book_id).order_by("seq").iterator():
            seq += 1
            if row.seq != seq or row.prev_hash != prev_hash or row.hash != transfer_hash(row):
                broken.append(row.id)
            prev_hash, seq = row.hash, row.seq
    return broken


def _sum_accounts(practice_id: UUID) -> dict[UUID, int]:
    rows = LedgerAccount.objects.filter(practice_id=practice_id, kind__in=LISTED_KINDS)
    debits = dict(rows.values_list("id").annotate(total=Coalesce(Sum("debits__amount_minor"), 0)))
    credits = dict(rows.values_list("id").annotate(total=Coalesce(Sum("credits__amount_minor"), 0)))
    return {key: debits[key] - credits[key] for key in debits}


def _sum_lines(practice_id: UUID) -> dict[UUID, int]:
    receivable = AccountKind.RECEIVABLE
    rows = (
        Transfer.objects.filter(practice_id=practice_id, line_id__isnull=False)
        .values("line_id")
        .annotate(
            up=Coalesce(Sum("amount_minor", filter=Q(debit__kind=receivable)), 0),
            down=Coalesce(Sum("amount_minor", filter=Q(credit__kind=receivable)), 0),
        )
        .annotate(owed=F("up") - F("down"))
    )
    return {row["line_id"]: row["owed"] for row in rows if row["line_id"] is not None}
