"""Everything that pages read of payments, by subject: what can be paid, and what was."""

from __future__ import annotations

from paywell.payments.history import (
    find_practice_payments,
    get_payment,
    get_practice_payment,
    get_practice_payments,
    get_status,
    iterate_payments,
    list_payments,
    list_practice_payments,
    recent_payments,
)
from paywell.payments.payables import get_lines, get_summary, list_invoiced, list_payable

__all__ = [
    "find_practice_payments",
    "get_lines",
    "get_payment",
    "get_practice_payment",
    "get_practice_payments",
    "get_status",
    "get_summary",
    "iterate_payments",
    "list_invoiced",
    "list_payable",
    "list_payments",
    "list_practice_payments",
    "recent_payments",
]
