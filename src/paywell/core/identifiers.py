"""Numbers and codes that insurers and the tax office read: NPI, EIN, SSN, taxonomy, and the form of codes.

Pure functions. Procedure codes and modifiers are known here by their form alone: no list of them, and no wording,
is ours to ship (docs/codes.md).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from enum import StrEnum
from typing import Final

from stdnum import luhn
from stdnum.exceptions import InvalidComponent, ValidationError
from stdnum.us import ein, ssn

from paywell.core.errors import UserError

#: The prefix that makes an NPI a card-like number: 80 is health care, 840 the United States.
_NPI_PREFIX: Final = "80840"
_NPI = re.compile(r"[12][0-9]{9}", re.ASCII)
_EIN = re.compile(r"[0-9]{2}-?[0-9]{7}", re.ASCII)
_SSN = re.compile(r"[0-9]{3}-?[0-9]{2}-?[0-9]{4}", re.ASCII)
_TAXONOMY = re.compile(r"[0-9A-Z]{9}X", re.ASCII)
#: A letter, a digit, a letter or digit, and up to four more behind the dot (standards of the CDC's list).
_DIAGNOSIS = re.compile(r"[A-Z][0-9][0-9A-Z](?:\.[0-9A-Z]{1,4})?", re.ASCII)
_MODIFIER = re.compile(r"[0-9A-Z]{2}", re.ASCII)
#: Five digits, or four and a letter that marks the code's category.
_PROCEDURE = re.compile(r"[0-9]{4}[0-9AFMTU]", re.ASCII)
_HCPCS = re.compile(r"[A-V][0-9]{4}", re.ASCII)

MAX_MODIFIERS: Final = 4  #: of one line (box 24D of the claim form)


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


def mask_tax_id(text: str, kind: str = "EIN") -> str:
    """The tax number as a screen may show it: an EIN whole, of an SSN the last four digits alone."""
    if kind == "EIN" or not text:
        return text
    return f"***-**-{text[-4:]}"


class CodeForm(StrEnum):
    """What a service's code looks like. The form alone says nothing of whether such a code exists."""

    PROCEDURE = "procedure"
    HCPCS = "hcpcs"
    OWN = "own"  #: a code of the practice's own: no insurer knows it


def get_code_form(code: str) -> CodeForm:
    """Which set a service's code could belong to, by its form."""
    cleaned = code.strip().upper()
    if _PROCEDURE.fullmatch(cleaned):
        return CodeForm.PROCEDURE
    return CodeForm.HCPCS if _HCPCS.fullmatch(cleaned) else CodeForm.OWN


def is_diagnosis_code(text: str) -> bool:
    """Whether the text has the form of an ICD-10-CM code, with its dot. Whether it exists: `codes.queries`."""
    return bool(_DIAGNOSIS.fullmatch(text))


def clean_diagnosis_code(text: str, *, field: str = "code") -> str:
    """An ICD-10-CM code in upper case with its dot. The form only. Raises UserError `diagnosis_invalid`."""
    cleaned = text.strip().upper()
    if len(cleaned) > 3 and "." not in cleaned:
        cleaned = f"{cleaned[:3]}.{cleaned[3:]}"
    if not is_diagnosis_code(cleaned):
        raise UserError(
            "That is not an ICD-10-CM code: it looks like F41.1.", code="diagnosis_invalid", field=field
        )
    return cleaned


def are_modifiers(text: str) -> bool:
    """Whether the text is modifiers as they are stored: up to four of two characters, in upper case, none twice."""
    parts = text.split()
    return len(parts) <= MAX_MODIFIERS and len(set(parts)) == len(parts) and all(map(_MODIFIER.fullmatch, parts))


def is_taxonomy(text: str) -> bool:
    """Whether the text has the form of a taxonomy code: nine letters or digits and an X."""
    return bool(_TAXONOMY.fullmatch(text))


def is_tax_id(text: str, kind: str = "EIN") -> bool:
    """Whether the text has the form of a tax number of its kind: nine digits, with their hyphens or without."""
    return bool((_EIN if kind == "EIN" else _SSN).fullmatch(text))


def clean_modifiers(text: str | Sequence[str], *, field: str = "modifiers") -> str:
    """Up to four modifiers of two characters, none twice, in upper case, separated by blanks.

    Raises UserError `modifiers_invalid`.
    """
    parts = re.split(r"[\s,]+", text.strip().upper()) if isinstance(text, str) else [p.upper() for p in text]
    parts = [part for part in parts if part]
    if len(parts) > MAX_MODIFIERS or len(set(parts)) != len(parts) or not all(map(_MODIFIER.fullmatch, parts)):
        raise UserError(
            "A modifier has two letters or digits; a service takes up to four, each once.",
            code="modifiers_invalid",
            field=field,
        )
    return " ".join(parts)
