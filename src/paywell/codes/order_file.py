"""Reads the CDC's "order file" of ICD-10-CM: fixed columns, one code or heading in each line.

Columns (from 0): 0-4 number, 6-12 code without its dot, 14 valid flag (1 can be billed, 0 is a heading), 16-75
short description, from 77 the long one. Source: the readme that the CDC publishes beside the file.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from typing import Final

from paywell.core.errors import UserError

#: A complete list has far more lines; one with fewer is an excerpt, or the addenda.
COMPLETE_LINES: Final = 60_000
_CODE = re.compile(r"[A-Z][0-9][0-9A-Z]{1,5}", re.ASCII)
_YEAR = re.compile(r"(?<![0-9])20[0-9]{2}(?![0-9])", re.ASCII)
_APRIL = re.compile(r"apr(?:il)?(?![a-z])", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class OrderLine:
    code: str  #: with its dot
    is_billable: bool
    description: str


@dataclass(frozen=True, slots=True)
class Period:
    """Which dates of service a release is for."""

    name: str
    valid_from: date
    valid_until: date


def read_order_file(data: bytes) -> list[OrderLine]:
    """All lines of the file, in order. Raises UserError `order_file` naming the first lines that can't be read."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = data.decode("cp1252", errors="replace")
    found, wrong, seen = [], [], set()
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip():
            continue
        read = _read_line(line)
        if read is None or read.code in seen:
            wrong.append(f"line {number}: {line.strip()[:60]!r}")
            continue
        seen.add(read.code)
        found.append(read)
    if wrong or not found:
        told = "; ".join(wrong[:5]) or "it is empty"
        raise UserError(
            "This is not the CDC's order file (icd10cm-order-YEAR.txt: number, code, flag, short and long "
            f"description in fixed columns): {told}.",
            code="order_file",
        )
    return found


def _read_line(line: str) -> OrderLine | None:
    code, flag, description = line[6:13].strip(), line[14:15], line[77:].strip() or line[16:76].strip()
    if not line[:5].isascii() or not line[:5].isdigit() or not _CODE.fullmatch(code) or flag not in ("0", "1"):
        return None
    if not description:
        return None
    return OrderLine(add_dot(code), flag == "1", description)


def add_dot(code: str) -> str:
    """`F411` as `F41.1`."""
    return f"{code[:3]}.{code[3:]}" if len(code) > 3 else code


def guess_period(file_name: str) -> Period | None:
    """What the file's name says; None where it holds no year.

    A fiscal year begins on October 1, its update on April 1; both end on September 30.
    """
    years = _YEAR.findall(file_name)
    if not years:
        return None
    year = int(years[-1])
    if _APRIL.search(file_name):
        return Period(f"FY{year} April", date(year, 4, 1), date(year, 9, 30))
    return Period(f"FY{year}", date(year - 1, 10, 1), date(year, 9, 30))


def list_packaged() -> tuple[str, Iterator[OrderLine]]:
    """The list that comes with the package simple-icd-10-cm, and the name of its file.

    Raises UserError `not_packaged` where that is not installed.
    """
    try:
        import simple_icd_10_cm as packaged
        from simple_icd_10_cm import data
    except ImportError:
        raise UserError(
            "The package simple-icd-10-cm is not installed here: pip install simple-icd-10-cm, or get the order "
            "file from the CDC and name it.",
            code="not_packaged",
        ) from None
    from importlib.resources import files

    names = [entry.name for entry in files(data).iterdir() if entry.name.endswith(".txt")]
    return (names[0] if names else ""), _read_packaged(packaged, packaged.get_all_codes(True))


def _read_packaged(packaged: object, codes: Iterable[str]) -> Iterator[OrderLine]:
    """Codes and headings from the third character on, each once; chapters and blocks are no codes."""
    source: object = packaged
    for code in dict.fromkeys(codes):
        if source.is_category_or_subcategory(code):  # type: ignore[attr-defined]
            yield OrderLine(code, source.is_leaf(code), source.get_description(code))  # type: ignore[attr-defined]
