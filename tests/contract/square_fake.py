"""A stand-in for Square's API and its card fields, as far as we use them.

Faithful to what is published and to the odd cases: keys repeat the first answer and refuse other content; canceling
by key answers success also where it found nothing, and does not keep a later request from coming through; a delayed
payment that nobody completes ends by itself; lists lag and come in pages; refunds may stay PENDING; a token works
once; a declined request leaves a FAILED payment behind.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs

from paywell.core.ids import new_key
from tests.contract.serving import SILENCE_S, Faults, Request, Response, with_fault
from tests.contract.square_schema import find_problems

PAGE_SIZE = 3
DECLINES = {
    "4000000000000002": "GENERIC_DECLINE",
    "4000000000009995": "INSUFFICIENT_FUNDS",
    "4000000000000069": "CARD_EXPIRED",
    "4000000000000127": "CVV_FAILURE",
    "4000002500003155": "CARD_DECLINED_VERIFICATION_REQUIRED",
}
LATE = "4242000000000018"
LOST = "4242000000000026"
BRANDS = {"4": "VISA", "5": "MASTERCARD", "3": "AMERICAN_EXPRESS", "6": "DISCOVER"}
#: Which of our calls a request is: the words of `Rig.script`.
CALLS = [
    ("POST", r"/v2/payments", "commit"),
    ("POST", r"/v2/payments/[^/]+/complete", "complete"),
    ("POST", r"/v2/payments/cancel", "cancel_by_key"),
    ("POST", r"/v2/payments/[^/]+/cancel", "cancel"),
    ("GET", r"/v2/payments/[^/]+", "look_up"),
    ("GET", r"/v2/payments", "list"),
    ("POST", r"/v2/refunds", "refund"),
    ("GET", r"/v2/refunds/[^/]+", "look_up_refund"),
    ("POST", r"/v2/cards", "keep_card"),
    ("GET", r"/v2/cards", "cards"),
    ("GET", r"/v2/payouts", "payouts"),
    ("GET", r"/v2/payouts/[^/]+/payout-entries", "payouts"),
]


class Problem(Exception):
    def __init__(self, status: int, category: str, code: str, **more: Any) -> None:
        super().__init__(code)
        self.answer = (status, {"errors": [{"category": category, "code": code, "detail": code}], **more})


@dataclass
class Account:
    access_token: str
    location_id: str
    currency: str = "USD"
    signature_key: str = ""
    active: bool = True
    capabilities: tuple[str, ...] = ("CREDIT_CARD_PROCESSING",)
    lag_s: float = 0.0
    refunds_wait: bool = False
    payments: dict[str, dict[str, Any]] = field(default_factory=dict)
    refunds: dict[str, dict[str, Any]] = field(default_factory=dict)
    disputes: dict[str, dict[str, Any]] = field(default_factory=dict)
    payouts: dict[str, dict[str, Any]] = field(default_factory=dict)
    entries: dict[str, list[dict[str, Any]]] = field(default_factory=dict)  #: by payout
    paid_out: set[str] = field(default_factory=set)
    customers: dict[str, dict[str, Any]] = field(default_factory=dict)
    cards: dict[str, dict[str, Any]] = field(default_factory=dict)
    numbers: dict[str, str] = field(default_factory=dict)  #: token or card on file -> card number
    used: set[str] = field(default_factory=set)
    keys: dict[tuple[str, str], tuple[str, tuple[int, dict[str, Any]]]] = field(default_factory=dict)
    faults: Faults = field(default_factory=Faults)
    sent: list[Request] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    notices: list[dict[str, Any]] = field(default_factory=list)
    late: list[Response] = field(default_factory=list)  #: answers that nobody waited for any more


class SquareFake:
    def __init__(self) -> None:
        self.accounts: dict[str, Account] = {}
        self.offset = timedelta()
        self._lock = threading.RLock()
        self._last = datetime.now(UTC)

    def now(self) -> datetime:
        return datetime.now(UTC) + self.offset

    def stamp(self) -> str:
        """Each later than the one before: lists are ordered by it."""
        self._last = max(self.now(), self._last + timedelta(milliseconds=1))
        return show(self._last)

    def new_account(self, access_token: str, location_id: str, **facts: Any) -> Account:
        account = self.accounts[access_token] = Account(access_token, location_id, **facts)
        return account

    def token(self, account: Account, number: str) -> str:
        """What the card fields give for a card number."""
        token = f"cnon:{new_key()}"
        account.numbers[token] = number
        return token

    def __call__(self, request: Request) -> Response:
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        account = self.accounts.get(token)
        if account is None:
            return _json(401, {"errors": [{"category": "AUTHENTICATION_ERROR", "code": "UNAUTHORIZED"}]})
        account.sent.append(request)
        problems = find_problems(request.method, request.path, request.query, request.body)
        account.problems += problems
        if problems:
            return _json(400, {"errors": [{"category": "INVALID_REQUEST_ERROR", "code": "BAD_REQUEST"}]})
        call = next((name for method, path, name in CALLS if _is(request, method, path)), "")
        if call == "list" and "sort_field=UPDATED_AT" not in request.query:
            call = "find"  # by the time of its making: for one payment, not for the sweep
        fault = account.faults.take(call)
        if fault and fault.kind == "late_effect":
            threading.Timer(1.0, lambda: account.late.append(self._act(account, request))).start()
            return Response(drop=True, silence_s=SILENCE_S)
        answer = with_fault(fault, lambda: self._act(account, request), _spoil)
        is_lost = call == "complete" and f'"_number": "{LOST}"'.encode() in answer.body
        return Response(drop=True, silence_s=SILENCE_S) if is_lost else answer

    def _act(self, account: Account, request: Request) -> Response:
        from tests.contract.square_calls import find_call

        with self._lock:
            body = json.loads(request.body) if request.body else {}
            query = {name: values[0] for name, values in parse_qs(request.query).items()}
            try:
                self.end_holds(account)
                call = find_call(request.method, request.path)
                return _json(*self._keyed(account, request.path, body, lambda: call(self, account, body, query)))
            except Problem as problem:
                return _json(*problem.answer)

    def _keyed(
        self, account: Account, path: str, body: dict[str, Any], act: Callable[[], dict[str, Any]]
    ) -> tuple[int, dict[str, Any]]:
        """The first answer again for the same key and content; an error for other content."""
        key = body.get("idempotency_key")
        if not key or path == "/v2/payments/cancel":
            return 200, act()
        content = json.dumps(body, sort_keys=True)
        if (path, key) in account.keys:
            before, answer = account.keys[path, key]
            if before != content:
                raise Problem(400, "INVALID_REQUEST_ERROR", "IDEMPOTENCY_KEY_REUSED")
            payment = (answer[1].get("payment") or {}).get("id")
            # What became of the payment meanwhile is told as it stands now.
            return (answer[0], {**answer[1], "payment": account.payments[payment]}) if payment else answer
        try:
            answer = (200, act())
        except Problem as problem:
            if problem.answer[1]["errors"][0]["category"] != "PAYMENT_METHOD_ERROR":
                raise
            answer = problem.answer
        account.keys[path, key] = (content, answer)
        return answer

    def end_holds(self, account: Account) -> None:
        """Authorizations that nobody completed, and refunds that waited long enough."""
        for payment in account.payments.values():
            if payment["status"] == "APPROVED" and self.now() >= read(payment["delayed_until"]):
                self.change(account, payment, status="CANCELED")

    def change(self, account: Account, payment: dict[str, Any], **facts: Any) -> None:
        payment.update(facts, updated_at=self.stamp())
        if facts.get("status") == "COMPLETED":
            from tests.contract.square_payouts import fee_of

            fee = {"amount": fee_of(payment["total_money"]["amount"]), "currency": account.currency}
            payment["processing_fee"] = [{"type": "INITIAL", "amount_money": fee}]
        self.notify(account, "payment.updated", {"payment": dict(payment)})

    def notify(self, account: Account, kind: str, told: dict[str, Any]) -> None:
        name = next(iter(told))
        account.notices.append(
            {
                "merchant_id": "M1", "type": kind, "event_id": new_key(), "created_at": self.stamp(),
                "data": {"type": name, "id": told[name].get("id", ""), "object": told},
            }
        )  # fmt: skip


def show(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def read(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _is(request: Request, method: str, path: str) -> bool:
    return request.method == method and re.fullmatch(path, request.path) is not None


def _json(status: int, value: dict[str, Any]) -> Response:
    return Response(status, json.dumps(value).encode(), "application/json")


def _spoil(body: bytes, kind: str) -> bytes:
    value = json.loads(body)
    told = value.get("payment") or value.get("refund") or next(iter(value.get("payments") or []), {})
    if kind == "unknown_word":
        told["status"] = "SOMETHING_NEW"
    elif kind == "without_reference":
        told.pop("reference_id", None)
    elif "payment_id" in told:  # a refund
        told["amount_money"] = {}
    else:
        told.pop("amount_money", None)
        told.pop("total_money", None)
    return json.dumps(value).encode()
