from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paywell.core import csv_import
from paywell.core.csv_import import (
    BadFile,
    Field,
    find_date_reader,
    holds_card_number,
    looks_forbidden,
    map_headers,
    read_money,
    read_rows,
    read_table,
)

FIELDS = (Field("name", ("client name",), max_length=10), Field("born", ("dob",), is_date=True))


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16"])
def test_encoding_and_delimiter_are_found(delimiter: str, encoding: str) -> None:
    text = f'Client Name{delimiter}DOB\r\n"Zoë{delimiter} B."{delimiter}5/6/1990\r\n\r\nAda{delimiter}\r\n'
    table = read_table(text.encode(encoding))
    assert table.headers == ("Client Name", "DOB")
    assert table.rows == ((2, (f"Zoë{delimiter} B.", "5/6/1990")), (4, ("Ada", "")))


def test_excels_hint_of_the_delimiter_is_no_row() -> None:
    assert read_table(b"sep=;\r\nname;dob\r\nAda;\r\n").headers == ("name", "dob")


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "file_empty"),
        (b"\r\n \r\n", "file_empty"),
        (b"PK\x03\x04 a workbook", "file_not_csv"),
        (b"name\n\x00\x00", "file_not_csv"),
        (b'name\n"never closed', "file_not_csv"),
        (",".join(f"c{n}" for n in range(201)).encode(), "too_many_columns"),
        (b"name\n" + b"Ada\n" * 10_001, "too_many_rows"),
        (b"x" * 10_000_001, "file_too_large"),
    ],
)
def test_a_file_that_is_no_list_is_refused(data: bytes, code: str) -> None:
    with pytest.raises(BadFile) as refused:
        read_table(data)
    assert refused.value.code == code


def test_headers_are_known_whatever_their_case_and_stars() -> None:
    found = map_headers(["CLIENT NAME *", "D.O.B.", "Shoe size"], FIELDS, {})
    assert found.by_field == {"name": "CLIENT NAME *", "born": "D.O.B."}
    assert found.ignored == ("Shoe size",)


def test_a_person_can_say_what_a_column_is_or_leave_it_out() -> None:
    found = map_headers(["Who", "Client Name", "DOB"], FIELDS, {"who": "name", "DOB": ""})
    assert found.by_field == {"name": "Who"}
    assert found.ignored == ("Client Name", "DOB")


@pytest.mark.parametrize(
    ("headers", "chosen", "code"),
    [
        (["Name"], {"Nobody": "name"}, "column_unknown"),
        (["Name"], {"Name": "shoe"}, "field_unknown"),
        (["A", "B"], {"A": "name", "B": "name"}, "field_twice"),
        (["Name", "NAME"], {}, "column_twice"),
        (["Progress Notes"], {"Progress Notes": "name"}, "column_refused"),
        (["Card Number"], {"Card Number": "name"}, "column_refused"),
    ],
)
def test_a_mapping_that_cannot_be_is_refused(headers: list[str], chosen: dict[str, str], code: str) -> None:
    with pytest.raises(BadFile) as refused:
        map_headers(headers, FIELDS, chosen)
    assert refused.value.code == code


@pytest.mark.parametrize("header", ["Notes", "Session note", "Credit Card", "cc_number", "CVV", "SSN", "Password"])
def test_columns_of_notes_card_data_and_secrets_are_named_and_never_read(header: str) -> None:
    assert looks_forbidden(header)
    found = map_headers(["Name", header], (*FIELDS, Field("note"), Field("ssn")), {})
    assert found.never == (header,)
    assert list(found.by_field) == ["name"]


def test_a_row_with_a_card_number_is_refused_whatever_its_column() -> None:
    table = read_table(b"name,remark\nAda,4242 4242 4242 4242\nBen,4242424242424241\nCleo,\n")
    rows, errors = read_rows(table, map_headers(table.headers, FIELDS, {}), FIELDS)
    assert [row["name"] for row in rows] == ["Ben", "Cleo"]
    assert [(error.row, error.column) for error in errors] == [(2, "remark")]
    assert "4242" not in str(errors[0])


def test_phones_dates_and_short_numbers_are_no_card_numbers() -> None:
    for text in ("+1 303 555 0142", "2026-11-03 10:30:00", "424242424242", ""):
        assert not holds_card_number(text)
    assert holds_card_number("card 4242-4242-4242-4242, thanks")


@pytest.mark.parametrize(
    "texts",
    [
        ["2026-11-03", "2026-1-9"],
        ["11/3/2026", "01/09/2026"],
        ["11-03-2026", "1-9-2026"],
        ["2026/11/03", "2026/01/09"],
        ["20261103", "20260109"],
        ["Nov 3, 2026", "Jan 9, 2026"],
        ["November 3, 2026", "January 9, 2026"],
        ["2026-11-03T10:30:00Z", "2026-01-09 08:00"],
        ["11/3/2026 10:30 AM", "1/9/2026 8:00 AM"],
    ],
)
def test_a_column_of_dates_is_read_in_one_format(texts: list[str]) -> None:
    read = find_date_reader(texts)
    assert [read(text) for text in texts] == [date(2026, 11, 3), date(2026, 1, 9)]


def test_a_date_in_another_format_than_its_column_is_an_error() -> None:
    table = read_table(b"name,dob\nAda,5/6/1990\nBen,1990-05-06\nCleo,31/12/1990\nDora,5/6/90\nEve,6/7/1991\n")
    rows, errors = read_rows(table, map_headers(table.headers, FIELDS, {}), FIELDS)
    assert [(row["name"], row.dates["born"]) for row in rows] == [
        ("Ada", date(1990, 5, 6)),
        ("Eve", date(1991, 6, 7)),
    ]
    assert [(error.row, error.column) for error in errors] == [(3, "dob"), (4, "dob"), (5, "dob")]
    assert str(errors[0]) == "Row 3, dob: '1990-05-06' is not a date like the others of this column."


def test_a_cell_that_is_too_long_and_a_row_with_too_many_cells_are_errors() -> None:
    table = read_table(b"name,dob\nAda Brook the Third,\nBen,,more\n")
    rows, errors = read_rows(table, map_headers(table.headers, FIELDS, {}), FIELDS)
    assert rows == []
    assert [(error.row, error.column) for error in errors] == [(2, "name"), (3, "")]


def test_an_amount_may_be_zero_in_a_list() -> None:
    assert [read_money(text, "USD").minor for text in ("0", "$0.00", "$1,204.50", "12")] == [0, 0, 120_450, 1_200]


@given(st.binary(max_size=400))
def test_no_bytes_make_the_reader_fall_over(data: bytes) -> None:
    try:
        table = read_table(data)
        read_rows(table, map_headers(table.headers, FIELDS, {}), FIELDS)
    except BadFile:
        return
    assert len(table.rows) <= csv_import.MAX_ROWS
