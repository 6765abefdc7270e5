"""The test cards, and what their fields refuse."""

from __future__ import annotations

from datetime import date

import pytest

from paywell.processors.testbench.cards import BEHAVIORS, BadCard, read_card

TODAY = date(2026, 11, 24)
GOOD = {"number": "4242424242424242", "exp": "12/30", "cvc": "123", "zip_code": "94107"}


@pytest.mark.parametrize("number", BEHAVIORS)
def test_every_test_card_passes_the_checks_of_its_own_fields(number: str) -> None:
    cvc = "1234" if number.startswith("37") else "123"
    card = read_card(**{**GOOD, "number": number, "cvc": cvc}, today=TODAY)
    assert (card.last4, card.behavior) == (number[-4:], BEHAVIORS[number])


@pytest.mark.parametrize(
    ("number", "brand"),
    [("4242424242424242", "visa"), ("5555555555554444", "mastercard"), ("378282246310005", "amex")],
)
def test_brands(number: str, brand: str) -> None:
    cvc = "1234" if brand == "amex" else "123"
    assert read_card(**{**GOOD, "number": number, "cvc": cvc}, today=TODAY).brand == brand


@pytest.mark.parametrize("exp", ["11/26", "11/2026", "1126", "12 / 30", "01/27"])
def test_expiry_dates_that_are_taken(exp: str) -> None:
    assert read_card(**{**GOOD, "exp": exp}, today=TODAY).exp_year >= 2026


@pytest.mark.parametrize(
    ("field", "typed"),
    [
        *(("number", typed) for typed in ("", "4242", "4242424242424241", "4111111111111111", "x" * 16)),
        ("number", "٤٢٤٢٤٢٤٢٤٢٤٢٤٢٤٢"),
        *(("exp", typed) for typed in ("", "10/26", "13/30", "00/30", "12", "12/3", "ab/cd")),
        *(("cvc", typed) for typed in ("", "12", "1234", "abc", "١٢٣")),
        *(("zip", typed) for typed in ("", "9410", "941077", "ABCDE")),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_at_its_field_alone(field: str, typed: str) -> None:
    name = "zip_code" if field == "zip" else field
    with pytest.raises(BadCard) as refused:
        read_card(**{**GOOD, name: typed}, today=TODAY)
    assert set(refused.value.errors) == {field}
