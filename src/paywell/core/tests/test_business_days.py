"""Federal holidays and business days."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from paywell.core.business_days import add_business_days, count_business_days, is_business_day

HOLIDAYS_2026 = [
    date(2026, 1, 1), date(2026, 1, 19), date(2026, 2, 16), date(2026, 5, 25), date(2026, 6, 19), date(2026, 7, 3),
    date(2026, 9, 7), date(2026, 10, 12), date(2026, 11, 11), date(2026, 11, 26), date(2026, 12, 25),
]  # fmt: skip


def test_the_federal_holidays_of_a_year_are_its_only_weekdays_off() -> None:
    days = (date(2026, 1, 1) + timedelta(days=n) for n in range(365))
    assert [day for day in days if day.weekday() < 5 and not is_business_day(day)] == HOLIDAYS_2026


@pytest.mark.parametrize("day", [date(2021, 12, 31), date(2022, 12, 26), date(2023, 1, 2), date(2027, 6, 18)])
def test_a_holiday_on_a_weekend_is_observed_on_the_weekday_beside_it(day: date) -> None:
    assert not is_business_day(day)


def test_a_holiday_is_none_before_it_was_one() -> None:
    assert is_business_day(date(2020, 6, 19))


@pytest.mark.parametrize(
    ("day", "count", "then"),
    [
        (date(2026, 11, 23), 3, date(2026, 11, 27)),  # over Thanksgiving
        (date(2026, 11, 20), 1, date(2026, 11, 23)),  # over a weekend
        (date(2026, 11, 21), 1, date(2026, 11, 23)),
        (date(2026, 11, 30), -1, date(2026, 11, 27)),
        (date(2026, 11, 23), 0, date(2026, 11, 23)),
    ],
)
def test_adding_business_days(day: date, count: int, then: date) -> None:
    assert add_business_days(day, count) == then


def test_counting_business_days() -> None:
    assert count_business_days(date(2026, 11, 23), date(2026, 11, 30)) == 4
    assert count_business_days(date(2026, 11, 23), date(2026, 11, 23)) == 0
    assert count_business_days(date(2026, 11, 23), date(2026, 11, 1)) == 0
