"""Wraps every connector: no call inside a transaction, and no exception becomes a failure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Any

import httpx

from paywell.processors.contract import (
    Capability,
    ChargeOrder,
    Fields,
    Hosts,
    Outcome,
    Processor,
    RawNotice,
    Refunded,
    RefundOrder,
    Report,
    SavedCardFacts,
    Style,
    Submission,
    Verdict,
)


class Guarded:
    """The connector `inner`, with the laws of the contract enforced from outside."""

    def __init__(self, inner: Processor) -> None:
        self.inner = inner
