"""The accounts of the fake and what lies in them. Plain dicts, as Stripe's JSON has them."""

from __future__ import annotations

import secrets
import threading
import time
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

Thing = dict[str, Any]

#: Card numbers that are answered with a decline: decline code, and the error code where it says more.
DECLINES = {
    "4000000000000002": ("generic_decline", "card_declined"),
    "4000000000009995": ("insufficient_funds", "card_declined"),
    "4000000000009987": ("lost_card", "card_declined"),
    "4000000000000069": ("expired_card", "expired_card"),
    "4000000000000127": ("incorrect_cvc", "incorrect_cvc"),
    "4000000000000119": ("processing_error", "processing_error"),
}
BANK_CHECK = "4000002500003155"
#: Not Stripe's: cards by which the suite makes an answer come late or get lost.
LATE, LOST = "4242000000000018", "4242000000000026"
BRANDS = {"4": "visa", "5": "mastercard", "3": "amex", "6": "discover"}


class StripeError(Exception):
    """An error as Stripe answers it."""

    def __init__(
        self, status: int, code: str, message: str, kind: str = "invalid_request_error", **more: Any
    ) -> None:
        super().__init__(message)
        self.status = status
        body = {"type": kind, "code": code, "message": message, **more}
        self.body = {"error": {name: value for name, value in body.items() if value}}


def missing(kind: str, name: str) -> StripeError:
    return StripeError(404, "resource_missing", f"No such {kind}: '{name}'", param="id")


@dataclass
class Account:
    """One Stripe account in test mode, with its keys."""

    secret_key: str = field(default_factory=lambda: f"sk_test_{secrets.token_hex(12)}")
    publishable_key: str = field(default_factory=lambda: f"pk_test_{secrets.token_hex(12)}")
    notice_secret: str = field(default_factory=lambda: f"whsec_{secrets.token_hex(16)}")
    notice_url: str = ""
    charges_enabled: bool = True
    things: dict[str, Thing] = field(default_factory=dict)
    events: list[Thing] = field(default_factory=list)
    keys: dict[str, Any] = field(default_factory=dict)
    faults: list[dict[str, Any]] = field(default_factory=list)
    lock: threading.RLock = field(default_factory=threading.RLock)
    deliver: Callable[[Account, Thing], None] | None = None
    clock: Callable[[], float] = time.time
    ahead_s: int = 0
    _number: int = 0

    def wait(self, seconds: int) -> None:
        """Time passes."""
        self.ahead_s += seconds

    def new(self, prefix: str, kind: str, **values: Any) -> Thing:
        with self.lock:
            self._number += 1
            thing = {
                "id": f"{prefix}_{secrets.token_hex(8)}", "object": kind,
                "created": int(self.clock()) + self.ahead_s, "livemode": False, "number": self._number, **values,
            }  # fmt: skip
            self.things[thing["id"]] = thing
            return thing

    def get(self, kind: str, name: str) -> Thing:
        found = self.things.get(name)
        if found is None or found["object"] != kind:
            raise missing(kind, name)
        return found

    def all(self, kind: str) -> list[Thing]:
        """The newest first, as every list of Stripe's is."""
        found = [each for each in self.things.values() if each["object"] == kind]
        return sorted(found, key=lambda each: -each["number"])

    def tell(self, kind: str, thing: Thing) -> None:
        """An event, and its notice."""
        snapshot = {name: value for name, value in thing.items() if name not in ("number", "card_number")}
        event = self.new("evt", "event", type=kind, data={"object": snapshot}, api_version="2026-10-28.endive")
        self.events.append(event)
        if self.deliver is not None:
            self.deliver(self, event)

    def fault(self, *calls: str) -> dict[str, Any] | None:
        """The next fault that was queued for one of these calls, used up by one."""
        with self.lock:
            for fault in self.faults:
                if fault["call"] in calls:
                    fault["times"] -= 1
                    if fault["times"] == 0:
                        self.faults.remove(fault)
                    return fault
        return None

    # What happens in the payer's browser and at the bank

    def tokenize(self, number: str, exp: str = "12/40") -> str:
        """Stripe.js: what was typed becomes a confirmation token, good for once."""
        method = self.typed(number, exp)
        token = self.new(
            "ctoken", "confirmation_token", payment_method_data=method, used=False, use_stripe_sdk=True
        )
        return str(token["id"])

    def typed(self, number: str, exp: str) -> Thing:
        month, year = exp.split("/")
        card = {
            "brand": BRANDS.get(number[0], "unknown"), "last4": number[-4:], "exp_month": int(month),
            "exp_year": 2000 + int(year), "fingerprint": f"fp{zlib.crc32(number.encode()):x}", "funding": "credit",
        }  # fmt: skip
        return {
            "type": "card",
            "card": card,
            "card_number": number,
            "customer": None,
            "allow_redisplay": "unspecified",
        }

    def add_method(self, data: Thing) -> Thing:
        return self.new("pm", "payment_method", **{**data, "card": dict(data["card"])})
