"""CSV files that a browser downloads: streamed, read as UTF-8 by spreadsheets, harmless when opened."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Sequence

from django.http import StreamingHttpResponse


class _Echo:
    """A file that hands back each row instead of keeping it."""

    def write(self, text: str) -> str:
        return text


def csv_response(header: Sequence[str], rows: Iterable[Sequence[str]], *, file_name: str) -> StreamingHttpResponse:
    """The rows under their header, sent as they are made."""
    response = StreamingHttpResponse(_write(header, rows), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{file_name}"'
    return response


def _write(header: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    writer = csv.writer(_Echo())
    yield "\ufeff"  # so that spreadsheets read the names as UTF-8
    yield writer.writerow(header)
    for row in rows:
        yield writer.writerow([harmless(cell) for cell in row])


def harmless(cell: str) -> str:
    """A cell that no spreadsheet takes for a formula (ASVS 5.0, 1.2.10)."""
    return f"'{cell}" if cell.startswith(("=", "+", "-", "@", "\t", "\r", "\n")) else cell
