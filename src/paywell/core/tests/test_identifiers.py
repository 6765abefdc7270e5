from __future__ import annotations

import pytest

from paywell.core.errors import UserError
from paywell.core.identifiers import (
    CodeForm,
    clean_diagnosis_code,
    clean_modifiers,
    clean_npi,
    clean_tax_id,
    clean_taxonomy,
    get_code_form,
    get_tax_id_warning,
    is_diagnosis_code,
    is_npi,
    make_npi,
    mask_tax_id,
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


def test_of_an_ssn_a_screen_shows_four_digits() -> None:
    assert mask_tax_id("123-45-6789", "SSN") == "***-**-6789"
    assert mask_tax_id("12-3456789", "EIN") == "12-3456789"
    assert mask_tax_id("", "SSN") == ""


def test_a_service_s_code_is_known_by_its_form_alone() -> None:
    made_up = "1" * 5
    assert get_code_form(made_up) is CodeForm.PROCEDURE
    assert get_code_form("0000t") is CodeForm.PROCEDURE
    assert get_code_form("H0004") is CodeForm.HCPCS
    for code in ("IND50", "0000X", "D00", "W0004", "１１１１１", ""):
        assert get_code_form(code) is CodeForm.OWN, code


def test_modifiers_have_two_characters_and_stand_once() -> None:
    assert clean_modifiers(" ho, x1 ") == "HO X1"
    assert clean_modifiers(["ho"]) == "HO"
    assert clean_modifiers("") == ""
    for wrong in ("H", "HOX", "HO HO", "A1 A2 A3 A4 A5", "H-", "Ｈ1"):
        with pytest.raises(UserError) as refused:
            clean_modifiers(wrong)
        assert refused.value.code == "modifiers_invalid", wrong


def test_a_diagnosis_code_is_written_with_its_dot() -> None:
    assert clean_diagnosis_code(" f411 ") == "F41.1"
    assert clean_diagnosis_code("F32.a") == "F32.A"
    assert clean_diagnosis_code("t1491xa") == "T14.91XA"
    for wrong in ("F4", "411", "F41.", "F41.12345", "F41-1", "Ｆ41.1"):
        assert not is_diagnosis_code(wrong)
        with pytest.raises(UserError) as refused:
            clean_diagnosis_code(wrong)
        assert refused.value.code == "diagnosis_invalid", wrong
