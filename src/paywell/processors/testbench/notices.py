"""Notices: signed events posted to an account's address, and tried again a few times."""

from __future__ import annotations

import hashlib
import hmac
import json

import httpx

from paywell.core import http
from paywell.core.clock import now
from paywell.processors.testbench import faults
from paywell.processors.testbench.store import Row, Store, new_object_id, stamp


def announce(store: Store, charge: Row, kind: str) -> None:
    """Queue an event about `charge`, with whatever was scripted for its journey."""
    account = store.one("SELECT * FROM accounts WHERE id = ?", charge["account"])
    if account is None or not account["notice_url"]:
        return
    fault = faults.take(store, charge["account"], "notice")
    trick = fault["kind"] if fault else ""
    event_id = new_object_id("evt")
    due = stamp(float(fault["value"] or 5)) if fault and trick == "late" else stamp()
    state = {"lost": "lost", "held": "held", "forged": "forged"}.get(trick, "waiting")
    for _ in range(2 if trick == "twice" else 1):
        store.insert(
            "notices", id=event_id, account=charge["account"], kind=kind, charge=charge["id"],
            reference=charge["reference"], made=stamp(), due=due, state=state,
        )  # fmt: skip


def release(store: Store, account: str) -> None:
    """Send the held ones now, the latest first: out of order."""
    held = store.all("SELECT number FROM notices WHERE account = ? AND state = 'held' ORDER BY number", account)
    for position, notice in enumerate(reversed(held)):
        store.execute(
            "UPDATE notices SET state = 'waiting', due = ? WHERE number = ?",
            stamp(position / 1000 - 60),
            notice["number"],
        )


def sign(secret: str, body: bytes, timestamp: int) -> str:
    """The value of the Test-Signature header."""
    digest = hmac.new(secret.encode(), f"{timestamp}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={timestamp},v1={digest}"


def deliver_due(store: Store) -> int:
    """Post every notice that is due once. Returns how many were accepted."""
    due = store.all(
        "SELECT * FROM notices WHERE state IN ('waiting', 'forged') AND due <= ? ORDER BY due, number LIMIT 50",
        stamp(),
    )
    accepted = 0
    for notice in due:
        account = store.one("SELECT * FROM accounts WHERE id = ?", notice["account"])
        if account and _post(account, notice):
            accepted += 1
            store.execute("UPDATE notices SET state = 'sent' WHERE number = ?", notice["number"])
        else:
            _postpone(store, notice)
    return accepted


def _post(account: Row, notice: Row) -> bool:
    body = json.dumps(
        {
            "id": notice["id"],
            "type": notice["kind"],
            "account": account["id"],
            "live_mode": False,
            "made": notice["made"],
            "data": {"charge": notice["charge"], "reference": notice["reference"]},
        }
    ).encode()
    secret = "forged" if notice["state"] == "forged" else account["notice_secret"]
    headers = {
        "Content-Type": "application/json",
        "Test-Signature": sign(secret, body, int(now().timestamp())),
    }
    try:
        with http.client(account["notice_url"], timeout_s=5) as client:
            return client.post(account["notice_url"], content=body, headers=headers).is_success
    except (httpx.HTTPError, httpx.InvalidURL):
        return False


def _postpone(store: Store, notice: Row) -> None:
    delays = store.timing.retry_s
    tries = int(notice["tries"])
    if tries >= len(delays):
        store.execute("UPDATE notices SET state = 'given_up' WHERE number = ?", notice["number"])
        return
    store.execute(
        "UPDATE notices SET tries = ?, due = ? WHERE number = ?", tries + 1, stamp(delays[tries]), notice["number"]
    )
