"""How money moves in the fake: confirming, the bank's question, canceling, refunds, disputes."""

from __future__ import annotations

from typing import Any

from tests.contract.stripe_fake import payouts
from tests.contract.stripe_fake.store import BANK_CHECK, DECLINES, LATE, Account, StripeError, Thing


def confirm(
    account: Account,
    intent: Thing,
    method: Thing,
    *,
    return_url: str,
    use_sdk: bool,
    bank_url: str,
    off_session: bool,
) -> None:
    """Try to take the money. A decline leaves the intent open and raises card_error, as Stripe does."""
    if method["customer"] and method["customer"] != intent["customer"]:
        raise StripeError(400, "", "The payment method belongs to another customer.", param="payment_method")
    if method.get("used") and not method["customer"]:
        raise StripeError(400, "payment_method_unexpected_state", "It was used before and is attached to nobody.")
    intent["payment_method"], intent["last_payment_error"] = method["id"], None
    number = method["card_number"]
    if number in DECLINES:
        decline(account, intent, method, *DECLINES[number])
    if number == BANK_CHECK and off_session:
        decline(account, intent, method, "authentication_required", "authentication_required")
    if number == BANK_CHECK:
        intent["status"] = "requires_action"
        intent["next_action"] = {"type": "use_stripe_sdk", "use_stripe_sdk": {}}
        if not use_sdk:
            redirect = {"url": f"{bank_url}{intent['id']}/", "return_url": return_url}
            intent["next_action"] = {"type": "redirect_to_url", "redirect_to_url": redirect}
        return
    method["used"] = True
    if number == LATE:
        intent["status"] = "processing"
        account.tell("payment_intent.processing", intent)
        return
    succeed(account, intent, method)


def decline(account: Account, intent: Thing, method: Thing, reason: str, code: str) -> None:
    charge = _charge(account, intent, method, "failed", failure_code=code)
    charge["outcome"] = {"type": "issuer_declined", "reason": reason}
    error = {"type": "card_error", "code": code, "decline_code": reason, "message": "Your card was declined."}
    intent |= {"status": "requires_payment_method", "payment_method": None, "next_action": None}
    intent |= {"latest_charge": charge["id"], "last_payment_error": error}
    account.tell("payment_intent.payment_failed", intent)
    raise StripeError(
        402, code, "Your card was declined.", "card_error", decline_code=reason, payment_intent={"id": intent["id"]}
    )


def succeed(account: Account, intent: Thing, method: Thing) -> None:
    fault = account.fault("capture")
    amount = int(fault["value"]) if fault else intent["amount"]
    charge = _charge(account, intent, method, "succeeded", amount=amount)
    payouts.enter(account, "charge", amount, charge, fee=payouts.charge_fee(amount))
    intent |= {"status": "succeeded", "amount_received": amount, "next_action": None, "latest_charge": charge["id"]}
    if intent["setup_future_usage"] and intent["customer"]:
        method["customer"] = intent["customer"]
    account.tell("charge.succeeded", charge)
    account.tell("payment_intent.succeeded", intent)


def _charge(account: Account, intent: Thing, method: Thing, status: str, **more: Any) -> Thing:
    values = {
        "amount": intent["amount"], "amount_refunded": 0, "currency": intent["currency"], "status": status,
        "payment_intent": intent["id"], "payment_method": method["id"], "metadata": dict(intent["metadata"]),
        "payment_method_details": {"type": "card", "card": dict(method["card"])}, "failure_code": None,
        "disputed": False, "refunded": False, "outcome": None, "customer": intent["customer"],
    }  # fmt: skip
    return account.new("ch", "charge", **{**values, **more})


def answer_bank(account: Account, intent: Thing, *, approve: bool) -> None:
    """The payer's word on the bank's page; only the first one counts, and none after the intent was canceled."""
    if intent["status"] != "requires_action":
        return
    method = account.get("payment_method", intent["payment_method"])
    if approve:
        method["used"] = True
        succeed(account, intent, method)
        return
    error = {"type": "card_error", "code": "payment_intent_authentication_failure", "message": "Not authenticated."}
    intent |= {"status": "requires_payment_method", "payment_method": None, "next_action": None}
    intent["last_payment_error"] = error
    account.tell("payment_intent.payment_failed", intent)


def settle(account: Account, intent: Thing, status: str) -> None:
    """A processing payment has its answer."""
    method = account.get("payment_method", intent["payment_method"])
    if status == "succeeded":
        succeed(account, intent, method)
        return
    try:
        decline(account, intent, method, "generic_decline", "card_declined")
    except StripeError:
        return


def cancel(account: Account, intent: Thing) -> None:
    if intent["status"] in ("succeeded", "canceled", "processing"):
        message = f"You cannot cancel this PaymentIntent because it has a status of {intent['status']}."
        raise StripeError(400, "payment_intent_unexpected_state", message)
    # What it was refused for before is forgotten with any change; the refused charge stays.
    intent |= {"status": "canceled", "next_action": None, "last_payment_error": None}
    account.tell("payment_intent.canceled", intent)


def refund(account: Account, charge: Thing, amount: int | None, metadata: dict[str, str]) -> Thing:
    left = charge["amount"] - charge["amount_refunded"]
    if charge["disputed"]:
        raise StripeError(400, "charge_disputed", "This charge has been charged back.")
    if left == 0:
        raise StripeError(400, "charge_already_refunded", "The charge has already been refunded.")
    amount = left if amount is None else amount
    if amount > left:
        raise StripeError(400, "", "Refund amount is greater than unrefunded amount on charge.", param="amount")
    status = "pending" if account.fault("refund_result") else "succeeded"
    made = account.new(
        "re", "refund", amount=amount, currency=charge["currency"], status=status, charge=charge["id"],
        payment_intent=charge["payment_intent"], metadata=metadata,
    )  # fmt: skip
    if status == "succeeded":
        payouts.enter(account, "refund", -amount, made)
    charge["amount_refunded"] += amount
    charge["refunded"] = charge["amount_refunded"] == charge["amount"]
    account.tell("charge.refunded", charge)
    account.tell("refund.created", made)
    return made


def settle_refund(account: Account, made: Thing, status: str) -> None:
    charge = account.get("charge", made["charge"])
    if status == "failed" and made["status"] != "failed":
        charge["amount_refunded"] -= made["amount"]
        charge["refunded"] = False
    if status == "failed" and made["status"] == "succeeded":
        payouts.enter(account, "refund_failure", made["amount"], made)
    if status == "succeeded" and made["status"] != "succeeded":
        payouts.enter(account, "refund", -made["amount"], made)
    made["status"] = status
    account.tell("refund.failed" if status == "failed" else "refund.updated", made)


def dispute(account: Account, charge: Thing, amount: int) -> Thing:
    """The bank takes the money back at once, and Stripe a fee besides, which is no part of it."""
    charge["disputed"] = True
    made = account.new(
        "du", "dispute", amount=amount, currency=charge["currency"], status="needs_response", charge=charge["id"],
        payment_intent=charge["payment_intent"], metadata={}, reason="fraudulent",
        balance_transactions=[
            {"object": "balance_transaction", "amount": -amount, "fee": 1500, "net": -amount - 1500}
        ],
    )  # fmt: skip
    payouts.enter(account, "adjustment", -amount, made, fee=1500)
    account.tell("charge.dispute.created", made)
    return made


def close_dispute(account: Account, made: Thing, status: str) -> None:
    made["status"] = status
    if status == "won":
        back = {"object": "balance_transaction", "amount": made["amount"], "fee": 0, "net": made["amount"]}
        made["balance_transactions"].append(back)
        payouts.enter(account, "adjustment", made["amount"], made)
        account.tell("charge.dispute.funds_reinstated", made)
    account.tell("charge.dispute.closed", made)
