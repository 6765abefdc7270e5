"""A card has one name and one way of writing its expiry, wherever it is shown."""

from __future__ import annotations

import pytest

from paywell.payments.card_names import name_brand, name_card, name_expiry


@pytest.mark.parametrize(
    ("brand", "name"),
    [
        ("amex", "American Express"), ("american_express", "American Express"),
        ("American Express", "American Express"),
        ("visa", "Visa"), ("Visa", "Visa"), ("jcb", "JCB"), ("diners", "Diners Club"), ("Eftpos", "Eftpos"),
        ("", ""),
    ],
)  # fmt: skip
def test_a_brand_has_one_name_whatever_a_processor_calls_it(brand: str, name: str) -> None:
    assert name_brand(brand) == name


def test_a_card_without_a_brand_is_a_card_and_one_that_is_not_known_is_nothing() -> None:
    assert (name_card("amex", "0005"), name_card("", "4242"), name_card("visa", "")) == (
        "American Express 0005", "Card 4242", ""
    )  # fmt: skip


def test_an_expiry_is_written_as_on_the_card() -> None:
    assert (name_expiry(8, 2031), name_expiry(12, 2040), name_expiry(None, None)) == ("08/31", "12/40", "")
