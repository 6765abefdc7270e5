"""The calls of the stand-in's API, one function each: (fake, account, body, query) -> answer."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from paywell.core.ids import new_key
from tests.contract.square_fake import BRANDS, DECLINES, LATE, PAGE_SIZE, Account, Problem, SquareFake, read, show

Answer = dict[str, Any]
Call = Callable[[SquareFake, Account, Answer, dict[str, str]], Answer]


def find_call(method: str, path: str) -> Call:
    for wanted, pattern, call in ROUTES:
        found = re.fullmatch(pattern, path)
        if wanted == method and found:
            return lambda fake, account, body, query: call(fake, account, body, query, *found.groups())
    raise Problem(404, "INVALID_REQUEST_ERROR", "NOT_FOUND")


def _not_found() -> Problem:
    return Problem(404, "INVALID_REQUEST_ERROR", "NOT_FOUND")


def create_payment(fake: SquareFake, account: Account, body: Answer, query: dict[str, str]) -> Answer:
    source, customer = body["source_id"], body.get("customer_id")
    card = account.cards.get(source)
    if card is not None and (not card["enabled"] or card["customer_id"] != customer):
        raise Problem(404, "INVALID_REQUEST_ERROR", "NOT_FOUND")
    number = account.numbers.get(source)
    if number is None:
        raise _not_found()
    if card is None and source in account.used:
        raise Problem(400, "INVALID_REQUEST_ERROR", "CARD_TOKEN_USED")
    if customer and customer not in account.customers:
        raise Problem(404, "INVALID_REQUEST_ERROR", "CUSTOMER_NOT_FOUND")
    account.used.add(source)
    captured = account.faults.take("capture")
    money = dict(body["amount_money"])
    if captured:
        money["amount"] = int(captured.value)
    at = fake.stamp()
    payment = {
        "id": new_key(), "created_at": at, "updated_at": at, "status": "APPROVED", "source_type": "CARD",
        "amount_money": money, "total_money": money, "location_id": body["location_id"],
        "card_details": {"status": "AUTHORIZED", "card": _card_of(number, source if card else "")},
        "delay_action": body.get("delay_action", "CANCEL"),
        "delayed_until": show(fake.now() + timedelta(minutes=30)),
        **{name: body[name] for name in ("reference_id", "note", "customer_id") if name in body},
    }  # fmt: skip
    account.payments[payment["id"]] = payment
    if number in DECLINES:
        payment["status"] = "FAILED"
        error = {"category": "PAYMENT_METHOD_ERROR", "code": DECLINES[number]}
        payment["card_details"] |= {"status": "FAILED", "errors": [error]}
        raise Problem(402, "PAYMENT_METHOD_ERROR", DECLINES[number], payment=payment)
    if number == LATE:
        payment["status"] = "PENDING"
    elif body.get("autocomplete", True):
        payment["status"] = "COMPLETED"
    fake.notify(account, "payment.created", {"payment": dict(payment)})
    return {"payment": payment}


def complete_payment(
    fake: SquareFake, account: Account, body: Answer, query: dict[str, str], payment_id: str
) -> Answer:
    payment = _get(account, payment_id)
    if payment["status"] == "CANCELED":
        raise Problem(400, "INVALID_REQUEST_ERROR", "DELAYED_TRANSACTION_CANCELED")
    if payment["status"] == "COMPLETED":
        raise Problem(400, "INVALID_REQUEST_ERROR", "DELAYED_TRANSACTION_CAPTURED")
    if payment["status"] != "APPROVED":
        raise Problem(400, "INVALID_REQUEST_ERROR", "BAD_REQUEST")
    payment["card_details"]["status"] = "CAPTURED"
    fake.change(account, payment, status="COMPLETED")
    return {"payment": payment}


def cancel_payment(
    fake: SquareFake, account: Account, body: Answer, query: dict[str, str], payment_id: str
) -> Answer:
    payment = _get(account, payment_id)
    if payment["status"] != "APPROVED":
        raise Problem(400, "INVALID_REQUEST_ERROR", "BAD_REQUEST")
    payment["card_details"]["status"] = "VOIDED"
    fake.change(account, payment, status="CANCELED")
    return {"payment": payment}


def cancel_by_key(fake: SquareFake, account: Account, body: Answer, query: dict[str, str]) -> Answer:
    """Success whatever it found."""
    made = account.keys.get(("/v2/payments", body["idempotency_key"]))
    payment = account.payments.get((made[1][1].get("payment") or {}).get("id", "")) if made else None
    if payment is not None and payment["status"] == "APPROVED":
        fake.change(account, payment, status="CANCELED")
    return {}


def get_payment(fake: SquareFake, account: Account, body: Answer, query: dict[str, str], payment_id: str) -> Answer:
    return {"payment": _get(account, payment_id)}


def list_payments(fake: SquareFake, account: Account, body: Answer, query: dict[str, str]) -> Answer:
    """Late by `lag_s`, in pages."""
    by = "updated_at" if query.get("sort_field") == "UPDATED_AT" else "created_at"
    begins = [(name, query[key]) for name, key in _BEGINS if key in query]
    rows = [
        each
        for each in account.payments.values()
        if all(read(each[name]) >= read(begin) for name, begin in begins)
        and not (account.lag_s and (fake.now() - read(each["created_at"])).total_seconds() < account.lag_s)
        and ("total" not in query or each["total_money"]["amount"] == int(query["total"]))
        and each["location_id"] == query.get("location_id", account.location_id)
    ]
    rows.sort(key=lambda each: str(each[by]), reverse=query.get("sort_order") != "ASC")
    return _page("payments", rows, query)


_BEGINS = [("created_at", "begin_time"), ("updated_at", "updated_at_begin_time")]


def refund(fake: SquareFake, account: Account, body: Answer, query: dict[str, str]) -> Answer:
    payment = account.payments.get(body["payment_id"])
    if payment is None:
        raise _not_found()
    if payment["status"] != "COMPLETED":
        raise Problem(400, "REFUND_ERROR", "REFUND_ERROR_PAYMENT_NEEDS_COMPLETION")
    disputed = [each["state"] for each in account.disputes.values() if each["payment_id"] == payment["id"]]
    if any(state not in ("WON",) for state in disputed):
        raise Problem(400, "REFUND_ERROR", "PAYMENT_NOT_REFUNDABLE_DUE_TO_DISPUTE")
    amount = body["amount_money"]["amount"]
    if amount + _refunded(account, payment) > payment["total_money"]["amount"]:
        raise Problem(400, "REFUND_ERROR", "REFUND_AMOUNT_INVALID")
    return {"refund": make_refund(fake, account, payment, amount, body.get("reason", ""))}


def make_refund(
    fake: SquareFake, account: Account, payment: Answer, amount: int, reason: str, status: str = "PENDING"
) -> Answer:
    at = fake.stamp()
    waits = account.faults.take("refund_result")
    if status == "PENDING" and not account.refunds_wait and not waits:
        status = "COMPLETED"
    made = {
        "id": f"{payment['id']}_{new_key()[:8]}", "status": status, "payment_id": payment["id"],
        "amount_money": {"amount": amount, "currency": payment["total_money"]["currency"]},
        "created_at": at, "updated_at": at, **({"reason": reason} if reason else {}),
    }  # fmt: skip
    account.refunds[made["id"]] = made
    fake.notify(account, "refund.created", {"refund": dict(made)})
    fake.change(account, payment, refund_ids=[*payment.get("refund_ids", []), made["id"]])
    return made


def get_refund(fake: SquareFake, account: Account, body: Answer, query: dict[str, str], refund_id: str) -> Answer:
    if refund_id not in account.refunds:
        raise _not_found()
    return {"refund": account.refunds[refund_id]}


def search_customers(fake: SquareFake, account: Account, body: Answer, query: dict[str, str]) -> Answer:
    wanted = body["query"]["filter"]["reference_id"]["exact"]
    found = [each for each in account.customers.values() if each.get("reference_id") == wanted]
    return {"customers": found[: body.get("limit", 100)]} if found else {}


def create_customer(fake: SquareFake, account: Account, body: Answer, query: dict[str, str]) -> Answer:
    if not {"given_name", "family_name", "company_name", "email_address", "phone_number", "reference_id"} & set(
        body
    ):
        raise Problem(400, "INVALID_REQUEST_ERROR", "BAD_REQUEST")
    made = {"id": new_key()[:20].upper(), "reference_id": body.get("reference_id", "")}
    account.customers[made["id"]] = made
    return {"customer": made}


def create_card(fake: SquareFake, account: Account, body: Answer, query: dict[str, str]) -> Answer:
    payment, customer = account.payments.get(body["source_id"]), body["card"].get("customer_id")
    if payment is None or payment["status"] != "COMPLETED":
        raise Problem(400, "INVALID_REQUEST_ERROR", "INVALID_CARD_DATA")
    if customer not in account.customers:
        raise Problem(404, "INVALID_REQUEST_ERROR", "CUSTOMER_NOT_FOUND")
    card_id = f"ccof:{new_key()[:20]}"
    number = payment["card_details"]["card"]["_number"]
    account.numbers[card_id] = number
    account.cards[card_id] = {
        **_card_of(number, card_id), "customer_id": customer, "enabled": True,
        "reference_id": body["card"].get("reference_id", ""),
    }  # fmt: skip
    return {"card": account.cards[card_id]}


def list_cards(fake: SquareFake, account: Account, body: Answer, query: dict[str, str]) -> Answer:
    rows = [each for each in account.cards.values() if each["enabled"]]
    rows = [each for each in rows if each["customer_id"] == query.get("customer_id", each["customer_id"])]
    return _page("cards", rows, query)


def get_card(fake: SquareFake, account: Account, body: Answer, query: dict[str, str], card_id: str) -> Answer:
    if card_id not in account.cards:
        raise _not_found()
    return {"card": account.cards[card_id]}


def disable_card(fake: SquareFake, account: Account, body: Answer, query: dict[str, str], card_id: str) -> Answer:
    card = get_card(fake, account, body, query, card_id)["card"]
    card["enabled"] = False
    return {"card": card}


def list_disputes(fake: SquareFake, account: Account, body: Answer, query: dict[str, str]) -> Answer:
    rows = [
        {
            **{name: each[name] for name in ("id", "state", "amount_money", "created_at", "updated_at")},
            "disputed_payment": {"payment_id": each["payment_id"]},
        }
        for each in account.disputes.values()
    ]
    return _page("disputes", rows, query)


def list_payouts(fake: SquareFake, account: Account, body: Answer, query: dict[str, str]) -> Answer:
    rows = [
        each
        for each in account.payouts.values()
        if read(each["created_at"]) >= read(query["begin_time"]) and each["location_id"] == query["location_id"]
    ]
    return _page("payouts", rows, query)


def list_payout_entries(
    fake: SquareFake, account: Account, body: Answer, query: dict[str, str], payout_id: str
) -> Answer:
    if payout_id not in account.payouts:
        raise _not_found()
    return _page("payout_entries", account.entries[payout_id], query)


def list_locations(fake: SquareFake, account: Account, body: Answer, query: dict[str, str]) -> Answer:
    location = {
        "id": account.location_id, "status": "ACTIVE" if account.active else "INACTIVE",
        "currency": account.currency, "capabilities": list(account.capabilities),
    }  # fmt: skip
    return {"locations": [location]}


def _get(account: Account, payment_id: str) -> Answer:
    if payment_id not in account.payments:
        raise _not_found()
    return account.payments[payment_id]


def _refunded(account: Account, payment: Answer) -> int:
    given = (
        each["amount_money"]["amount"]
        for each in account.refunds.values()
        if each["payment_id"] == payment["id"] and each["status"] in ("PENDING", "COMPLETED")
    )
    return sum(given)


def _page(name: str, rows: list[Answer], query: dict[str, str]) -> Answer:
    start = int(query.get("cursor", "0"))
    shown = rows[start : start + PAGE_SIZE]
    answer: Answer = {name: shown} if shown else {}
    if start + PAGE_SIZE < len(rows):
        answer["cursor"] = str(start + PAGE_SIZE)
    return answer


def _card_of(number: str, card_id: str) -> Answer:
    return {
        **({"id": card_id} if card_id else {}), "card_brand": BRANDS.get(number[0], "OTHER_BRAND"),
        "last_4": number[-4:], "exp_month": 12, "exp_year": 2040, "fingerprint": f"sq-1-{number}",
        "_number": number,
    }  # fmt: skip


ROUTES: list[tuple[str, str, Callable[..., Answer]]] = [
    ("POST", r"/v2/payments", create_payment),
    ("GET", r"/v2/payments", list_payments),
    ("POST", r"/v2/payments/cancel", cancel_by_key),
    ("POST", r"/v2/payments/([^/]+)/complete", complete_payment),
    ("POST", r"/v2/payments/([^/]+)/cancel", cancel_payment),
    ("GET", r"/v2/payments/([^/]+)", get_payment),
    ("POST", r"/v2/refunds", refund),
    ("GET", r"/v2/refunds/([^/]+)", get_refund),
    ("POST", r"/v2/customers/search", search_customers),
    ("POST", r"/v2/customers", create_customer),
    ("POST", r"/v2/cards", create_card),
    ("GET", r"/v2/cards", list_cards),
    ("GET", r"/v2/cards/([^/]+)", get_card),
    ("POST", r"/v2/cards/([^/]+)/disable", disable_card),
    ("GET", r"/v2/disputes", list_disputes),
    ("GET", r"/v2/locations", list_locations),
    ("GET", r"/v2/payouts", list_payouts),
    ("GET", r"/v2/payouts/([^/]+)/payout-entries", list_payout_entries),
]
