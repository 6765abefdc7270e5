"""What was entered by hand: the ledger holds each entry as it says, and each undone one is undone whole."""

from __future__ import annotations

from typing import Final

from paywell.books.checks.ledger import cancels
from paywell.books.types import Question, Scope

#: These post two legs of the full amount: earned, and settled.
_TWO_LEGS: Final = "e.kind IN ('insurer_payment', 'insurer_adjustment')"
_WHOLE: Final = f"CASE WHEN {_TWO_LEGS} THEN 2 * e.amount_minor ELSE e.amount_minor END"
#: What may move cash that was never at a processor.
_CASH_SOURCES: Final = ("entry", "entry_reversed")


def _posted(s: Scope, name: str) -> str:
    start = len(name) + 2
    return f"""
        SELECT t.practice_id AS practice_id, substr(t.source, {start}, 36) AS k, t.amount_minor AS amount
          FROM ledger_transfer t WHERE {s.mine("t")} AND substr(t.source, 1, {start - 1}) = '{name}:'"""


def _entries_booked(s: Scope) -> str:
    said = f"""
        SELECT e.practice_id, {s.text("e.id")}, -({_WHOLE}) FROM billing_entry e WHERE {s.mine("e")}"""
    return cancels(_posted(s, "entry"), said)


def _reverses_booked(s: Scope) -> str:
    said = f"""
        SELECT e.practice_id, {s.text("e.id")}, -({_WHOLE}) FROM billing_entry e
         WHERE {s.mine("e")} AND e.reversed_at IS NOT NULL"""
    return cancels(_posted(s, "entry_reversed"), said)


def _lines_booked(s: Scope) -> str:
    """By entry and line, so that no part can stand on another line than it says."""
    posted = f"""
        SELECT t.practice_id AS practice_id, substr(t.source, 7, 36) || ' ' || {s.text("t.line_id")} AS k,
               t.amount_minor AS amount
          FROM ledger_transfer t
         WHERE {s.mine("t")} AND substr(t.source, 1, 6) = 'entry:' AND t.line_id IS NOT NULL"""
    said = f"""
        SELECT l.practice_id, {s.text("l.entry_id")} || ' ' || {s.text("l.line_id")}, -l.amount_minor
          FROM billing_entryline l WHERE {s.mine("l")}"""
    return cancels(posted, said)


def _made_up_cash(s: Scope) -> str:
    known = " AND ".join(f"substr(t.source, 1, {len(name) + 1}) <> '{name}:'" for name in _CASH_SOURCES)
    return f"""
        SELECT t.practice_id, t.id FROM ledger_transfer t
          JOIN ledger_ledgeraccount d ON d.id = t.debit_id
          JOIN ledger_ledgeraccount c ON c.id = t.credit_id
         WHERE {s.mine("t")} AND (d.kind = 'cash' OR c.kind = 'cash') AND {known}"""


ENTRIES: Final = (
    Question("What the ledger has of this entry by hand is not what it says.", _entries_booked),
    Question("This entry by hand is not undone as it says, or is undone and does not say so.", _reverses_booked),
    Question("This entry by hand stands on another invoice line than it says.", _lines_booked),
    Question("This transfer moves cash that no entry by hand explains.", _made_up_cash),
)
