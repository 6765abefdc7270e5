"""Laws of attempts: none is stuck, each is one charge, the payer agreed to it, and it only moves forward."""

from __future__ import annotations

from typing import Final

from paywell.books.types import Law, Question, Scope

_OPEN: Final = "('created', 'awaiting_action', 'submitting', 'processing', 'unknown')"
_HOLDING: Final = "('created', 'awaiting_action', 'submitting', 'processing', 'unknown', 'in_review')"

#: Every step that an attempt may take, written down a second time. Nothing leaves what is closed.
_STEPS: Final[dict[str, tuple[str, ...]]] = {
    "created": (
        "awaiting_action", "submitting", "processing", "unknown", "succeeded", "declined", "failed", "canceled",
        "expired", "in_review",
    ),
    "awaiting_action": (
        "processing", "unknown", "succeeded", "declined", "failed", "canceled", "expired", "in_review",
    ),
    "submitting": (
        "awaiting_action", "processing", "unknown", "succeeded", "declined", "failed", "canceled", "expired",
        "in_review",
    ),
    "processing": ("awaiting_action", "unknown", "succeeded", "declined", "canceled", "expired", "in_review"),
    "unknown": (
        "awaiting_action", "processing", "succeeded", "declined", "failed", "canceled", "expired", "in_review",
    ),
}  # fmt: skip


def _silent(s: Scope) -> str:
    return f"""
        SELECT a.practice_id, a.id FROM payments_attempt a
         WHERE {s.mine("a")} AND a.state IN {_OPEN} AND (
            COALESCE(a.submitted_at, a.created_at) < %(gone_silent)s
            OR (a.state IN ('created', 'awaiting_action') AND a.deadline_at < %(step_over)s)
            OR a.next_check_at IS NULL OR a.next_check_at < %(overdue)s)"""


def _silent_refunds(s: Scope) -> str:
    return f"""
        SELECT r.practice_id, r.id FROM payments_refund r
         WHERE {s.mine("r")} AND ((r.state = 'sending' AND r.created_at < %(gone_silent)s)
            OR (r.state IN ('sending', 'pending')
                AND (r.next_check_at IS NULL OR r.next_check_at < %(overdue)s)))"""


def _claims_of_nobody(s: Scope) -> str:
    return f"""
        SELECT c.practice_id, c.line_id FROM payments_claim c
          LEFT JOIN payments_attempt a ON a.id = c.attempt_id
         WHERE {s.mine("c")} AND (a.id IS NULL OR a.state NOT IN {_HOLDING} OR NOT EXISTS (
            SELECT 1 FROM payments_attemptline al WHERE al.attempt_id = c.attempt_id AND al.line_id = c.line_id))"""


def _without_claim(s: Scope) -> str:
    return f"""
        SELECT DISTINCT a.practice_id, a.id FROM payments_attempt a
          LEFT JOIN payments_attemptline al ON al.attempt_id = a.id
          LEFT JOIN payments_claim c ON c.line_id = al.line_id AND c.attempt_id = a.id
         WHERE {s.mine("a")} AND a.state IN {_HOLDING} AND c.line_id IS NULL"""


def _forgotten_reviews(s: Scope) -> str:
    return f"""
        SELECT a.practice_id, a.id FROM payments_attempt a
         WHERE {s.mine("a")} AND a.state = 'in_review' AND NOT EXISTS (
            SELECT 1 FROM payments_review w WHERE w.attempt_id = a.id AND w.closed_at IS NULL)"""


def _queue(table: str, since: str, done: str) -> str:
    return f"SELECT q.practice_id, q.id FROM {table} q WHERE q.{done} IS NULL AND q.{since} < %(queue)s"


def _undelivered(s: Scope) -> str:
    return f"{_queue('outbox_outboxevent', 'created_at', 'delivered_at')} AND {s.mine('q')}"


def _unread_notices(s: Scope) -> str:
    return f"{_queue('payments_storednotice', 'received_at', 'done_at')} AND {s.mine('q')}"


def _half_paid(s: Scope) -> str:
    return f"""
        SELECT a.practice_id, a.id FROM payments_attempt a
         WHERE {s.mine("a")} AND (
            (a.state = 'succeeded' AND (a.processor_ref = '' OR a.captured_minor <= 0 OR a.closed_at IS NULL))
            OR (a.state <> 'succeeded' AND a.captured_minor <> 0))"""


def _other_amount(s: Scope) -> str:
    return f"""
        SELECT a.practice_id, a.id FROM payments_attempt a
         WHERE {s.mine("a")} AND a.state = 'succeeded' AND a.captured_minor <> a.amount_minor
           AND NOT EXISTS (SELECT 1 FROM payments_review w
                            WHERE w.attempt_id = a.id AND w.kind IN ('amount_differs', 'capture_changed'))"""


def _other_sum(s: Scope) -> str:
    return f"""
        SELECT a.practice_id, a.id FROM payments_attempt a
          LEFT JOIN payments_attemptline al ON al.attempt_id = a.id
         WHERE {s.mine("a")}
         GROUP BY a.practice_id, a.id, a.amount_minor HAVING COALESCE(SUM(al.amount_minor), 0) <> a.amount_minor"""


def _others_lines(s: Scope) -> str:
    return f"""
        SELECT DISTINCT a.practice_id, a.id FROM payments_attempt a
          JOIN payments_attemptline al ON al.attempt_id = a.id
          JOIN invoicing_invoiceline i ON i.id = al.line_id
         WHERE {s.mine("a")} AND (i.account_id <> a.account_id OR i.currency <> a.currency
            OR i.practice_id <> a.practice_id)"""


def _after_void(s: Scope) -> str:
    return f"""
        SELECT DISTINCT a.practice_id, a.id FROM payments_attempt a
          JOIN payments_attemptline al ON al.attempt_id = a.id
          JOIN invoicing_invoiceline i ON i.id = al.line_id
         WHERE {s.mine("a")} AND a.state = 'succeeded' AND i.voided_at < a.closed_at"""


def _without_right(s: Scope) -> str:
    """A grant counts with a day to spare on both sides: its dates are the practice's, ours are UTC.

    One that a restore has rebuilt may be newer than every grant that was restored with it.
    """
    return f"""
        SELECT DISTINCT a.practice_id, a.id FROM payments_attempt a
          JOIN payments_attemptline al ON al.attempt_id = a.id
          JOIN invoicing_invoiceline i ON i.id = al.line_id
         WHERE {s.mine("a")} AND a.channel = 'portal' AND a.rebuilt_at IS NULL AND NOT EXISTS (
            SELECT 1 FROM clients_grant g
             WHERE g.contact_id = a.contact_id AND g.client_id = i.client_id AND g.account_id = a.account_id
               AND g.valid_from <= {s.day("a.created_at", 1)}
               AND (g.valid_until IS NULL OR g.valid_until >= {s.day("a.created_at", -1)})
               AND (g.withdrawn_at IS NULL OR g.withdrawn_at >= a.created_at))"""


def _beyond_link(s: Scope) -> str:
    """A pay link is for one invoice, from when it was made until it expired or was revoked."""
    return f"""
        SELECT DISTINCT a.practice_id, a.id FROM payments_attempt a
          JOIN payments_attemptline al ON al.attempt_id = a.id
          JOIN invoicing_invoiceline i ON i.id = al.line_id
         WHERE {s.mine("a")} AND a.channel = 'link' AND NOT EXISTS (
            SELECT 1 FROM payments_paylink p
             WHERE p.id = a.pay_link_id AND p.practice_id = a.practice_id AND p.invoice_id = i.invoice_id
               AND p.made_at <= a.created_at AND p.expires_at > a.created_at
               AND (p.revoked_at IS NULL OR p.revoked_at >= a.created_at))"""


#: What only a person's decision may do (event cause `person`): end a review, or accept money for what was closed.
_DECIDED: Final = (
    "e.cause = 'person' AND ((e.from_state = 'in_review' AND e.to_state IN ('succeeded', 'failed'))"
    " OR (e.from_state IN ('declined', 'failed', 'canceled', 'expired') AND e.to_state = 'succeeded'))"
)


def _unlisted_step(s: Scope) -> str:
    listed = " OR ".join(
        f"(e.from_state = '{before}' AND e.to_state IN ({', '.join(repr(after) for after in afters)}))"
        for before, afters in _STEPS.items()
    )
    return f"""
        SELECT DISTINCT e.practice_id, e.attempt_id FROM payments_attemptevent e
         WHERE {s.mine("e")} AND e.from_state <> e.to_state AND NOT ({listed} OR ({_DECIDED}))"""


def _broken_path(s: Scope) -> str:
    """From `created` over every event to the present state: what enters each state must leave it, save the last."""
    moves = [
        f"SELECT e.practice_id, e.attempt_id AS attempt_id, e.{end}_state AS state, {sign}1 AS amount"
        f" FROM payments_attemptevent e WHERE {s.mine('e')} AND e.from_state <> e.to_state"
        for end, sign in (("from", "-"), ("to", ""))
    ]
    ends = [
        f"SELECT a.practice_id, a.id, 'created', 1 FROM payments_attempt a WHERE {s.mine('a')}",
        f"SELECT a.practice_id, a.id, a.state, -1 FROM payments_attempt a WHERE {s.mine('a')}",
    ]
    return f"""
        SELECT DISTINCT practice_id, attempt_id FROM (
            SELECT practice_id, attempt_id, state FROM ({" UNION ALL ".join([*moves, *ends])}) x
             GROUP BY practice_id, attempt_id, state HAVING SUM(amount) <> 0) y"""


MOVES_ON = Law(
    5,
    "Nothing is stuck",
    (
        Question("This payment is open for longer than it can be.", _silent),
        Question("This refund is open for longer than it can be.", _silent_refunds),
        Question("This invoice line is held by a payment that is over.", _claims_of_nobody),
        Question("This open payment does not hold its invoice lines.", _without_claim),
        Question("This payment waits for a person, and no review tells anybody.", _forgotten_reviews),
        Question("This event was not delivered for 15 minutes.", _undelivered, is_queue=True),
        Question("This notice of the processor was not read for 15 minutes.", _unread_notices, is_queue=True),
    ),
)
ONE_CHARGE = Law(
    7,
    "Each payment is one charge at the processor",
    (
        Question("This payment is paid without a charge, or has money without being paid.", _half_paid),
        Question("Another amount than agreed was captured, and no review tells anybody.", _other_amount),
    ),
)
CONSENT = Law(
    8,
    "Only what the payer agreed to is taken",
    (
        Question("The amount is not the sum of what the payer chose.", _other_sum),
        Question("This payment is for an invoice line of another account, practice or currency.", _others_lines),
        Question("This payment was taken after its invoice line was voided.", _after_void),
        Question("The payer had no access to the client at that time.", _without_right),
        Question("This payment was made by a pay link that was not good for it.", _beyond_link),
    ),
)
FORWARD = Law(
    12,
    "A payment only moves forward",
    (
        Question("This payment took a step that does not exist.", _unlisted_step),
        Question("The events of this payment do not lead to where it stands.", _broken_path),
    ),
)
