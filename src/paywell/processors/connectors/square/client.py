"""Square's own SDK over our own HTTP: one deadline for each call, no repeats by itself, errors by their code."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

import httpx
from square import Square
from square.core.api_error import ApiError
from square.core.pagination import SyncPager
from square.core.request_options import RequestOptions

from paywell.core import http
from paywell.processors.contract import Connection

LIVE_API: Final = "https://connect.squareup.com"
TEST_API: Final = "https://connect.squareupsandbox.com"
#: The version of Square's API whose words we know.
VERSION: Final = "2025-08-20"
#: No repeats: what may be sent again, and with which key, is decided here and nowhere else.
OPTIONS: Final[RequestOptions] = {"max_retries": 0}

#: Refused before anything was done. A reused key or a conflict (409) is not among them.
_UNEXECUTED: Final = frozenset({400, 401, 402, 403, 404, 422, 429})

Found = TypeVar("Found")


class Refused(Exception):
    """The API answered with an error. `body` may hold a payment that failed; it is never logged."""

    def __init__(self, status: int, category: str, code: str, body: Any = None) -> None:
        super().__init__(f"{status} {code}")
        self.status = status
        self.category = category
        self.code = code
        self.body = body

    @property
    def had_no_effect(self) -> bool:
        return self.status in _UNEXECUTED and self.code != "IDEMPOTENCY_KEY_REUSED"


@dataclass(frozen=True, slots=True)
class Api:
    """The API for one account. Raises httpx errors, Refused, and ValueError for what can't be understood."""

    base_url: str
    access_token: str = field(repr=False)
    location_id: str
    currency: str
    timeout_s: float | None = None  #: instead of the usual ones, for tests

    @classmethod
    def of(cls, connection: Connection) -> Api:
        """Live and test mode never share an address; another one (a stand-in's) only in test mode."""
        settings = connection.settings
        timeout = settings.get("timeout_s")
        base_url = LIVE_API if connection.live_mode else (settings.get("api_url") or TEST_API)
        return cls(
            base_url.rstrip("/"),
            connection.secrets.get("access_token", ""),
            settings.get("location_id", ""),
            settings.get("currency") or "USD",
            float(timeout) if timeout else None,
        )

    def call(self, ask: Callable[[Square], Found], *, may_take_long: bool = False) -> Found:
        """What `ask` gets of the SDK."""
        usual = http.CHARGE_TIMEOUT_S if may_take_long else http.QUICK_TIMEOUT_S
        timeout_s = self.timeout_s or usual
        with http.client(self.base_url, timeout_s=timeout_s) as client:
            sdk = Square(
                base_url=self.base_url,
                token=self.access_token,
                version=VERSION,
                timeout=timeout_s,
                httpx_client=client,
            )
            try:
                return ask(sdk)
            except ApiError as error:
                raise _refusal(error) from None

    def each(self, ask: Callable[[Square], SyncPager[Found, Any]]) -> Iterator[Found]:
        """Every item of a list to its end; each page within its own deadline."""
        page: SyncPager[Found, Any] | None = None
        with http.client(self.base_url, timeout_s=self.timeout_s or http.QUICK_TIMEOUT_S) as client:
            sdk = Square(
                base_url=self.base_url, token=self.access_token, version=VERSION, httpx_client=client
            )  # fmt: skip
            while True:
                try:
                    page = ask(sdk) if page is None else page.next_page()
                except ApiError as error:
                    raise _refusal(error) from None
                if page is None:
                    return
                yield from page.items or []
                # The SDK's own iteration ends at an empty page, which is no last one while there is a cursor.
                if not page.has_next:
                    return


def _refusal(error: ApiError) -> Exception:
    """Only an error that the API itself worded is one; anything else can't be understood."""
    status = error.status_code or 0
    if status == 429:
        return Refused(status, "RATE_LIMIT_ERROR", "RATE_LIMITED")
    if status < 400 or not isinstance(error.body, dict) or not error.body.get("errors"):
        if status < 500:
            return ValueError(f"the answer {status} is none of the API")
        # The SDK keeps no response; only its status is ever told.
        request, response = httpx.Request("GET", "https://square.invalid"), httpx.Response(status)
        return httpx.HTTPStatusError(f"status {status}", request=request, response=response)
    first = error.errors[0]
    return Refused(status, str(first.category), str(first.code), error.body)
