"""What the test processor is told to do wrong, for the next calls of one account."""

from __future__ import annotations

import json
import time
from collections.abc import Callable

from paywell.processors.testbench.store import Row, Store
from paywell.processors.testbench.web import Refused, Response, answer

#: Calls that can be told to go wrong; `any` matches whichever of the HTTP calls comes first.
CALLS = (
    "open",
    "commit",
    "cancel",
    "look_up",
    "refund",
    "look_up_refund",
    "list",
    "cards",
    "payouts",
    "page_submit",
)
KINDS = {
    "silent_before": "says nothing until the caller gives up; nothing happened",
    "silent_after": "does it, then says nothing until the caller gives up",
    "late_effect": "says nothing until the caller has given up, then does it",
    "drop_before": "closes the connection; nothing happened",
    "drop_after": "does it, then closes the connection without an answer",
    "error_before": "answers 500; nothing happened",
    "error_after": "does it, then answers 500",
    "rate_limited": "answers 429; nothing happened",
    "garbage": "does it, then answers 200 with a page of HTML",
    "truncated": "does it, then answers half of its JSON",
    "unknown_word": "does it, then answers a status that nobody knows",
    "without_amount": "does it, then answers without the amount",
    "without_reference": "does it, then answers without our reference",
}
#: Faults of other things than the calls: what is captured, what a refund does, how notices travel.
OTHERS = {
    "capture": ("other_amount",),  # value: the amount in minor units
    "refund_result": ("pending",),
    "notice": ("twice", "late", "lost", "held", "forged"),  # value of late: seconds
}


def script(store: Store, account: str, *, call: str, kind: str, value: str = "", times: int = 1) -> None:
    """Queue a fault. Raises Refused for one that does not exist."""
    known = KINDS if call in CALLS or call == "any" else OTHERS.get(call, ())
    if kind not in known or times < 1:
        raise Refused(400, "bad_fault", "There is no such fault.")
    store.insert("faults", account=account, call=call, kind=kind, value=value, times=times)


def clear(store: Store, account: str) -> None:
    store.execute("DELETE FROM faults WHERE account = ?", account)


def take(store: Store, account: str, *calls: str) -> Row | None:
    """The next fault for one of `calls`, used up by one."""
    marks = ", ".join("?" for _ in calls)
    with store.transaction():
        fault = store.one(
            f"SELECT * FROM faults WHERE account = ? AND call IN ({marks}) ORDER BY number",  # noqa: S608
            account,
            *calls,
        )
        if fault and fault["times"] > 1:
            store.execute("UPDATE faults SET times = times - 1 WHERE number = ?", fault["number"])
        elif fault:
            store.execute("DELETE FROM faults WHERE number = ?", fault["number"])
    return fault


def captured_amount(store: Store, charge: Row) -> int:
    fault = take(store, charge["account"], "capture")
    return int(fault["value"]) if fault else int(charge["amount"])


def refund_waits(store: Store, account: str) -> bool:
    return take(store, account, "refund_result") is not None


def suffer(store: Store, account: str, call: str, do: Callable[[], Response]) -> Response:
    """Run `do` as one call of the API, with the next fault that was queued for it."""
    fault = take(store, account, call, "any")
    if fault is None:
        return do()
    kind = str(fault["kind"])
    if kind == "rate_limited":
        raise Refused(429, "rate_limited", "Too many requests.")
    if kind == "error_before":
        raise Refused(500, "internal", "Something went wrong on our side.")
    if kind in ("silent_before", "late_effect"):
        time.sleep(store.timing.silence_s)
    if kind in ("silent_before", "drop_before"):
        raise ConnectionAbortedError("dropped as scripted")
    return _spoil(store, kind, do())


def lose_answer() -> Response:
    """Close the connection without a byte: the server stops at this error, the caller sees no answer."""
    raise ConnectionAbortedError("dropped as scripted")


def _spoil(store: Store, kind: str, response: Response) -> Response:
    if kind == "silent_after":
        time.sleep(store.timing.silence_s)
    if kind in ("silent_after", "late_effect", "drop_after"):
        return lose_answer()
    if kind == "error_after":
        raise Refused(500, "internal", "Something went wrong on our side.")
    if kind == "garbage":
        return Response(200, b"<html><body>502 Bad Gateway</body></html>", {"Content-Type": "text/html"})
    if kind == "truncated":
        return Response(200, response.body[: len(response.body) // 2], response.headers)
    value = json.loads(response.body)
    for each in [value, *value.get("data", [])]:
        if kind == "unknown_word" and "status" in each:
            each["status"] = "transmogrified"
        elif kind == "without_amount":
            each.pop("amount_captured", None)
            each.pop("amount", None)
        elif kind == "without_reference":
            each.pop("reference", None)
    return answer(value, response.status)
