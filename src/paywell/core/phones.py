"""Phone numbers, checked and kept in one form."""

from __future__ import annotations

import phonenumbers

from paywell.core.errors import UserError


def parse_phone(text: str, *, region: str = "US", field: str = "phone") -> str:
    """What a person typed as E.164, e.g. `+12025550143`; empty stays empty. Raises UserError `phone_invalid`."""
    if not text.strip():
        return ""
    try:
        number = phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException:
        number = None
    possible = phonenumbers.ValidationResult.IS_POSSIBLE
    if number is None or phonenumbers.is_possible_number_with_reason(number) != possible:
        raise UserError(
            "Enter a phone number with its area code, like (202) 555-0143.", code="phone_invalid", field=field
        )
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def format_phone(number: str) -> str:
    """`+15555550123` as `(555) 555-0123`, another country's with its code; what can't be read stays as it is."""
    try:
        parsed = phonenumbers.parse(number, "US")
    except phonenumbers.NumberParseException:
        return number
    style = phonenumbers.PhoneNumberFormat.NATIONAL
    if parsed.country_code != 1:
        style = phonenumbers.PhoneNumberFormat.INTERNATIONAL
    return phonenumbers.format_number(parsed, style)
