"""The law of disputes: what is withheld in the ledger is what the processor withholds now."""

from __future__ import annotations

from paywell.books.checks.ledger import cancels
from paywell.books.types import Law, Question, Scope


def _withheld_booked(s: Scope) -> str:
    booked = f"""
        SELECT t.practice_id AS practice_id, substr(t.source, 9, 36) AS k,
               CASE WHEN d.kind = 'disputes' THEN t.amount_minor ELSE -t.amount_minor END AS amount
          FROM ledger_transfer t
          JOIN ledger_ledgeraccount d ON d.id = t.debit_id
          JOIN ledger_ledgeraccount c ON c.id = t.credit_id
         WHERE {s.mine("t")} AND (d.kind = 'disputes' OR c.kind = 'disputes')"""
    withheld = f"""
        SELECT p.practice_id, {s.text("p.id")}, -p.withheld_minor FROM payments_dispute p WHERE {s.mine("p")}"""
    return cancels(booked, withheld)


def _won_but_withheld(s: Scope) -> str:
    return f"""
        SELECT p.practice_id, p.id FROM payments_dispute p
         WHERE {s.mine("p")} AND (p.withheld_minor < 0 OR (p.status = 'won' AND p.withheld_minor <> 0))"""


def _other_mark(s: Scope) -> str:
    return f"""
        SELECT a.practice_id, a.id FROM payments_attempt a
         WHERE {s.mine("a")} AND a.disputed <> (EXISTS (
            SELECT 1 FROM payments_dispute p WHERE p.attempt_id = a.id AND p.status <> 'won'))"""


DISPUTES = Law(
    9,
    "A dispute costs what the processor withholds, no more and no less",
    (
        Question("What this dispute withholds is not what the ledger has of it.", _withheld_booked),
        Question("This dispute is won, and its money is still withheld.", _won_but_withheld),
        Question("This payment is shown as disputed and is not, or the other way round.", _other_mark),
    ),
)
