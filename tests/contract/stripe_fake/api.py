"""The fake's REST API: what each address does."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.contract.stripe_fake import money
from tests.contract.stripe_fake.store import LOST, Account, StripeError, Thing, missing

Params = dict[str, Any]
Handler = Callable[[Account, Params], Thing]

#: Stripe's smallest amount in dollars, in cents.
SMALLEST = {"usd": 50}


class AnswerLost(Exception):
    """It was done, and the connection breaks before the answer."""


def retrieve_account(account: Account, params: Params) -> Thing:
    return {"id": "acct_1", "object": "account", "charges_enabled": account.charges_enabled}


def create_customer(account: Account, params: Params) -> Thing:
    return account.new("cus", "customer", metadata=params.get("metadata", {}), email=params.get("email"))


def create_intent(account: Account, params: Params) -> Thing:
    _check_money(params)
    _check_customer(account, params)
    if "payment_method_types" in params:
        raise StripeError(400, "payment_method_types_no_longer_supported", "Use allowed_payment_method_types.")
    return account.new(
        "pi", "payment_intent", **new_intent(params), metadata=params.get("metadata", {}),
        amount=int(params["amount"]), currency=params["currency"], customer=params.get("customer"),
    )  # fmt: skip


def new_intent(params: Params) -> Thing:
    return {
        "amount_received": 0, "status": "requires_payment_method", "payment_method": None, "latest_charge": None,
        "last_payment_error": None, "next_action": None, "setup_future_usage": params.get("setup_future_usage"),
        "client_secret": "pi_secret_never_to_be_shown",
    }  # fmt: skip


def _check_money(params: Params) -> None:
    amount, currency = int(params["amount"]), params["currency"]
    if not currency.islower():
        raise StripeError(400, "", "Invalid currency.", param="currency")
    if amount < SMALLEST.get(currency, 1):
        raise StripeError(400, "amount_too_small", "Amount must be at least $0.50 usd.", param="amount")
    if currency in ("kwd", "bhd", "omr", "tnd", "jod") and amount % 10:
        raise StripeError(400, "", "The last digit of a three-decimal amount must be 0.", param="amount")


def _check_customer(account: Account, params: Params) -> None:
    if params.get("customer"):
        account.get("customer", params["customer"])


def confirm_intent(account: Account, params: Params) -> Thing:
    intent = account.get("payment_intent", params["id"])
    if intent["status"] not in ("requires_payment_method", "requires_confirmation"):
        message = f"This PaymentIntent's status is {intent['status']}."
        raise StripeError(400, "payment_intent_unexpected_state", message)
    use_sdk = params.get("use_stripe_sdk") == "true"
    if params.get("confirmation_token"):
        token = account.get("confirmation_token", params["confirmation_token"])
        if token["used"]:
            raise StripeError(400, "", "This ConfirmationToken has already been used.", param="confirmation_token")
        use_sdk = token["use_stripe_sdk"] if "use_stripe_sdk" not in params else use_sdk
        token["used"] = True
        method = account.add_method(token["payment_method_data"])
    else:
        method = account.get("payment_method", params["payment_method"])
    intent["setup_future_usage"] = params.get("setup_future_usage") or intent["setup_future_usage"]
    money.confirm(
        account,
        intent,
        method,
        return_url=params.get("return_url", ""),
        use_sdk=use_sdk,
        bank_url=f"{params['base_url']}/bank/",
        off_session=params.get("off_session") == "true",
    )
    if method["card_number"] == LOST:
        raise AnswerLost
    return intent


def cancel_intent(account: Account, params: Params) -> Thing:
    intent = account.get("payment_intent", params["id"])
    money.cancel(account, intent)
    return intent


def create_refund(account: Account, params: Params) -> Thing:
    intent = account.get("payment_intent", params["payment_intent"])
    if intent["status"] != "succeeded":
        message = "This PaymentIntent does not have a successful charge to refund."
        raise StripeError(400, "payment_intent_unexpected_state", message)
    charge = account.get("charge", intent["latest_charge"])
    amount = int(params["amount"]) if "amount" in params else None
    return money.refund(account, charge, amount, params.get("metadata", {}))


def detach_method(account: Account, params: Params) -> Thing:
    method = account.get("payment_method", params["id"])
    if not method["customer"]:
        raise StripeError(400, "", "The payment method is not attached to a customer.")
    method["customer"], method["used"] = None, True
    return method


def create_session(account: Account, params: Params) -> Thing:
    _check_customer(account, params)
    if params.get("ui_mode", "hosted_page") not in ("hosted_page", "embedded_page", "elements", "form"):
        raise StripeError(400, "", "Invalid ui_mode.", param="ui_mode")
    total, currency = 0, ""
    for item in params["line_items"]:
        price = item["price_data"]
        currency = price["currency"]
        total += int(price["unit_amount"]) * int(item.get("quantity", 1))
    _check_money({"amount": total, "currency": currency})
    session = account.new(
        "cs_test", "checkout.session", mode=params["mode"], status="open", payment_status="unpaid",
        amount_total=total, currency=currency, customer=params.get("customer"),
        client_reference_id=params.get("client_reference_id"),
        success_url=params["success_url"], cancel_url=params.get("cancel_url"), payment_intent=None,
        metadata=params.get("metadata", {}),
        intent_metadata=params.get("payment_intent_data", {}).get("metadata", {}),
        may_save=params.get("saved_payment_method_options", {}).get("payment_method_save") == "enabled",
        label=params["line_items"][0]["price_data"]["product_data"]["name"],
    )  # fmt: skip
    session["url"] = f"{params['base_url']}/c/pay/{session['id']}"
    return session


def expire_session(account: Account, params: Params) -> Thing:
    session = account.get("checkout.session", params["id"])
    if session["status"] != "open":
        message = f'Only Checkout Sessions with a status in ["open"] can be expired. It is {session["status"]}.'
        raise StripeError(400, "", message)
    session |= {"status": "expired", "url": None}
    intent = account.things.get(session["payment_intent"] or "")
    if intent and intent["status"] not in ("succeeded", "canceled", "processing"):
        money.cancel(account, intent)
    account.tell("checkout.session.expired", session)
    return session


def retrieve(kind: str) -> Handler:
    return lambda account, params: account.get(kind, params["id"])


def list_things(kind: str) -> Handler:
    """A list of one kind, the newest first, filtered and in pages as Stripe does it."""

    def handle(account: Account, params: Params) -> Thing:
        since = int(params.get("created", {}).get("gte", 0))
        found = [each for each in account.all(kind) if each["created"] >= since]
        for name in ("customer", "payment_intent", "type", "payout"):
            if name in params:
                found = [each for each in found if each.get(name) == params[name]]
        if "types" in params:
            found = [each for each in found if each["type"] in params["types"]]
        if "customer" in params:
            account.get("customer", params["customer"])
        if "starting_after" in params:
            names = [each["id"] for each in found]
            if params["starting_after"] not in names:
                raise missing(kind, params["starting_after"])
            found = found[names.index(params["starting_after"]) + 1 :]
        limit = int(params.get("limit", 10))
        if not 1 <= limit <= 100:
            raise StripeError(400, "parameter_invalid_integer", "limit must be between 1 and 100.", param="limit")
        return {"object": "list", "data": found[:limit], "has_more": len(found) > limit, "url": params["path"]}

    return handle


#: Address, the suite's word for the call, and what it does. An id in the address is `id`.
ROUTES: list[tuple[str, str, tuple[str, ...], Handler]] = [
    ("GET", "/v1/account", ("any",), retrieve_account),
    ("POST", "/v1/customers", ("customer",), create_customer),
    ("GET", "/v1/payment_intents", ("list", "find"), list_things("payment_intent")),
    ("POST", "/v1/payment_intents", ("open",), create_intent),
    ("GET", "/v1/payment_intents/:id", ("look_up",), retrieve("payment_intent")),
    ("POST", "/v1/payment_intents/:id/confirm", ("commit",), confirm_intent),
    ("POST", "/v1/payment_intents/:id/cancel", ("cancel",), cancel_intent),
    ("GET", "/v1/refunds", ("look_up_refund",), list_things("refund")),
    ("POST", "/v1/refunds", ("refund",), create_refund),
    ("GET", "/v1/refunds/:id", ("look_up_refund",), retrieve("refund")),
    ("GET", "/v1/disputes", ("disputes",), list_things("dispute")),
    ("GET", "/v1/payouts", ("payouts",), list_things("payout")),
    ("GET", "/v1/balance_transactions", ("payouts", "fees"), list_things("balance_transaction")),
    ("GET", "/v1/events", ("events",), list_things("event")),
    ("GET", "/v1/payment_methods", ("cards",), list_things("payment_method")),
    ("POST", "/v1/payment_methods/:id/detach", ("forget",), detach_method),
    ("GET", "/v1/checkout/sessions", ("list", "find"), list_things("checkout.session")),
    ("POST", "/v1/checkout/sessions", ("open",), create_session),
    ("GET", "/v1/checkout/sessions/:id", ("look_up",), retrieve("checkout.session")),
    ("POST", "/v1/checkout/sessions/:id/expire", ("cancel",), expire_session),
]
