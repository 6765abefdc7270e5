"""Outbound HTTP with time-outs. The only way a byte leaves for another machine."""

from __future__ import annotations

import ssl
from functools import cache

import httpx

#: Reserve and commit may take long at the bank; everything else may not. Seconds.
CHARGE_TIMEOUT_S = 25.0
QUICK_TIMEOUT_S = 10.0
CONNECT_TIMEOUT_S = 3.0


def client(base_url: str, *, timeout_s: float = QUICK_TIMEOUT_S) -> httpx.Client:
    """A client for one processor: no redirects followed, no proxy or credentials from the environment."""
    return httpx.Client(
        base_url=base_url,
        timeout=httpx.Timeout(timeout_s, connect=CONNECT_TIMEOUT_S),
        follow_redirects=False,
        trust_env=False,
        verify=_trusted(),
    )


#: No answer could be had: refused, timed out, or cut off. For callers that only want to know "not yet".
RequestError = httpx.RequestError


@cache
def _trusted() -> ssl.SSLContext:
    """The certificates we trust. Reading them takes 30 ms, longer than most calls on this machine."""
    return httpx.create_ssl_context(trust_env=False)
