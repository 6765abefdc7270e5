from __future__ import annotations

from datetime import date

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from paywell.codes.queries import search_codes
from paywell.codes.tests.factories import make_release

pytestmark = pytest.mark.django_db
DAY = date(2026, 6, 1)


def find(text: str, day: date = DAY, **options: int) -> list[str]:
    return [found.code for found in search_codes(text, day, **options)]


@pytest.mark.parametrize(
    ("text", "codes"),
    [
        ("F41", ["F41.1", "F41.9", "F41"]),
        ("f41.1", ["F41.1"]),
        ("f411", ["F41.1"]),
        ("anxiety gen", ["F41.1"]),
        ("gad", ["F41.1"]),
        ("PTSD", ["F43.10", "F43.1"]),
        ("post-traumatic", ["F43.10", "F43.1"]),
        ("spouse", ["Z63.0"]),
        ("xiety", []),
        ("50%_", []),
        ("a", []),
        ("", []),
    ],
)
def test_codes_are_found_by_their_beginning_and_by_the_beginnings_of_words(text: str, codes: list[str]) -> None:
    make_release()
    assert find(text) == codes


def test_what_a_therapy_practice_uses_most_and_what_can_be_billed_comes_first() -> None:
    make_release()
    assert find("stress") == ["F43.89", "F43.10", "F43.8", "F43.1", "Z73.3", "R45.7"]
    assert find("stress", limit=2) == ["F43.89", "F43.10"]


def test_the_release_of_the_day_is_searched_and_the_newest_where_none_covers_it() -> None:
    make_release(2021, [("F438", 1, "Other reactions to severe stress")])
    make_release(2026)
    assert find("severe", date(2021, 1, 1)) == ["F43.8"]
    assert find("severe", date(2027, 1, 1)) == ["F43.89", "F43.8"]


def test_without_a_release_nothing_is_found() -> None:
    assert find("anxiety") == []


def test_a_search_costs_at_most_five_queries() -> None:
    make_release()
    with CaptureQueriesContext(connection) as queries:
        find("nothing of the kind", date(2030, 1, 1))
    assert len(queries) == 5
