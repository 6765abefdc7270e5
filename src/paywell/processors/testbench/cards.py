"""Test cards, and the checks that any card number must pass. Numbers are read here and never kept."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date

#: What a card is meant to do, by its number. Stripe's well-known numbers where there is one; the last two are ours.
BEHAVIORS: dict[str, str] = {
    "4242424242424242": "paid",
    "5555555555554444": "paid",
    "378282246310005": "paid",
    "4000000000000002": "card_declined",
    "4000000000009995": "insufficient_funds",
    "4000000000000069": "expired_card",
    "4000000000000127": "incorrect_cvc",
    "4000002500003155": "bank_check",
    "4242000000000018": "late",
    "4242000000000026": "lost",
}
DECLINES = frozenset({"card_declined", "insufficient_funds", "expired_card", "incorrect_cvc"})


class BadCard(Exception):
    """What was typed is not a card. `errors` says for number, exp, cvc and zip what to put right."""

    def __init__(self, errors: dict[str, str]) -> None:
        super().__init__(", ".join(errors))
        self.errors = errors


@dataclass(frozen=True, slots=True)
class Card:
    """What is kept of a card: enough to show it and to know what it is meant to do."""

    brand: str
    last4: str
    exp_month: int
    exp_year: int
    behavior: str


def read_card(*, number: str, exp: str, cvc: str, zip_code: str, today: date) -> Card:
    """Check what was typed, as a processor's own fields do. Raises BadCard with everything that is wrong."""
    digits = re.sub(r"[ -]", "", number)
    brand = _brand(digits)
    month, year, exp_error = _read_expiry(exp, today)
    length = 4 if brand == "amex" else 3
    is_zip = re.fullmatch(r"[0-9]{5}(-?[0-9]{4})?", zip_code.strip(), re.ASCII)
    errors = {
        "number": _number_error(digits),
        "exp": exp_error,
        "cvc": "" if _is_digits(cvc.strip(), length) else f"Enter the {length}-digit security code.",
        "zip": "" if is_zip else "Enter a 5-digit ZIP code.",
    }
    errors = {field: message for field, message in errors.items() if message}
    if errors:
        raise BadCard(errors)
    return Card(brand, digits[-4:], month, year, BEHAVIORS[digits])


def _number_error(digits: str) -> str:
    if not digits:
        return "Enter the card number."
    if not re.fullmatch(r"[0-9]{12,19}", digits, re.ASCII) or not _passes_luhn(digits):
        return "This card number is not valid. Check the digits."
    if digits not in BEHAVIORS:
        return "This is a test processor. Use a test card, like 4242 4242 4242 4242."
    return ""


def _read_expiry(exp: str, today: date) -> tuple[int, int, str]:
    """Month, year and what is wrong with them."""
    match = re.fullmatch(r"\s*([0-9]{1,2})\s*/?\s*(?:20)?([0-9]{2})\s*", exp, re.ASCII)
    if not match or not 1 <= int(match[1]) <= 12:
        return 0, 0, "Enter the expiry date as MM/YY."
    month, year = int(match[1]), 2000 + int(match[2])
    if (year, month) < (today.year, today.month):
        return 0, 0, "This card has expired. Use another card."
    return month, year, ""


def _is_digits(text: str, length: int) -> bool:
    return len(text) == length and text.isascii() and text.isdigit()


def _passes_luhn(digits: str) -> bool:
    reverse = [int(digit) for digit in reversed(digits)]
    return (sum(reverse[0::2]) + sum(sum(divmod(2 * digit, 10)) for digit in reverse[1::2])) % 10 == 0


def _brand(digits: str) -> str:
    if digits.startswith(("34", "37")):
        return "amex"
    if digits.startswith("4"):
        return "visa"
    if digits.startswith(("51", "52", "53", "54", "55", "2")):
        return "mastercard"
    if digits.startswith(("6011", "65")):
        return "discover"
    return "card"
