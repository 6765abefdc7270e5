"""States by name and by their two letters."""

from __future__ import annotations

import pytest

from paywell.core.states import STATES, abbreviate_state


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("Missouri", "MO"), ("mo", "MO"), (" new  york ", "NY"), ("District of Columbia", "DC"), ("AE", "AE"),
        ("", ""), ("Bavaria", "Bavaria"), ("C0", "C0"), ("WEST VIRGINIA", "WV"),
    ],
)  # fmt: skip
def test_a_state_is_kept_by_its_two_letters(typed: str, kept: str) -> None:
    assert abbreviate_state(typed) == kept


def test_there_are_fifty_states_a_district_and_five_territories_each_with_letters_of_its_own() -> None:
    assert len(STATES) == len(set(STATES.values())) == 56
    assert all(len(code) == 2 and code.isupper() for code in STATES.values())
