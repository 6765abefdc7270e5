"""The law of refunds: never more than was taken, and the sums that pages show are right."""

from __future__ import annotations

from paywell.books.types import Law, Question, Scope


def _above_captured(s: Scope) -> str:
    return f"""
        SELECT a.practice_id, a.id FROM payments_attempt a
          JOIN payments_refund r ON r.attempt_id = a.id AND r.state NOT IN ('failed', 'failed_late')
         WHERE {s.mine("a")}
         GROUP BY a.practice_id, a.id, a.captured_minor HAVING SUM(r.amount_minor) > a.captured_minor"""


def _other_sum(s: Scope) -> str:
    return f"""
        SELECT a.practice_id, a.id FROM payments_attempt a
          LEFT JOIN payments_refund r ON r.attempt_id = a.id AND r.state = 'done'
         WHERE {s.mine("a")}
         GROUP BY a.practice_id, a.id, a.refunded_minor
        HAVING COALESCE(SUM(r.amount_minor), 0) <> a.refunded_minor"""


def _unproven(s: Scope) -> str:
    return f"""
        SELECT r.practice_id, r.id FROM payments_refund r JOIN payments_attempt a ON a.id = r.attempt_id
         WHERE {s.mine("r")} AND ((r.state = 'done' AND (r.processor_ref = '' OR r.closed_at IS NULL))
            OR r.currency <> a.currency OR r.practice_id <> a.practice_id)"""


REFUNDS = Law(
    4,
    "Never more goes back than came in",
    (
        Question("Refunds of this payment add up to more than was captured.", _above_captured),
        Question("The refunded sum that this payment shows is not that of its refunds.", _other_sum),
        Question("This refund counts as done without the processor's reference.", _unproven),
    ),
)
