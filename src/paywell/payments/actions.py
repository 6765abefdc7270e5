"""What the rooms above may do with payments. Each name's own module says what it means."""

from __future__ import annotations

from paywell.payments.forms import new_form_id, read_form_id
from paywell.payments.refunds import find_refund, refund_payment
from paywell.payments.returning import cancel_attempt, check_attempt, return_from_processor
from paywell.payments.start import start_payment

#: The payment's page asks for news by the same look-up.
continue_attempt = check_attempt

__all__ = [
    "cancel_attempt",
    "check_attempt",
    "continue_attempt",
    "find_refund",
    "new_form_id",
    "read_form_id",
    "refund_payment",
    "return_from_processor",
    "start_payment",
]
