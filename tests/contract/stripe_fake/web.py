"""The fake over HTTP: keys, idempotency, faults, expanding, and the pages that Stripe shows to payers."""

from __future__ import annotations

import copy
import html
import json
import re
import threading
import time
import urllib.request
from typing import Any
from urllib.parse import parse_qs, parse_qsl

import stripe

from tests.contract.serving import SILENCE_S, Request, Response
from tests.contract.stripe_fake import api, money
from tests.contract.stripe_fake.store import LOST, Account, StripeError, Thing

Answer = tuple[int, dict[str, str], bytes]

_BANK = (
    '<h1>Your bank</h1><p>Is it you who pays?</p><form method="post">'
    '<button name="answer" value="approve">Approve</button> '
    '<button name="answer" value="refuse">Refuse</button></form>'
)
_EXPANDABLE = {
    "latest_charge": "charge", "payment_intent": "payment_intent", "payment_method": "payment_method",
    "customer": "customer", "source": "source",
}  # fmt: skip


class Dropped(Exception):
    """Close the connection without a byte, after so much silence."""

    def __init__(self, silence_s: float = 0) -> None:
        super().__init__()
        self.silence_s = silence_s


class Fake:
    """All accounts, behind one address (`tests.contract.serving`). `sent` keeps every request to the API."""

    def __init__(self) -> None:
        self.accounts: dict[str, Account] = {}
        self.sent: list[tuple[Request, dict[str, Any]]] = []
        self.lock = threading.RLock()

    def add_account(self) -> Account:
        account = Account(deliver=deliver)
        with self.lock:
            self.accounts[account.secret_key] = account
        return account

    def __call__(self, request: Request) -> Response:
        try:
            if request.path.startswith("/v1/"):
                status, headers, content = self._call(request)
            else:
                status, headers, content = self._page(request, dict(parse_qsl(request.body.decode())))
        except StripeError as error:
            status, headers, content = error.status, {}, _json(error.body)
        except Dropped as dropped:
            return Response(drop=True, silence_s=dropped.silence_s)
        kind = headers.pop("Content-Type", "application/json")
        return Response(status, content, kind, headers)

    # The API

    def _call(self, request: Request) -> Answer:
        params = decode(request.body.decode() if request.method == "POST" else request.query)
        key = request.headers.get("authorization", "").removeprefix("Bearer ")
        self.sent.append((request, copy.deepcopy(params)))
        account = self.accounts.get(key)
        if account is None:
            raise StripeError(401, "", "Invalid API Key provided.", "authentication_error")
        calls, handle, name = _route(request.method, request.path)
        params |= {"id": name, "path": request.path, "base_url": request.origin}
        fault = account.fault(*calls, "any")
        kind = str(fault["kind"]) if fault else ""
        suffer_before(kind)
        if kind == "late_effect":
            time.sleep(SILENCE_S)
        status, more, content = self._once(account, request, params, handle, kind)
        return spoil(kind, status, more, content)

    def _once(
        self, account: Account, request: Request, params: dict[str, Any], handle: api.Handler, kind: str
    ) -> Answer:
        """Do it; or replay what was answered under the same key, whatever that was."""
        key = request.headers.get("idempotency-key", "")
        asked = json.dumps([request.path, params], sort_keys=True)
        with account.lock:
            kept = account.keys.get(key) if key else None
            if kept is not None:
                if kept[0] != asked:
                    message = "Keys for idempotent requests can only be used with the same parameters."
                    raise StripeError(400, "idempotency_key_in_use", message, "idempotency_error")
                return kept[1], {"Idempotent-Replayed": "true"}, kept[2]
            is_kept = True
            try:
                thing, status = handle(account, params), 200
                content = _json(render(account, thing, params.get("expand", [])))
            except api.AnswerLost:
                lost = account.things[params["id"]]
                account.keys[key] = (asked, 200, _json(render(account, lost, params.get("expand", []))))
                raise Dropped from None
            except StripeError as error:
                status, content = error.status, _json(error.body)
                is_kept = status == 402  # what did not pass validation is not kept
            if kind == "error_after":
                status, content = 500, _json({"error": {"type": "api_error", "message": "An error occurred."}})
                is_kept = True
            if key and is_kept:
                account.keys[key] = (asked, status, content)
            return status, {}, content

    # Stripe's pages

    def _page(self, request: Request, form: dict[str, str]) -> Answer:
        found = re.fullmatch(r"/(c/pay|bank)/([a-z_0-9]+)/?", request.path)
        account = next((each for each in self.accounts.values() if found and found[2] in each.things), None)
        if not found or account is None:
            return _html("<h1>Not found</h1>", 404)
        thing = account.things[found[2]]
        if found[1] == "bank":
            return self._bank(account, thing, request.method, form)
        return self._checkout(account, thing, request.method, form)

    def _bank(self, account: Account, intent: Thing, method: str, form: dict[str, str]) -> Answer:
        if method == "GET":
            return _html(_BANK)
        back = intent["next_action"]["redirect_to_url"]["return_url"] if intent["next_action"] else "/"
        with account.lock:
            money.answer_bank(account, intent, approve=form.get("answer") == "approve")
        return 303, {"Location": back}, b""

    def _checkout(self, account: Account, session: Thing, method: str, form: dict[str, str]) -> Answer:
        if session["status"] != "open":
            return _html("<h1>This page has been used or has expired</h1>", 410)
        if method == "GET":
            return _html(_checkout_page(account, session))
        fault = account.fault("page_submit")
        kind = str(fault["kind"]) if fault else ""
        suffer_before(kind)
        with account.lock:
            status, headers, content = self._pay(account, session, form)
        return spoil(kind, status, headers, content)

    def _pay(self, account: Account, session: Thing, form: dict[str, str]) -> Answer:
        """Submit on the hosted page: with a card that lies there, or with a new one."""
        intent = account.things.get(session["payment_intent"] or "")
        if intent is None:
            values = {"amount": session["amount_total"], "currency": session["currency"]}
            intent = account.new(
                "pi", "payment_intent", **api.new_intent({}), **values, customer=session["customer"],
                metadata=session["intent_metadata"],
            )  # fmt: skip
            session["payment_intent"] = intent["id"]
        if form.get("answer"):
            money.answer_bank(account, intent, approve=form["answer"] == "approve")
        else:
            try:
                self._confirm(account, session, intent, form)
            except StripeError as error:
                return _html(_checkout_page(account, session, str(error)), 402)
        if intent["status"] == "requires_action":
            return _html(_BANK)
        if intent["status"] not in ("succeeded", "processing"):
            return _html(_checkout_page(account, session, "Your bank said no."), 402)
        session |= {"status": "complete", "url": None}
        session["payment_status"] = "paid" if intent["status"] == "succeeded" else "unpaid"
        account.tell("checkout.session.completed", session)
        if account.things[intent["payment_method"]]["card_number"] == LOST:
            raise Dropped
        return 303, {"Location": session["success_url"]}, b""

    def _confirm(self, account: Account, session: Thing, intent: Thing, form: dict[str, str]) -> None:
        if form.get("method", "new") != "new":
            method = account.things.get(form["method"])
            if method is None or not session["customer"] or method["customer"] != session["customer"]:
                raise StripeError(400, "", "This card can't be used.")
        else:
            account.wait(1)  # somebody types, longer than a second
            method = account.add_method(account.typed(form["number"].replace(" ", ""), form.get("exp", "12/40")))
            account.wait(1)
            if form.get("save") and session["may_save"] and session["customer"]:
                intent["setup_future_usage"], method["allow_redisplay"] = "on_session", "always"
        money.confirm(account, intent, method, return_url="", use_sdk=True, bank_url="", off_session=False)


def _route(method: str, path: str) -> tuple[tuple[str, ...], api.Handler, str]:
    for each, pattern, calls, handle in api.ROUTES:
        found = re.fullmatch(pattern.replace(":id", r"([A-Za-z0-9_]+)"), path)
        if found and each == method:
            return calls, handle, found[1] if found.groups() else ""
    raise StripeError(404, "", f"Unrecognized request URL ({method}: {path}).")


def suffer_before(kind: str) -> None:
    if kind in ("silent_before", "drop_before"):
        raise Dropped(SILENCE_S if kind == "silent_before" else 0)
    if kind == "error_before":  # before it was looked at: nothing is kept under its key
        raise StripeError(503, "", "Service unavailable.", "api_error")
    if kind == "forbidden":  # a restricted key without this right
        raise StripeError(403, "", "The provided key does not have the required permissions.")
    if kind == "rate_limited":
        raise StripeError(429, "rate_limit", "Too many requests.")


def spoil(kind: str, status: int, headers: dict[str, str], content: bytes) -> Answer:
    """What becomes of an answer on its way."""
    if kind in ("silent_after", "late_effect", "drop_after"):
        raise Dropped(SILENCE_S if kind == "silent_after" else 0)
    if kind == "error_after" and status != 500:  # of a page
        return 500, headers, b"error"
    if kind == "garbage":
        return 200, {"Content-Type": "text/html"}, b"<html><body>502 Bad Gateway</body></html>"
    if kind == "truncated":
        return status, headers, content[: len(content) // 2]
    if kind in ("unknown_word", "without_amount", "without_reference"):
        return status, headers, _json(_distort(json.loads(content), kind))
    return status, headers, content


def _distort(value: Any, kind: str) -> Any:
    if isinstance(value, list):
        return [_distort(each, kind) for each in value]
    if not isinstance(value, dict):
        return value
    changed = {name: _distort(each, kind) for name, each in value.items()}
    is_charge = changed.get("object") in ("payment_intent", "checkout.session", "refund")
    if kind == "unknown_word" and is_charge:
        changed["status"] = "transmogrified"
    if kind == "without_amount":
        changed.pop("amount_received", None)
        if changed.get("object") == "refund":
            changed.pop("amount", None)
    if kind == "without_reference" and is_charge:
        changed["metadata"] = {}
    return changed


def render(account: Account, thing: Thing, expand: list[str]) -> Thing:
    """As the API answers: names of other things, unless they were asked to be expanded."""
    hidden = ("number", "card_number", "payout", "may_save", "intent_metadata", "label", "used")
    shown = {name: value for name, value in thing.items() if name not in hidden}
    if shown["object"] == "list":
        inner = [each.removeprefix("data.") for each in expand]
        return {**shown, "data": [render(account, each, inner) for each in shown["data"]]}
    for path in expand:
        name, _, rest = path.partition(".")
        if name == "refunds" and shown["object"] == "charge":
            refunds = [each for each in account.all("refund") if each["charge"] == shown["id"]]
            data = [render(account, each, []) for each in refunds[:10]]
            shown["refunds"] = {"object": "list", "data": data, "has_more": len(refunds) > 10}
        elif name not in _EXPANDABLE:
            raise StripeError(400, "", f"This property cannot be expanded ({path}).", param="expand")
        elif isinstance(shown.get(name), str):
            shown[name] = render(account, account.things[shown[name]], [rest] if rest else [])
    return shown


def decode(form: str) -> dict[str, Any]:
    """`a[b][0]=c` as nested values: what stripe-python encodes."""
    decoded: dict[str, Any] = {}
    for name, values in parse_qs(form, keep_blank_values=True).items():
        parts = re.findall(r"[^\[\]]+", name)
        place: Any = decoded
        for part in parts[:-1]:
            place = place.setdefault(part, {})
        place[parts[-1]] = values[0]
    return {name: _listed(value) for name, value in decoded.items()}


def _listed(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    inner = {name: _listed(each) for name, each in value.items()}
    if inner and all(name.isdigit() for name in inner):
        return [inner[name] for name in sorted(inner, key=int)]
    return inner


def _checkout_page(account: Account, session: Thing, problem: str = "") -> str:
    own = [
        each
        for each in account.all("payment_method")
        if session["customer"] and each["customer"] == session["customer"]
    ]
    cards = "".join(
        f'<label><input type="radio" name="method" value="{each["id"]}"> '
        f"{each['card']['brand']} {each['card']['last4']}</label>"
        for each in own
        if each["allow_redisplay"] == "always"
    )
    save = (
        '<label><input type="checkbox" name="save" value="yes"> Save my card</label>' if session["may_save"] else ""
    )
    return (
        f"<h1>{html.escape(session['label'])}</h1><p role='alert'>{html.escape(problem)}</p>"
        f"<p>{session['amount_total'] / 100:.2f} {session['currency']}</p><form method='post'>{cards}"
        "<label><input type='radio' name='method' value='new' checked> New card</label>"
        f"<label>Card number <input name='number'></label>{save}<button>Pay</button></form>"
        f"<a href='{html.escape(session['cancel_url'] or '/')}'>Back</a>"
    )


def _html(text: str, status: int = 200) -> Answer:
    page = f"<!doctype html><html lang='en'><title>Stripe</title><body>{text}</body></html>"
    return status, {"Content-Type": "text/html; charset=utf-8"}, page.encode()


def _json(value: Any) -> bytes:
    return json.dumps(value).encode()


def sign(body: str, secret: str, at: int) -> str:
    return stripe.WebhookSignature.generate_signature_header(body, secret, at)


def deliver(account: Account, event: Thing) -> None:
    """Send the notice from a thread of its own; what goes wrong with it is scripted as `notice`."""
    if not account.notice_url:
        return
    body = json.dumps({name: value for name, value in event.items() if name != "number"})
    fault = account.fault("notice")
    kind = fault["kind"] if fault else ""
    times = {"lost": 0, "twice": 2}.get(kind, 1)
    secret = "whsec_somebody_else" if kind == "forged" else account.notice_secret
    header = sign(body, secret, int(account.clock()))

    def post() -> None:
        for _ in range(times):
            request = urllib.request.Request(
                account.notice_url, body.encode(), {"Stripe-Signature": header, "Content-Type": "application/json"}
            )
            try:
                urllib.request.urlopen(request, timeout=5).close()
            except OSError:
                return

    threading.Thread(target=post, daemon=True).start()
