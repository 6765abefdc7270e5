"""A list read in one go, as the commands do: all of its rows or none."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

from django.db import transaction

from paywell.audit.actions import record
from paywell.care.imports.files import READINGS
from paywell.care.models import ImportList
from paywell.core.csv_import import Report, read_rows, read_table
from paywell.practice.models import Practice


def import_whole(
    list: ImportList,
    *,
    practice: Practice,
    data: bytes,
    actor_id: UUID | None,
    mapping: Mapping[str, str] | None = None,
    dry_run: bool = False,
) -> Report:
    """Read a CSV file of that kind into the practice: all rows or, with any error or on a dry run, none.

    Each kind finds again what it has brought before, so the same file twice changes nothing.
    `mapping`: which column (its header) is which field, where the headers don't say it.
    Raises BadFile where the file as a whole can't be read.
    """
    reading = READINGS[list]
    table = read_table(data)
    headers = reading.map_columns(table.headers, mapping or {})
    rows, errors = read_rows(table, headers, reading.fields)
    report = Report(
        errors=errors,
        mapping={header: name for name, header in headers.by_field.items()},
        ignored=headers.ignored,
        never=headers.never,
    )
    with transaction.atomic():
        run = reading.begin(practice, actor_id, report)
        for row, place in reading.arrange(rows):
            run.read_row(row, place)
        report.errors.sort(key=lambda error: error.row)
        if report.errors or dry_run:
            transaction.set_rollback(True)
        else:
            detail = {"created": report.created, "updated": report.updated, "unchanged": report.unchanged}
            record(practice_id=practice.id, actor_id=actor_id, action=f"care.import_{list}", detail=detail)
    return report
