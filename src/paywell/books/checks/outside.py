"""The law of receipts: whoever paid hears of it, and nobody hears of a payment that is none."""

from __future__ import annotations

from paywell.books.checks.ledger import cancels
from paywell.books.types import Law, Question, Scope


def _told(s: Scope, kind: str, prefix: str) -> str:
    return f"""
        SELECT o.practice_id AS practice_id, substr(o.dedupe, {len(prefix) + 1}, 36) AS k, 1 AS amount
          FROM outbox_outboxevent o WHERE {s.mine("o")} AND o.kind = '{kind}'"""


def _receipts(s: Scope) -> str:
    paid = f"""
        SELECT a.practice_id, {s.text("a.id")}, -1 FROM payments_attempt a
         WHERE {s.mine("a")} AND a.state = 'succeeded'"""
    return cancels(_told(s, "payments.payment_succeeded", "payments.payment_succeeded:"), paid)


def _refund_news(s: Scope) -> str:
    """One that came back later had its news when it was done, so it may have one and need not."""
    return f"""
        SELECT r.practice_id, r.id FROM payments_refund r
         WHERE {s.mine("r")} AND r.state = 'done' AND NOT EXISTS (
            SELECT 1 FROM outbox_outboxevent o
             WHERE o.practice_id = r.practice_id AND o.dedupe = 'refund_done:' || {s.text("r.id")})"""


def _unsent(s: Scope) -> str:
    return f"""
        SELECT m.practice_id, m.id FROM notifications_delivery m
         WHERE {s.mine("m")} AND m.sent_at IS NULL AND m.skipped_at IS NULL AND m.created_at < %(queue)s"""


RECEIPTS = Law(
    6,
    "Whoever paid gets a receipt",
    (
        Question("This payment has no receipt on its way, or there is news of it without a payment.", _receipts),
        Question("Nobody was told of this refund.", _refund_news),
        Question("This e-mail was not accepted for 15 minutes.", _unsent, is_queue=True),
    ),
)
