"""What can keep an entry from being made, in words for the person at the desk. Codes are named in tests."""

from __future__ import annotations

from paywell.core.errors import UserError
from paywell.core.money import Money


def amount_zero() -> UserError:
    return UserError("Enter an amount that is more than zero.", code="amount_zero", field="amount")


def amount_too_large() -> UserError:
    return UserError("That amount is too large.", code="amount_too_large", field="amount")


def other_currency(currency: str) -> UserError:
    return UserError(f"This account is kept in {currency}.", code="amount_currency", field="amount")


def above_owed(owed: Money) -> UserError:
    return UserError(f"Enter at most what is owed, {owed}.", code="amount_above_owed", field="amount")


def above_credit(credit: Money) -> UserError:
    return UserError(
        f"There is only {credit} of credit. Enter at most that.", code="amount_above_credit", field="amount"
    )


def above_insurer(left: Money) -> UserError:
    return UserError(
        f"Enter at most what is open of the insurer's part, {left}.", code="amount_above_insurer", field="amount"
    )


def nothing_owed() -> UserError:
    return UserError("Nothing is owed on this account.", code="nothing_owed")


def reason_missing() -> UserError:
    return UserError("Say why.", code="reason_missing", field="reason")


def day_ahead() -> UserError:
    return UserError("That day is still to come. Enter today or a day before.", code="day_ahead", field="on")


def card_number() -> UserError:
    return UserError(
        "Don't enter a card number. Its last four digits are enough.", code="card_number", field="reference"
    )


def being_paid() -> UserError:
    return UserError(
        "A payment for one of these services is under way online. Nothing was entered. Wait for its result.",
        code="being_paid",
    )


def voided() -> UserError:
    return UserError("The invoice of one of these services is void. Nothing was entered.", code="voided")


def form_reused() -> UserError:
    return UserError("This was already entered with other details. See the account's ledger.", code="form_reused")


def not_invoiced() -> UserError:
    return UserError(
        "This service is not on an invoice of this account yet. Issue the invoice first.", code="not_invoiced"
    )


def already_reversed() -> UserError:
    return UserError("This entry is undone already.", code="already_reversed")


def credit_is_used() -> UserError:
    return UserError(
        "Credit from this entry is used already. Take that back first, then undo this.", code="credit_is_used"
    )


def already_paid() -> UserError:
    return UserError(
        "What this entry added was paid meanwhile. Take that payment back first, then undo this.",
        code="already_paid",
    )


def needs_approval() -> UserError:
    return UserError(
        "Somebody else has to approve a pay-out of this amount first. Nothing was entered.", code="needs_approval"
    )


def needs_approval_to_take_back() -> UserError:
    return UserError(
        "Somebody else has to approve taking back a payment of this amount first. Nothing was changed.",
        code="needs_approval",
    )


def own_request() -> UserError:
    return UserError("Somebody else has to approve it. You asked for it.", code="own_request")


def request_over() -> UserError:
    return UserError("This was decided already, or its week is over. Ask for it again.", code="request_over")
