"""The test processor's API: JSON, a bearer key, and an idempotency key for everything that changes something.

Each call is one transaction; a fault that was queued for it (`faults.py`) happens around it, as on a bad day.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from paywell.processors.testbench import charges, faults, payouts, refunds
from paywell.processors.testbench.store import Row, Store
from paywell.processors.testbench.web import Refused, Request, Response, answer

PAGE_SIZE = 50
Made = dict[str, Any]


class Api:
    """The handlers, bound to one store. Every one begins by finding out whose key it is."""

    def __init__(self, store: Store) -> None:
        self.store = store

    def get_account(self, request: Request) -> Response:
        account = self.authenticate(request)
        return self._call(account, "any", lambda: {"id": account, "live_mode": False})

    def put_account(self, request: Request) -> Response:
        """Where notices go, with which secret, and the one portal whose pages may show the card fields."""
        account = self.authenticate(request)
        body = request.json()

        def do() -> Made:
            values = {
                name: _text(body, name, 500)
                for name in ("notice_url", "notice_secret", "portal_origin")
                if name in body
            }
            if values:
                self.store.update("accounts", account, **values)
            return {"id": account, "live_mode": False}

        return self._call(account, "any", do)

    def open_charge(self, request: Request) -> Response:
        account = self.authenticate(request)
        body = request.json()

        def do() -> Made:
            style = _text(body, "style", 10)
            if style not in ("inline", "hosted"):
                raise Refused(400, "bad_request", "style is inline or hosted.")
            customer, payer = _text(body, "customer", 60), _text(body, "payer", 60)
            if customer and not self.store.get("customers", account, customer):
                raise Refused(400, "bad_customer", "There is no such customer.")
            if not customer and payer:
                customer = charges.customer_for(self.store, account, payer)
            charge = charges.open_charge(
                self.store,
                account,
                style=style,
                reference=_needed(body, "reference", 40),
                amount=_amount(body),
                currency=_currency(body),
                label=_text(body, "label", 100),
                customer=customer,
                return_url=_url(body, "return_url"),
                cancel_url=_url(body, "cancel_url"),
                memo=_text(body, "memo", 10_000),
            )
            return self.show(request, charge)

        return self._call(account, "open", lambda: self._once(account, request, do))

    def commit(self, request: Request, charge_id: str) -> Response:
        account = self.authenticate(request)
        body = request.json()

        def do() -> Made:
            charge = self._charge(account, charge_id)
            if charge["style"] != "inline":
                raise Refused(400, "bad_request", "This charge is paid on its own page.")
            if charge["status"] != "reserved":
                return self.show(request, charge)
            kept = _text(body, "saved_card", 60)
            if kept:
                card = charges.saved_card(self.store, charge, kept)
            else:
                card = charges.use_token(self.store, account, _needed(body, "token", 60))
            save = body.get("save") is True
            return self.show(request, charges.commit(self.store, charge, card, saved_as=kept, save=save))

        before = self.store.get("charges", account, charge_id)
        response = self._call(account, "commit", lambda: self._once(account, request, do))
        after = self.store.get("charges", account, charge_id)
        if after and after["behavior"] == "lost" and before and before["status"] == "reserved":
            return faults.lose_answer()
        return response

    def cancel(self, request: Request) -> Response:
        account = self.authenticate(request)
        reference = _needed(request.json(), "reference", 40)

        def do() -> Made:
            return self.show(request, charges.fence(self.store, account, reference))

        return self._call(account, "cancel", do)

    def get_charge(self, request: Request, charge_id: str) -> Response:
        account = self.authenticate(request)
        return self._call(account, "look_up", lambda: self.show(request, self._charge(account, charge_id)))

    def list_charges(self, request: Request) -> Response:
        """By `reference`, or everything that changed since a moment, the oldest change first, page by page."""
        account = self.authenticate(request)
        reference = request.query.get("reference", "")
        if reference:
            return self._call(account, "look_up", lambda: self._by_reference(request, account, reference))
        return self._call(account, "list", lambda: self._changed_since(request, account))

    def refund(self, request: Request) -> Response:
        account = self.authenticate(request)
        body = request.json()

        def do() -> Made:
            charge = self._charge(account, _needed(body, "charge", 60))
            if _currency(body) != charge["currency"]:
                raise Refused(400, "bad_currency", "The charge has another currency.")
            amount, reference = _amount(body), _needed(body, "reference", 40)
            return show_refund(charge, refunds.refund(self.store, charge, amount=amount, reference=reference))

        return self._call(account, "refund", lambda: self._once(account, request, do))

    def get_refund(self, request: Request, refund_id: str) -> Response:
        account = self.authenticate(request)

        def do() -> Made:
            row = self.store.get("refunds", account, refund_id)
            if row is None:
                raise Refused(404, "not_found", "There is no such refund.")
            return show_refund(self._charge(account, row["charge"]), row)

        return self._call(account, "look_up_refund", do)

    def list_refunds(self, request: Request) -> Response:
        account = self.authenticate(request)
        reference = request.query.get("reference", "")

        def do() -> Made:
            rows = self.store.all(
                "SELECT * FROM refunds WHERE account = ? AND reference = ? AND reference <> ''", account, reference
            )
            return {"data": [show_refund(self._charge(account, row["charge"]), row) for row in rows]}

        return self._call(account, "look_up_refund", do)

    def list_cards(self, request: Request, customer: str) -> Response:
        account = self.authenticate(request)

        def do() -> Made:
            cards = charges.list_cards(self.store, account, customer)
            return {"data": [{**_show_card(card), "id": card["id"], "customer": customer} for card in cards]}

        return self._call(account, "cards", do)

    def forget_card(self, request: Request, customer: str, card_id: str) -> Response:
        account = self.authenticate(request)

        def do() -> Made:
            row = self.store.get("cards", account, card_id)
            if row is None or row["customer"] != customer:
                raise Refused(404, "not_found", "There is no such card.")
            self.store.update("cards", card_id, removed=1)
            return {"id": card_id, "removed": True}

        return self._call(account, "cards", do)

    def list_payouts(self, request: Request) -> Response:
        """Everything that was sent to the bank since a moment, the oldest first, page by page."""
        account = self.authenticate(request)
        since, _, after = request.query.get("made_since", "").partition("|")

        def do() -> Made:
            payouts.refresh(self.store, account)
            rows = self.store.all(
                "SELECT * FROM payouts WHERE account = ? AND (made, id) > (?, ?) ORDER BY made, id LIMIT ?",
                account, since, after, PAGE_SIZE,
            )  # fmt: skip
            following = f"{rows[-1]['made']}|{rows[-1]['id']}" if len(rows) == PAGE_SIZE else ""
            return {"data": [show_payout(row) for row in rows], "next": following}

        return self._call(account, "payouts", do)

    def list_entries(self, request: Request, payout_id: str) -> Response:
        """What is in one payout, page by page."""
        account = self.authenticate(request)
        after = request.query.get("after", "")

        def do() -> Made:
            if self.store.get("payouts", account, payout_id) is None:
                raise Refused(404, "not_found", "There is no such payout.")
            rows = self.store.all(
                "SELECT * FROM entries WHERE account = ? AND payout = ? AND id > ? ORDER BY id LIMIT ?",
                account, payout_id, after, PAGE_SIZE,
            )  # fmt: skip
            names = ("id", "kind", "object", "reference", "amount", "fee", "currency", "made")
            data = [{name: row[name] for name in names} for row in rows]
            return {"data": data, "next": rows[-1]["id"] if len(rows) == PAGE_SIZE else ""}

        return self._call(account, "payouts", do)

    def authenticate(self, request: Request) -> str:
        """The account of the bearer key. An account comes into being with the first key that names it."""
        scheme, _, key = request.headers.get("authorization", "").partition(" ")
        account = request.headers.get("test-account", "")
        if scheme != "Bearer" or not key or not account.startswith("acct_") or len(account) > 60:
            raise Refused(401, "unauthorized", "Send a bearer key and a Test-Account.")
        hashed = hashlib.sha256(key.encode()).hexdigest()
        with self.store.transaction():
            row = self.store.one("SELECT key_hash FROM accounts WHERE id = ?", account)
            if row is None:
                self.store.insert(
                    "accounts", id=account, key_hash=hashed, notice_url="", notice_secret="", portal_origin=""
                )
            elif not hmac.compare_digest(row["key_hash"], hashed):
                raise Refused(401, "unauthorized", "This key is not of this account.")
        return account

    def show(self, request: Request, charge: Row) -> Made:
        """A charge as the API tells it, with its refunds, its disputes and, where one is due, the next page."""
        given_back = self.store.all("SELECT * FROM refunds WHERE charge = ? ORDER BY made, id", charge["id"])
        disputed = self.store.all("SELECT * FROM disputes WHERE charge = ? ORDER BY made, id", charge["id"])
        return {
            **{
                name: charge[name]
                for name in ("id", "reference", "amount", "currency", "status", "customer", "memo")
            },
            "amount_captured": charge["captured"],
            "fee": payouts.fee_of(self.store, charge["id"]),
            "decline_code": charge["decline"],
            "card": _show_card(charge) if charge["brand"] else None,
            "kept_card": charge["saved_card"] if charge["save"] else "",
            "next_url": _next_url(request.origin, charge),
            "live_mode": False,
            "made": charge["made"],
            "changed": charge["changed"],
            "refunds": [show_refund(charge, row) for row in given_back],
            "disputes": [_show_dispute(charge, row) for row in disputed],
        }

    def _call(self, account: str, name: str, do: Callable[[], Made]) -> Response:
        def alone() -> Response:
            with self.store.transaction():
                return answer(do())

        return faults.suffer(self.store, account, name, alone)

    def _once(self, account: str, request: Request, do: Callable[[], Made]) -> Made:
        """The same key with the same content answers the same again; with other content it is refused."""
        key = request.headers.get("idempotency-key", "")
        if not 8 <= len(key) <= 64:
            raise Refused(400, "bad_key", "Send an Idempotency-Key of 8 to 64 characters.")
        content = request.path.encode() + b"\n" + json.dumps(request.json(), sort_keys=True).encode()
        fingerprint = hashlib.sha256(content).hexdigest()
        known = self.store.one("SELECT * FROM keys WHERE account = ? AND key = ?", account, key)
        if known and known["fingerprint"] != fingerprint:
            raise Refused(409, "key_reused", "This key was used with other content.")
        if known:
            value: Made = json.loads(known["object"])
            return value
        made = do()
        self.store.insert("keys", account=account, key=key, fingerprint=fingerprint, object=json.dumps(made))
        return made

    def _charge(self, account: str, charge_id: str) -> Row:
        if self.store.get("charges", account, charge_id) is None:
            raise Refused(404, "not_found", "There is no such charge.")
        return charges.read(self.store, charge_id)

    def _by_reference(self, request: Request, account: str, reference: str) -> Made:
        charge = charges.find_by_reference(self.store, account, reference)
        return {"data": [self.show(request, charge)] if charge else []}

    def _changed_since(self, request: Request, account: str) -> Made:
        since, _, after = request.query.get("changed_since", "").partition("|")
        rows = self.store.all(
            "SELECT * FROM charges WHERE account = ? AND (changed, id) > (?, ?) ORDER BY changed, id LIMIT ?",
            account,
            since,
            after,
            PAGE_SIZE,
        )
        following = f"{rows[-1]['changed']}|{rows[-1]['id']}" if len(rows) == PAGE_SIZE else ""
        return {"data": [self.show(request, row) for row in rows], "next": following}


def show_refund(charge: Row, row: Row) -> Made:
    return {
        **{name: row[name] for name in ("id", "charge", "reference", "amount", "status", "made")},
        "currency": charge["currency"],
    }


def show_payout(row: Row) -> Made:
    return {
        **{name: row[name] for name in ("id", "amount", "currency", "status", "made")},
        "arrives_on": row["arrives"],
    }


def _show_dispute(charge: Row, row: Row) -> Made:
    return {
        **{name: row[name] for name in ("id", "amount", "withheld", "status", "made")},
        "currency": charge["currency"],
    }


def _show_card(row: Row) -> Made:
    return {name: row[name] for name in ("brand", "last4", "exp_month", "exp_year")}


def _next_url(origin: str, charge: Row) -> str:
    if charge["status"] == "bank_check":
        return f"{origin}/bank/{charge['page']}/"
    if charge["status"] == "reserved" and charge["style"] == "hosted":
        return f"{origin}/pay/{charge['page']}/"
    return ""


def _text(body: Made, name: str, limit: int) -> str:
    value = body.get(name, "")
    if not isinstance(value, str) or len(value) > limit:
        raise Refused(400, "bad_request", f"{name} is a text of at most {limit} characters.")
    return value


def _needed(body: Made, name: str, limit: int) -> str:
    value = _text(body, name, limit)
    if not value:
        raise Refused(400, "bad_request", f"{name} is missing.")
    return value


def _amount(body: Made) -> int:
    value = body.get("amount")
    if type(value) is not int or not 0 < value <= 100_000_000:
        raise Refused(400, "bad_amount", "amount is a whole number of minor units above zero.")
    return value


def _currency(body: Made) -> str:
    value = _needed(body, "currency", 3)
    if not (len(value) == 3 and value.isascii() and value.isupper()):
        raise Refused(400, "bad_currency", "currency is an ISO 4217 code.")
    return value


def _url(body: Made, name: str) -> str:
    value = _needed(body, name, 1000)
    parts = urlsplit(value)
    if parts.scheme not in ("http", "https") or not parts.netloc:
        raise Refused(400, "bad_url", f"{name} is an http or https address.")
    return value
