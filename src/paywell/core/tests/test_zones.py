"""Time zones in people's words."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import pytest
from django.utils.translation import override

from paywell.core.zones import ZONES, describe_zone, list_zones


@pytest.mark.parametrize(
    ("zone", "words"),
    [
        ("America/New_York", "Eastern Time, New York"),
        ("America/Phoenix", "Mountain Standard Time, Phoenix"),
        ("America/Indiana/Indianapolis", "Eastern Time, Indianapolis"),
        ("America/Kentucky/Louisville", "Eastern Time, Louisville"),
        ("America/Indiana/Knox", "Central Time, Knox, Indiana"),
        ("Pacific/Guam", "Chamorro Standard Time, Guam"),
        ("Pacific/Easter", "Easter Island Time"),
        ("America/Atikokan", "Atikokan"),
        ("US/Eastern", "Eastern Time, New York"),
        ("Europe/Berlin", "Central European Time, Berlin"),
        ("Mars/Olympus", "Mars/Olympus"),
    ],
)
def test_a_zone_is_called_as_people_call_it(zone: str, words: str) -> None:
    assert describe_zone(zone) == words


def test_a_zone_is_called_in_the_readers_language() -> None:
    with override("es"):
        assert describe_zone("America/New_York") == "hora oriental, Nueva York"
        assert list_zones()[0] == ("America/New_York", "hora oriental, Nueva York")


def test_every_zone_stands_once_the_usual_ones_first_each_with_words_of_its_own() -> None:
    named = list_zones()
    assert [zone for zone, _words in named][:5] == [
        "America/New_York", "America/Chicago", "America/Denver", "America/Phoenix", "America/Los_Angeles",
    ]  # fmt: skip
    assert len({words for _zone, words in named}) == len(named) == len(ZONES) == len(set(ZONES))
    rest = [words for _zone, words in named[7:]]
    assert rest == sorted(rest)
    for zone, words in named:
        ZoneInfo(zone)
        assert "/" not in words
        assert "_" not in words
