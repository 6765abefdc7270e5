"""Business days in the United States: no weekend and no federal holiday (5 U.S.C. 6103). Pure.

Eleven rules that Congress changes once in decades (the last in 2021): too little for a dependency.
"""

from __future__ import annotations

from datetime import date, timedelta
from functools import cache
from typing import Final

MONDAY, THURSDAY, SATURDAY, SUNDAY = 0, 3, 5, 6
#: Month and day. One that falls on a weekend is observed on the Friday before or the Monday after.
_FIXED: Final = ((1, 1), (6, 19), (7, 4), (11, 11), (12, 25))
#: Month, weekday, and which one of the month; -1 is the last.
_FLOATING: Final = (
    (1, MONDAY, 3), (2, MONDAY, 3), (5, MONDAY, -1), (9, MONDAY, 1), (10, MONDAY, 2), (11, THURSDAY, 4),
)  # fmt: skip
_JUNETEENTH_SINCE: Final = 2021


def is_business_day(day: date) -> bool:
    return day.weekday() < SATURDAY and day not in _holidays(day.year)


def add_business_days(day: date, count: int) -> date:
    """The day that is `count` business days after `day` (which itself does not count); before it if negative."""
    step = timedelta(days=1 if count >= 0 else -1)
    left = abs(count)
    while left:
        day += step
        left -= is_business_day(day)
    return day


def count_business_days(first: date, last: date) -> int:
    """Business days after `first`, up to and including `last`; 0 where `last` is not after `first`."""
    return sum(is_business_day(first + timedelta(days=n)) for n in range(1, (last - first).days + 1))


@cache
def _holidays(year: int) -> frozenset[date]:
    """The days of this year that are observed; New Year's Day of the next one may be among them."""
    fixed = [
        _observed(date(of, month, day))
        for of in (year, year + 1)
        for month, day in _FIXED
        if (month, day) != (6, 19) or of >= _JUNETEENTH_SINCE
    ]
    floating = [_nth(year, month, weekday, which) for month, weekday, which in _FLOATING]
    return frozenset(day for day in (*fixed, *floating) if day.year == year)


def _observed(day: date) -> date:
    if day.weekday() == SATURDAY:
        return day - timedelta(days=1)
    return day + timedelta(days=1) if day.weekday() == SUNDAY else day


def _nth(year: int, month: int, weekday: int, which: int) -> date:
    if which > 0:
        first = date(year, month, 1)
        return first + timedelta(days=(weekday - first.weekday()) % 7 + 7 * (which - 1))
    last = (date(year + month // 12, month % 12 + 1, 1)) - timedelta(days=1)
    return last - timedelta(days=(last.weekday() - weekday) % 7)
