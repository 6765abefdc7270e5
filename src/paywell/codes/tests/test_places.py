from __future__ import annotations

from datetime import date

import pytest

from paywell.codes.places import PLACES, check_place, list_places, name_place
from paywell.codes.types import Finding, Level


def test_care_at_a_distance_with_the_client_at_home_has_its_code_from_2022_on() -> None:
    before, after = date(2021, 12, 31), date(2022, 1, 1)
    verdict = check_place("10", before)
    assert (verdict.finding, verdict.level) == (Finding.NOT_VALID, Level.BLOCK)
    assert "Use 02" in verdict.words
    assert check_place("10", after).level is Level.OK
    assert check_place("02", before).level is Level.OK
    assert "10" not in [place.code for place in list_places(before)]
    assert "10" in [place.code for place in list_places(after)]


def test_two_digits_that_are_not_known_here_are_a_warning() -> None:
    assert check_place("98", date(2026, 1, 1)).level is Level.WARN


@pytest.mark.parametrize("code", ["", "1", "111", "1a", "１１"])
def test_what_is_not_two_digits_is_a_block(code: str) -> None:
    assert check_place(code, date(2026, 1, 1)).finding is Finding.BAD_FORM


def test_each_place_has_a_name_of_its_own() -> None:
    assert len({place.name for place in PLACES.values()}) == len(PLACES) > 45


def test_a_place_is_named_with_its_digits_and_unknown_digits_stand_alone() -> None:
    assert name_place("11") == "11 Office"
    assert name_place("10") == "10 By video or phone, client at home"
    assert name_place("77") == "77"
