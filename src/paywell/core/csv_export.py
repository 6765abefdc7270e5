"""CSV files that a browser downloads: streamed, read as UTF-8 by spreadsheets, harmless when opened."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Sequence

from django.http import StreamingHttpResponse

from paywell.core.money import Money, format_plain


class _Echo:
    """A file that hands back each row instead of keeping it."""

    def write(self, text: str) -> str:
        return text


def csv_response(
    header: Sequence[str], rows: Iterable[Sequence[str | Money]], *, file_name: str
) -> StreamingHttpResponse:
    """The rows under their header, sent as they are made. An amount stays a number, also below zero."""
    response = StreamingHttpResponse(write_csv(header, rows), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{file_name}"'
    return response


def write_csv(header: Sequence[str], rows: Iterable[Sequence[str | Money]]) -> Iterator[str]:
    """The lines of the file, its mark and header first."""
    yield "\ufeff"  # so that spreadsheets read the names as UTF-8
    yield from write_rows([header])
    yield from write_rows(rows)


def write_rows(rows: Iterable[Sequence[str | Money]]) -> Iterator[str]:
    """Lines of the file without its header."""
    writer = csv.writer(_Echo())
    for row in rows:
        yield writer.writerow([format_plain(cell) if isinstance(cell, Money) else harmless(cell) for cell in row])


def harmless(cell: str) -> str:
    """A cell that no spreadsheet takes for a formula (ASVS 5.0, 1.2.10)."""
    return f"'{cell}" if cell.startswith(("=", "+", "-", "@", "\t", "\r", "\n")) else cell
