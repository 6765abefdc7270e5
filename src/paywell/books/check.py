"""Runs every law over the books. Reads tables and writes none."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection

from paywell.books.checks.processor import compare_with_processors
from paywell.books.invariants import LAWS
from paywell.books.types import Offence, Scope, find
from paywell.core import clock
from paywell.core.db import without_haste

#: What was looked at, in the words of the one-line summary.
_COUNTED = {
    "transfers": "ledger_transfer",
    "payments": "payments_attempt",
    "refunds": "payments_refund",
    "disputes": "payments_dispute",
}


@dataclass(slots=True)
class Report:
    """What one run looked at and what offends.

    `unasked` names processors that gave no whole answer; `unasked_of` says how many of which practice's.
    """

    offences: list[Offence]
    looked_at: dict[str, int]
    took_ms: int = 0
    with_processor: bool = False
    unasked: list[str] = field(default_factory=list)
    unasked_of: Counter[UUID] = field(default_factory=Counter)

    @property
    def is_well(self) -> bool:
        return not self.offences and not self.unasked

    def summary(self) -> str:
        counted = ", ".join(f"{number:,} {name}" for name, number in self.looked_at.items())
        return f"Looked at {counted} in {self.took_ms / 1000:.1f} s."

    def to_json(self) -> dict[str, Any]:
        return {
            "well": self.is_well,
            "looked_at": self.looked_at,
            "took_ms": self.took_ms,
            "with_processor": self.with_processor,
            "unasked": self.unasked,
            "findings": [each.to_json() for each in self.offences],
        }


def check_books(
    practice_id: UUID | None = None, *, with_processor: bool = False, since: datetime | None = None
) -> Report:
    """Ask every question of every law; with the processors' own records on request (then calls leave here).

    `since`: only with what changed there since then.
    """
    began = time.monotonic()
    scope = Scope(clock.now(), practice_id)
    report = Report([], _count(scope), with_processor=with_processor)
    with without_haste():
        for law in LAWS:
            for question in law.questions:
                report.offences += find(law, question, scope)
    if with_processor:
        compared = compare_with_processors(practice_id, since=since)
        report.offences += compared.offences
        report.unasked, report.unasked_of = compared.unasked, compared.unasked_of
        report.looked_at["charges"] = compared.charges
    report.offences.sort(key=lambda each: each.law)
    report.took_ms = int((time.monotonic() - began) * 1000)
    return report


def _count(scope: Scope) -> dict[str, int]:
    parts = [f"(SELECT COUNT(*) FROM {table} t WHERE {scope.mine('t')})" for table in _COUNTED.values()]
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {', '.join(parts)}", scope.parameters())
        return dict(zip(_COUNTED, cursor.fetchone(), strict=True))
