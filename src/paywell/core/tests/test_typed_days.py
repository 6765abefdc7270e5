"""A day can be typed as screens write it, by figures, or as a picker sends it."""

from __future__ import annotations

from datetime import date

import pytest

from paywell.core.typed_days import parse_day


@pytest.mark.parametrize("text", ["2026-11-03", "11/03/2026", "11/3/2026", "Nov 3, 2026", " nov 03, 2026 "])
def test_every_way_of_typing_a_day_means_the_same_day(text: str) -> None:
    assert parse_day(text) == date(2026, 11, 3)


@pytest.mark.parametrize("text", ["", "soon", "2026-13-01", "03.11.2026", "Nov 31, 2026", "1" * 500])
def test_what_is_no_day_is_none(text: str) -> None:
    assert parse_day(text) is None
