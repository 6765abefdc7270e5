"""What can keep a payment from starting, in words for the person who pays. Codes are named in tests."""

from __future__ import annotations

from paywell.core.errors import UserError
from paywell.core.money import Money
from paywell.payments.types import LINES_MAX, NOTES_MAX


def nothing_chosen() -> UserError:
    return UserError("Choose at least one service to pay.", code="nothing_chosen")


def too_many_lines() -> UserError:
    return UserError(f"Pay at most {LINES_MAX} services at once.", code="too_many_lines")


def notes_too_long() -> UserError:
    return UserError(f"Use at most {NOTES_MAX} characters.", code="notes_too_long", field="notes")


def amount_above_balance(balance: Money) -> UserError:
    return UserError(f"Enter at most the balance due, {balance}.", code="amount_above_balance", field="amount")


def amount_not_editable(total: Money) -> UserError:
    return UserError(
        f"The amount for several services is their sum, now {total}. Nothing was charged. Check it and try again.",
        code="amount_not_editable",
        field="amount",
    )


def amount_too_large() -> UserError:
    return UserError("That is too much for one payment. Choose fewer services.", code="amount_too_large")


def other_currency(currency: str) -> UserError:
    return UserError(f"These services are paid in {currency}.", code="amount_currency", field="amount")


def already_paid() -> UserError:
    return UserError(
        "One of these services is already paid. Nothing was charged. Choose again.", code="already_paid"
    )


def voided() -> UserError:
    return UserError(
        "The practice has withdrawn the invoice of one of these services. Nothing was charged.", code="voided"
    )


def link_over() -> UserError:
    return UserError(
        "This link is no longer valid. Nothing was charged. Ask the practice for a new one.", code="link_over"
    )


def being_paid() -> UserError:
    return UserError(
        "A payment for one of these services is in progress. Please wait for its result and don't pay again.",
        code="being_paid",
    )


def stale_form() -> UserError:
    return UserError("This page is too old. Nothing was charged. Please start again.", code="stale_form")


def form_reused() -> UserError:
    return UserError(
        "This payment was already sent with other details. See Payment History before you pay again.",
        code="form_reused",
    )


def too_many_declines() -> UserError:
    return UserError(
        "Too many cards were declined in the last hour, so paying online is paused here. Nothing was charged. "
        "Please wait an hour, or call the practice.",
        code="too_many_declines",
    )


def busy() -> UserError:
    return UserError("We are very busy just now. Nothing was charged. Please try again in a minute.", code="busy")


def payments_closed() -> UserError:
    return UserError(
        "Online payments are not turned on. Nothing was charged. Please reach out to your therapist.",
        code="payments_closed",
    )


def payments_paused() -> UserError:
    return UserError(
        "Payments are paused for a short while. Nothing was charged. Please try again in half an hour.",
        code="payments_closed",
    )


def card_missing() -> UserError:
    return UserError("Choose a saved card or enter a new one.", code="card_missing", field="card")


def too_late_to_cancel() -> UserError:
    return UserError("This payment can't be canceled any more. Its result will show here.", code="too_late")


def not_refundable(why: str) -> UserError:
    return UserError(why, code="not_refundable")


def refund_above_captured(left: Money) -> UserError:
    return UserError(f"Refund at most {left}.", code="refund_above_captured", field="amount")


def refund_not_heard() -> UserError:
    return UserError(
        "The processor can't be reached right now, so we can't see what was refunded there already. "
        "No money went back. Try again in a few minutes.",
        code="refund_not_heard",
    )


def refund_form_reused() -> UserError:
    return UserError(
        "This refund was already sent with another amount. Look at the payment's refunds before you send one more.",
        code="refund_form_reused",
    )


def credit_is_used() -> UserError:
    return UserError(
        "This payment left credit that is used already. Take that back first (the client's Ledger), then refund.",
        code="credit_is_used",
    )


def needs_approval() -> UserError:
    return UserError(
        "A refund of this size needs a second person. Nothing was sent. Ask for approval instead.",
        code="needs_approval",
    )


def amount_not_positive() -> UserError:
    return UserError("Enter an amount that is more than zero.", code="amount_zero", field="amount")


def not_decidable() -> UserError:
    return UserError("This payment is already settled. Nothing was changed.", code="not_decidable")


def refund_still_unknown() -> UserError:
    return UserError(
        "The processor still gives no clear answer about this refund. Nothing was changed. Try again later. "
        "Don't send the refund again before.",
        code="refund_still_unknown",
    )


def not_acceptable() -> UserError:
    return UserError(
        "The processor shows no charge that can be accepted as this payment. Nothing was changed.",
        code="not_acceptable",
    )


def partly_returned() -> UserError:
    return UserError(
        "Some of this charge was refunded or is in dispute at the processor, so it can't be accepted as this "
        "payment. Refund what is left of it there, then close the payment as unpaid.",
        code="partly_returned",
    )


def money_moved() -> UserError:
    return UserError(
        "The processor says that this payment was charged, so it can't be closed as unpaid. Accept it, or "
        "refund it at the processor and close it afterwards.",
        code="money_moved",
    )


def may_still_move() -> UserError:
    return UserError(
        "The processor does not say yet that this payment can't be charged any more. Nothing was changed. Try "
        "again later, or cancel the payment at the processor first.",
        code="may_still_move",
    )
