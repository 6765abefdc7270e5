"""Charges without the payer being there: each by an agreement that stood, for its card, within its limit."""

from __future__ import annotations

from typing import Final

from paywell.books.types import Question, Scope


def _without_agreement(s: Scope) -> str:
    """By staff or by a rule, and no try of a charge knows of it."""
    return f"""
        SELECT a.practice_id, a.id FROM payments_attempt a
          LEFT JOIN agreements_chargetry t ON t.practice_id = a.practice_id AND t.attempt_id = a.id
         WHERE {s.mine("a")} AND a.channel IN ('staff', 'automatic') AND t.id IS NULL"""


def _beyond_agreement(s: Scope) -> str:
    return f"""
        SELECT a.practice_id, a.id FROM payments_attempt a
          JOIN agreements_chargetry t ON t.practice_id = a.practice_id AND t.attempt_id = a.id
          JOIN agreements_charge c ON c.id = t.charge_id
          JOIN agreements_agreement g ON g.id = c.agreement_id
         WHERE {s.mine("a")} AND (a.account_id <> g.account_id OR a.contact_id <> g.contact_id
            OR a.saved_card_id <> g.card_id OR a.amount_minor > g.charge_limit_minor
            OR a.created_at < g.agreed_at OR a.created_at > g.ended_at
            OR a.amount_minor > c.amount_minor)"""


def _charged_twice(s: Scope) -> str:
    """Two tries of one charge that both took money."""
    return f"""
        SELECT t.practice_id, t.charge_id FROM agreements_chargetry t
          JOIN payments_attempt a ON a.practice_id = t.practice_id AND a.id = t.attempt_id
         WHERE {s.mine("t")} AND a.state = 'succeeded'
         GROUP BY t.practice_id, t.charge_id HAVING COUNT(*) > 1"""


AGREEMENTS: Final = (
    Question("This card was charged without its owner, and no agreement says that it may be.", _without_agreement),
    Question("This charge is not what its payer agreed to: card, account, limit or time.", _beyond_agreement),
    Question("One charge that was announced took money twice.", _charged_twice),
)
