"""Small releases for tests, in the form of the CDC's file."""

from __future__ import annotations

from datetime import date

from paywell.codes.actions import install_release
from paywell.codes.models import CodeRelease
from paywell.codes.order_file import Period, read_order_file

#: code without its dot, whether it can be billed, description
ROWS = [
    ("F41", 0, "Other anxiety disorders"),
    ("F411", 1, "Generalized anxiety disorder"),
    ("F419", 1, "Anxiety disorder, unspecified"),
    ("F431", 0, "Post-traumatic stress disorder (PTSD)"),
    ("F4310", 1, "Post-traumatic stress disorder, unspecified"),
    ("F438", 0, "Other reactions to severe stress"),
    ("F4381", 1, "Prolonged grief disorder"),
    ("F4389", 1, "Other reactions to severe stress"),
    ("R457", 1, "State of emotional shock and stress, unspecified"),
    ("T1491", 0, "Suicide attempt"),
    ("T1491XA", 1, "Suicide attempt, initial encounter"),
    ("Z630", 1, "Problems in relationship with spouse or partner"),
    ("Z733", 1, "Stress, not elsewhere classified"),
]


def order_file(rows: list[tuple[str, int, str]]) -> bytes:
    """The rows as the CDC lays them out."""
    lines = [
        f"{number:05d} {code:<7} {flag} {description[:60]:<60} {description}"
        for number, (code, flag, description) in enumerate(rows, start=1)
    ]
    return "\r\n".join(lines).encode()


def make_release(
    year: int = 2026,
    rows: list[tuple[str, int, str]] | None = None,
    *,
    april: bool = False,
    is_complete: bool = True,
) -> CodeRelease:
    """The release of a fiscal year, or its April update."""
    begins = date(year, 4, 1) if april else date(year - 1, 10, 1)
    period = Period(f"FY{year}{' April' if april else ''}", begins, date(year, 9, 30))
    data = order_file(ROWS if rows is None else rows)
    return install_release(
        lines=read_order_file(data), period=period, source="test.txt", data=data, is_complete=is_complete
    )
