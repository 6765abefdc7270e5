"""Numbers by which payers and the tax office know a practice: NPI, EIN, SSN. Pure functions."""

from __future__ import annotations

import re
from typing import Final

from stdnum import luhn
from stdnum.exceptions import InvalidComponent, ValidationError
from stdnum.us import ein, ssn

from paywell.core.errors import UserError

#: The prefix that makes an NPI a card-like number: 80 is health care, 840 the United States.
_NPI_PREFIX: Final = "80840"
_NPI = re.compile(r"[12][0-9]{9}", re.ASCII)
_EIN = re.compile(r"[0-9]{2}-?[0-9]{7}", re.ASCII)
_TAXONOMY = re.compile(r"[0-9A-Z]{9}X", re.ASCII)


def is_npi(text: str) -> bool:
    """Ten ASCII digits, the first 1 or 2, with a right check digit (45 CFR 162.406, 69 FR 3434)."""
    return bool(_NPI.fullmatch(text)) and luhn.is_valid(_NPI_PREFIX + text)


def clean_npi(text: str, *, field: str = "npi") -> str:
    """The NPI without blanks, or "" for nothing. Raises UserError `npi_invalid`."""
    cleaned = text.strip().replace(" ", "").replace("-", "")
    if cleaned and not is_npi(cleaned):
        raise UserError(
            "That is not an NPI: it has ten digits, starts with 1 or 2, and its last digit checks the others. "
            "Compare it with the NPI registry.",
            code="npi_invalid",
            field=field,
        )
    return cleaned


def make_npi(nine_digits: str) -> str:
    """Nine digits and their check digit: for invented people of demonstrations and tests."""
    return nine_digits + luhn.calc_check_digit(_NPI_PREFIX + nine_digits)


def clean_tax_id(text: str, kind: str = "EIN", *, field: str = "tax_id") -> str:
    """The tax number as it is written (12-3456789, or 123-45-6789), or "" for nothing.

    `kind` is EIN or SSN. Raises UserError `tax_id_invalid`. A prefix that the list of IRS prefixes does not know
    is no error, since such lists age: see `get_tax_id_warning`.
    """
    cleaned = text.strip().replace(" ", "")
    if not cleaned:
        return ""
    if kind == "EIN":
        if not _EIN.fullmatch(cleaned):
            raise UserError("An EIN has nine digits, like 12-3456789.", code="tax_id_invalid", field=field)
        digits = cleaned.replace("-", "")
        return f"{digits[:2]}-{digits[2:]}"
    try:
        return str(ssn.format(ssn.validate(cleaned)))
    except ValidationError:
        raise UserError(
            "That is not a Social Security number: it has nine digits, like 123-45-6789.",
            code="tax_id_invalid",
            field=field,
        ) from None


def get_tax_id_warning(text: str, kind: str = "EIN") -> str | None:
    """What looks odd about a tax number that is taken all the same, in words; None where nothing does."""
    if kind != "EIN" or not text:
        return None
    try:
        ein.validate(text)
    except InvalidComponent:
        return f"No EIN is known to begin with {text[:2]}. Compare it with the letter from the IRS."
    except ValidationError:
        return "An EIN has nine digits, like 12-3456789."
    return None


def clean_taxonomy(text: str, *, field: str = "taxonomy") -> str:
    """A taxonomy code of ten characters that ends in X, or "". The format only: the table is not free to ship."""
    cleaned = text.strip().upper()
    if cleaned and not _TAXONOMY.fullmatch(cleaned):
        raise UserError(
            "A taxonomy code has ten letters and digits and ends in X.", code="taxonomy_invalid", field=field
        )
    return cleaned
