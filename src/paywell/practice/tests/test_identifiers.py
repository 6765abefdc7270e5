from __future__ import annotations

import pytest

from paywell.core.errors import UserError
from paywell.practice.identifiers import (
    clean_npi,
    clean_tax_id,
    clean_taxonomy,
    get_tax_id_warning,
    is_npi,
    make_npi,
)


def test_an_npi_whose_check_digit_is_right_is_taken() -> None:
    assert is_npi("1234567893")
    assert clean_npi(" 1234567893 ") == "1234567893"
    assert clean_npi("") == ""


def test_an_npi_whose_check_digit_is_zero_is_taken() -> None:
    zeros = [npi for npi in (make_npi(f"1{n:08d}") for n in range(100)) if npi.endswith("0")]
    assert len(zeros) == 10
    assert all(is_npi(npi) for npi in zeros)


@pytest.mark.parametrize(
    "text",
    [
        "1234567890",  # wrong check digit
        "9941339100",  # passes Luhn, begins with 9
        "123456789",
        "12345678930",
        "１２３４５６７８９３",  # digits, yet not ASCII
        "123456789X",
    ],
)
def test_what_is_no_npi_is_refused(text: str) -> None:
    assert not is_npi(text)
    with pytest.raises(UserError) as refused:
        clean_npi(text)
    assert refused.value.code == "npi_invalid"


def test_an_ein_with_an_unknown_prefix_is_a_warning_and_no_error() -> None:
    assert clean_tax_id("001234567") == "00-1234567"
    assert "begin with 00" in (get_tax_id_warning("00-1234567") or "")
    assert clean_tax_id("93-1234567") == "93-1234567"
    assert get_tax_id_warning("93-1234567") is None
    assert get_tax_id_warning("") is None


@pytest.mark.parametrize(("text", "kind"), [("12-345678", "EIN"), ("1234567890", "EIN"), ("000-12-3456", "SSN")])
def test_what_is_no_tax_number_is_refused(text: str, kind: str) -> None:
    with pytest.raises(UserError) as refused:
        clean_tax_id(text, kind)
    assert refused.value.code == "tax_id_invalid"


def test_a_taxonomy_code_is_checked_by_its_form() -> None:
    assert clean_taxonomy("1041c0700x") == "1041C0700X"
    with pytest.raises(UserError):
        clean_taxonomy("1041C0700")
