"""The only clock. Tests and the demo set it; nothing else in the product reads the time."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

_set_to: ContextVar[datetime | None] = ContextVar("paywell_clock", default=None)


def now() -> datetime:
    """The present moment in UTC, aware."""
    return _set_to.get() or datetime.now(UTC)


def business_date(at: datetime, zone: str) -> date:
    """The calendar day of `at` where the practice is: what receipts, statements and reports print."""
    return at.astimezone(ZoneInfo(zone)).date()


def is_set() -> bool:
    """Whether it is another moment than the real one."""
    return _set_to.get() is not None


def wait(duration: timedelta) -> None:
    """Let `duration` pass. Where the clock is set, it is set forward instead, at once."""
    moment = _set_to.get()
    if moment is None:
        time.sleep(duration.total_seconds())
    else:
        _set_to.set(moment + duration)


@contextmanager
def set_to(moment: datetime) -> Iterator[None]:
    """Within the block it is `moment` (aware). For tests, the simulation and the demo's past."""
    if moment.tzinfo is None:
        raise ValueError("The clock takes an aware datetime.")
    token = _set_to.set(moment.astimezone(UTC))
    try:
        yield
    finally:
        _set_to.reset(token)
