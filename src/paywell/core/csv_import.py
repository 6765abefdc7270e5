"""Reads lists that practices bring from other products. Pure: bytes in, rows or reasons out.

Whatever a file holds, it is read as a whole before anything is decided: encoding, delimiter, which column is which
field, and one date format for each column. Errors name the row as a spreadsheet counts them (the header is row 1).
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Final

from stdnum import luhn

from paywell.core.errors import UserError
from paywell.core.money import Money, parse_money

MAX_BYTES: Final = 10_000_000
MAX_ROWS: Final = 10_000
MAX_COLUMNS: Final = 200

_DELIMITERS: Final = (",", ";", "\t", "|")
_CARD: Final = re.compile(r"(?<![0-9])[0-9](?:[ -]?[0-9]){12,18}(?![0-9])", re.ASCII)
#: Columns that are never read in: clinical text, card data, secrets. Matched in the header, letters only.
_NEVER: Final = re.compile(
    r"note|narrative|assessment|treatmentplan|cardnumber|ccnumber|creditcard|debitcard|cvc|cvv|password|passwd"
    r"|ssn|socialsecurity"
)


class BadFile(UserError):
    """The file as a whole can't be read in. Nothing was imported."""


@dataclass(frozen=True, slots=True)
class Field:
    """One thing that a list can say. `aliases` are headers of other products, in order of preference."""

    name: str
    aliases: tuple[str, ...] = ()
    max_length: int = 0  #: 0: not limited
    is_date: bool = False


@dataclass(frozen=True, slots=True)
class RowError:
    row: int  #: as a spreadsheet counts: the header is 1
    column: str  #: the header as it stands in the file; "" where it concerns the whole row
    reason: str

    def __str__(self) -> str:
        return f"Row {self.row}{f', {self.column}' if self.column else ''}: {self.reason}"


@dataclass(frozen=True, slots=True)
class Table:
    """The file as it stands: headers, and rows with their numbers. Empty rows are left out."""

    headers: tuple[str, ...]
    rows: tuple[tuple[int, tuple[str, ...]], ...]


@dataclass(frozen=True, slots=True)
class HeaderMap:
    """Which header is which field, and what is left over."""

    by_field: Mapping[str, str]  #: field: header
    ignored: tuple[str, ...]  #: headers that mean nothing here
    never: tuple[str, ...]  #: headers that look like notes, card data or secrets


@dataclass(frozen=True, slots=True)
class Row:
    """One row by field. Cells are trimmed; a field without a column or without text is ""."""

    number: int
    cells: Mapping[str, str]
    dates: Mapping[str, date]
    headers: Mapping[str, str]  #: field: header, for errors

    def __getitem__(self, name: str) -> str:
        return self.cells.get(name, "")

    def error(self, name: str, reason: str) -> RowError:
        return RowError(self.number, self.headers.get(name, ""), reason)


@dataclass(frozen=True, slots=True)
class Place:
    """What a row has to know of the other rows of its file, so that it can be read apart from them."""

    same_as: int = 0  #: the row before it that names the same record; 0: none
    copies_before: int = 0  #: rows before it that say the same and have no number
    follows_in_file: bool = False  #: what it refers to is a row that is read before it


@dataclass
class Report:
    """What an import did, or would do. With any error nothing was imported."""

    created: int = 0
    updated: int = 0
    unchanged: int = 0
    errors: list[RowError] = field(default_factory=list)
    mapping: Mapping[str, str] = field(default_factory=dict)  #: header: field
    ignored: tuple[str, ...] = ()
    never: tuple[str, ...] = ()


def read_table(data: bytes) -> Table:
    """The rows of a file. Raises BadFile: `file_empty`, `file_too_large`, `file_not_csv`, `too_many_rows`,
    `too_many_columns`."""
    if len(data) > MAX_BYTES:
        raise BadFile(f"The file is larger than {MAX_BYTES // 1_000_000} MB. Split it.", code="file_too_large")
    text = _decode(data)
    if text.lower().startswith("sep="):  # Excel's own hint, not a row
        text = text.partition("\n")[2]
    try:
        rows = list(_number_rows(text, _find_delimiter(text)))
    except csv.Error as error:
        raise BadFile(f"The file can't be read as CSV ({error}).", code="file_not_csv") from None
    if not rows:
        raise BadFile("The file is empty.", code="file_empty")
    headers = tuple(cell.strip() for cell in rows[0][1])
    if len(headers) > MAX_COLUMNS:
        raise BadFile(f"The file has more than {MAX_COLUMNS} columns.", code="too_many_columns")
    if len(rows) - 1 > MAX_ROWS:
        raise BadFile(f"The file has more than {MAX_ROWS:,} rows. Split it.", code="too_many_rows")
    return Table(headers, tuple(rows[1:]))


def map_headers(headers: Sequence[str], fields: Sequence[Field], chosen: Mapping[str, str]) -> HeaderMap:
    """Find which column is which field: first what a person chose (`chosen`, header: field), then known headers.

    A header chosen as "" is left out on purpose. Raises BadFile: `column_unknown`, `field_unknown`,
    `column_refused`, `field_twice`, `column_twice`.
    """
    names = {one.name for one in fields}
    by_key = {_key(header): header for header in headers if header}
    by_field: dict[str, str] = {}
    left_out: set[str] = set()
    for header, name in chosen.items():
        real = by_key.get(_key(header))
        if real is None:
            raise BadFile(f"The file has no column {header!r}.", code="column_unknown")
        if not name:
            left_out.add(real)
            continue
        if name not in names:
            known = ", ".join(sorted(names))
            raise BadFile(f"There is no field {name!r}. There are: {known}.", code="field_unknown")
        if looks_forbidden(real):
            raise BadFile(
                f"The column {real!r} looks like notes, card data or a secret. Such columns are never read in.",
                code="column_refused",
            )
        if name in by_field:
            raise BadFile(f"Two columns are meant for {name!r}.", code="field_twice")
        by_field[name] = real
    _map_known(by_key, fields, by_field, left_out)
    for header in by_field.values():
        if sum(_key(other) == _key(header) for other in headers) > 1:
            raise BadFile(f"Two columns are called {header!r}. Rename one.", code="column_twice")
    rest = [header for header in headers if header and header not in by_field.values()]
    return HeaderMap(
        by_field=by_field,
        ignored=tuple(header for header in rest if not looks_forbidden(header)),
        never=tuple(header for header in rest if looks_forbidden(header)),
    )


def read_rows(table: Table, mapping: HeaderMap, fields: Sequence[Field]) -> tuple[list[Row], list[RowError]]:
    """The rows by field, and what is wrong with cells: dates, lengths, card numbers. A row with an error is left
    out.
    """
    rows: list[Row] = []
    errors: list[RowError] = []
    place = {name: table.headers.index(header) for name, header in mapping.by_field.items()}
    readers = {
        one.name: find_date_reader(_column(table, place[one.name]))
        for one in fields
        if one.is_date and one.name in place
    }
    lengths = {one.name: one.max_length for one in fields if one.max_length}
    for number, cells in table.rows:
        wrong = _refuse_row(number, cells, table.headers)
        values = {name: cells[at].strip() for name, at in place.items() if at < len(cells)}
        dates: dict[str, date] = {}
        row = Row(number, values, dates, mapping.by_field)
        for name, text in values.items():
            limit = lengths.get(name, 0)
            if limit and len(text) > limit:
                wrong.append(row.error(name, f"Longer than {limit} characters."))
            if text and name in readers:
                day = readers[name](text)
                if day is None:
                    wrong.append(row.error(name, f"{text!r} is not a date like the others of this column."))
                else:
                    dates[name] = day
        errors.extend(wrong)
        if not wrong:
            rows.append(row)
    return rows, errors


def looks_forbidden(header: str) -> bool:
    """Whether a column must never be read in: notes, card data, secrets."""
    return bool(_NEVER.search(_key(header)))


def holds_card_number(text: str) -> bool:
    """Whether a cell holds what could be a card's number: 13 to 19 digits with a right check digit."""
    return any(luhn.is_valid(re.sub("[ -]", "", match)) for match in _CARD.findall(text))


def read_money(text: str, currency: str) -> Money:
    """An amount of a list, which may be zero. Raises BadAmount."""
    if re.fullmatch(r"\$?\s*0+(?:\.0+)?", text.strip(), re.ASCII):
        return Money(0, currency)
    return parse_money(text, currency)


DateReader = Callable[[str], "date | None"]


def find_date_reader(texts: Collection[str]) -> DateReader:
    """The one format by which most dates of a column can be read; the rest of the column must follow it."""
    return max(_DATE_READERS, key=lambda read: sum(read(text) is not None for text in texts))


def _by_format(pattern: str, form: str) -> DateReader:
    """A reader that takes the date and drops a time of day behind it."""
    whole = re.compile(rf"({pattern})(?:[T ]+[0-9].*)?", re.ASCII)

    def read(text: str) -> date | None:
        match = whole.fullmatch(text.strip())
        if match is None:
            return None
        try:
            return datetime.strptime(match[1], form).date()  # noqa: DTZ007 - a day, not a moment
        except ValueError:
            return None

    return read


#: Two-digit years are not read: 5/6/30 is a birthday of one century or the other.
_DATE_READERS: Final[tuple[DateReader, ...]] = (
    _by_format(r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}", "%Y-%m-%d"),
    _by_format(r"[0-9]{1,2}/[0-9]{1,2}/[0-9]{4}", "%m/%d/%Y"),
    _by_format(r"[0-9]{1,2}-[0-9]{1,2}-[0-9]{4}", "%m-%d-%Y"),
    _by_format(r"[0-9]{4}/[0-9]{1,2}/[0-9]{1,2}", "%Y/%m/%d"),
    _by_format(r"[0-9]{8}", "%Y%m%d"),
    _by_format(r"[A-Za-z]{3} [0-9]{1,2}, [0-9]{4}", "%b %d, %Y"),
    _by_format(r"[A-Za-z]{3,9} [0-9]{1,2}, [0-9]{4}", "%B %d, %Y"),
)


def _decode(data: bytes) -> str:
    if data.startswith((b"PK\x03\x04", b"\xd0\xcf\x11\xe0")):
        raise BadFile("That is a workbook. Save it as CSV and bring that.", code="file_not_csv")
    encodings = ("utf-16",) if data[:2] in (b"\xff\xfe", b"\xfe\xff") else ("utf-8-sig", "cp1252")
    for encoding in encodings:
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\x00" in text:
            break
        return text
    raise BadFile("The file is not text. Save it as CSV in UTF-8.", code="file_not_csv")


def _find_delimiter(text: str) -> str:
    """The one that stands most often in the first line that has text, outside quotes."""
    first = next((line for line in text.splitlines() if line.strip()), "")
    bare = re.sub(r'"[^"]*"', "", first)
    return max(_DELIMITERS, key=bare.count)


def _number_rows(text: str, delimiter: str) -> Iterable[tuple[int, tuple[str, ...]]]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    for number, cells in enumerate(reader, start=1):
        if any(cell.strip() for cell in cells):
            yield number, tuple(cells)


def _map_known(
    by_key: Mapping[str, str], fields: Sequence[Field], by_field: dict[str, str], left_out: Collection[str]
) -> None:
    """Fill in the fields that nobody chose by their own name and their aliases. Changes `by_field`."""
    taken = {*by_field.values(), *left_out}
    for one in fields:
        if one.name in by_field:
            continue
        for alias in (one.name, *one.aliases):
            header = by_key.get(_key(alias))
            if header is not None and header not in taken and not looks_forbidden(header):
                by_field[one.name] = header
                taken.add(header)
                break


def _key(header: str) -> str:
    """A header for comparison: letters and digits in lower case. "Date of Service (DOS) *" is dateofservicedos."""
    return re.sub(r"[^0-9a-z]", "", header.lower())


def _column(table: Table, at: int) -> list[str]:
    return [cells[at].strip() for _, cells in table.rows if at < len(cells) and cells[at].strip()]


def _refuse_row(number: int, cells: Sequence[str], headers: Sequence[str]) -> list[RowError]:
    wrong = [
        RowError(number, headers[at] if at < len(headers) else "", "Holds what may be a card number. Take it out.")
        for at, cell in enumerate(cells)
        if holds_card_number(cell)
    ]
    if any(cell.strip() for cell in cells[len(headers) :]):
        wrong.append(RowError(number, "", "Has more cells than the header. Is a comma not in quotes?"))
    return wrong
