"""Wraps every connector: no call inside a transaction, and no exception becomes a failure."""

from __future__ import annotations

from paywell.processors.contract import (
    Processor,
)


class Guarded:
    """The connector `inner`, with the laws of the contract enforced from outside."""

    def __init__(self, inner: Processor) -> None:
        self.inner = inner
