"""Outbound HTTP with time-outs. The only way a byte leaves for another machine.

A call has one deadline for the whole of it. The usual time-outs count from byte to byte, so that an answer which
trickles, one byte a second, would never reach them and would hold a worker for as long as it likes.
"""

from __future__ import annotations

import ssl
import time
from collections.abc import Iterable
from contextvars import ContextVar
from datetime import UTC, timedelta
from email.utils import parsedate_to_datetime
from functools import cache
from typing import Any, Final

import httpcore
import httpx

from paywell.core import clock

#: Reserve and commit may take long at the bank; everything else may not. Seconds, for the whole call.
CHARGE_TIMEOUT_S = 25.0
QUICK_TIMEOUT_S = 10.0
CONNECT_TIMEOUT_S = 3.0

#: When the running call is over, by the monotonic clock.
_over_at: ContextVar[float | None] = ContextVar("paywell_http_over_at", default=None)
#: By host: how far its clock was ahead of ours in its last answer.
_skews: Final[dict[str, timedelta]] = {}


def client(base_url: str, *, timeout_s: float = QUICK_TIMEOUT_S) -> httpx.Client:
    """A client for one processor: no redirects followed, no proxy or credentials from the environment.

    Each call takes `timeout_s` at most, whatever arrives meanwhile; then it raises httpx.ReadTimeout.
    """
    return _Client(
        timeout_s,
        base_url=base_url,
        timeout=httpx.Timeout(timeout_s, connect=min(CONNECT_TIMEOUT_S, timeout_s)),
        follow_redirects=False,
        trust_env=False,
        transport=_Transport(_trusted()),
        event_hooks={"response": [_compare_clocks]},
    )


def list_skews() -> list[tuple[str, timedelta]]:
    """By host: how far its clock was ahead of ours in its last answer to this process."""
    return list(_skews.items())


#: No answer could be had: refused, timed out, or cut off. For callers that only want to know "not yet".
RequestError = httpx.RequestError


class _Client(httpx.Client):
    def __init__(self, total_s: float, **options: Any) -> None:
        super().__init__(**options)
        self._total_s = total_s

    def send(self, request: httpx.Request, **options: Any) -> httpx.Response:
        token = _over_at.set(time.monotonic() + self._total_s)
        try:
            return super().send(request, **options)
        finally:
            _over_at.reset(token)


class _Transport(httpx.HTTPTransport):
    """httpx's own, over sockets that keep the deadline."""

    def __init__(self, context: ssl.SSLContext) -> None:
        super().__init__(verify=context, trust_env=False)
        self._pool = httpcore.ConnectionPool(ssl_context=context, network_backend=_Backend())


class _Backend(httpcore.SyncBackend):
    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        timeout = _left(timeout, httpcore.ConnectTimeout)
        return _Stream(super().connect_tcp(host, port, timeout, local_address, socket_options))


class _Stream(httpcore.NetworkStream):
    """Every wait ends at the deadline."""

    def __init__(self, inner: httpcore.NetworkStream) -> None:
        self._inner = inner

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._inner.read(max_bytes, _left(timeout, httpcore.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._inner.write(buffer, _left(timeout, httpcore.WriteTimeout))

    def close(self) -> None:
        self._inner.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        timeout = _left(timeout, httpcore.ConnectTimeout)
        return _Stream(self._inner.start_tls(ssl_context, server_hostname, timeout))

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)


def _left(timeout: float | None, over: type[Exception]) -> float | None:
    """The time for one wait. Raises `over` when the whole call has none left."""
    over_at = _over_at.get()
    if over_at is None:
        return timeout
    left = over_at - time.monotonic()
    if left <= 0:
        raise over("the call's deadline is over")
    return left if timeout is None else min(timeout, left)


def _compare_clocks(response: httpx.Response) -> None:
    if clock.is_set():
        return
    try:
        theirs = parsedate_to_datetime(response.headers["Date"])
    except (KeyError, ValueError):
        return
    _skews[response.url.host] = theirs.replace(tzinfo=theirs.tzinfo or UTC) - clock.now()


@cache
def _trusted() -> ssl.SSLContext:
    """The certificates we trust. Reading them takes 30 ms, longer than most calls on this machine."""
    return httpx.create_ssl_context(trust_env=False)
