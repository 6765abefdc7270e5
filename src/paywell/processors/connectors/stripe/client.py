"""How a byte leaves for Stripe: one client for each account, our HTTP rules, no retries, no telemetry."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import httpx
import stripe

from paywell.core import http
from paywell.processors.contract import Connection

#: What is sent and understood here. Raised by hand, after its changelog was read and the suite has passed.
API_VERSION: Final = "2026-10-28.endive"
ADDRESS: Final = "https://api.stripe.com"
#: Instead of a key, for calls that are safe to repeat by nature: the SDK would make up one of its own.
WITHOUT_KEY: Final = "none"

_SENT_HEADERS: Final = frozenset({"authorization", "content-type", "idempotency-key", "stripe-version"})


class Transport(stripe.HTTPClient):
    """Stripe's SDK over our own HTTP client. Errors of the network arrive as they are (`processors.guard`)."""

    name = "paywell"

    def __init__(self, base_url: str, timeout_s: float) -> None:
        super().__init__()
        self._client = http.client(base_url, timeout_s=timeout_s)

    def request(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str] | None,
        post_data: Any = None,
        *,
        _usage: list[str] | None = None,
    ) -> tuple[str, int, Mapping[str, str]]:
        """One request, without what the SDK tells about this machine."""
        sent = {name: value for name, value in (headers or {}).items() if name.lower() in _SENT_HEADERS}
        if sent.get("Idempotency-Key") == WITHOUT_KEY:
            del sent["Idempotency-Key"]
        sent["User-Agent"] = "Paywell"
        response = self._client.request(method.upper(), url, headers=sent, content=post_data or None)
        return response.text, response.status_code, response.headers

    def close(self) -> None:
        self._client.close()


def make_client(connection: Connection, *, timeout_s: float = http.QUICK_TIMEOUT_S) -> stripe.StripeClient:
    """The SDK's client for one account; nothing is set globally. `api_base` and `timeout_s` are for tests."""
    base_url = connection.settings.get("api_base") or ADDRESS
    timeout_s = float(connection.settings.get("timeout_s") or timeout_s)
    return stripe.StripeClient(
        connection.secrets["secret_key"],
        stripe_version=API_VERSION,
        base_addresses={"api": base_url},
        http_client=Transport(base_url, timeout_s),
        max_network_retries=0,
    )


def had_no_effect(error: stripe.StripeError) -> bool:
    """Whether Stripe refused the call before it did anything. A key used for something else is not among them."""
    if isinstance(error, stripe.IdempotencyError):
        return False
    return error.http_status in (400, 401, 403, 404, 429)


def describe(error: stripe.StripeError) -> str:
    """For the log: status and Stripe's own code, never its text, which may repeat what was sent."""
    return f"refused: {error.http_status} {error.code or type(error).__name__}"


def is_gone(error: stripe.StripeError) -> bool:
    return error.http_status == 404 or error.code == "resource_missing"


def is_replay(said: Any) -> bool:
    """Whether this answer or error is that of an earlier request under the same key, and may be out of date."""
    if isinstance(said, stripe.StripeError):
        headers = said.headers
    else:
        headers = getattr(getattr(said, "last_response", None), "headers", None)
    return httpx.Headers(dict(headers or {})).get("idempotent-replayed") == "true"
