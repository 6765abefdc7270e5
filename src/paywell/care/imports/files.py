"""The file of an import between the moments in which somebody brings it, looks at it, and has it read in."""

from __future__ import annotations

import base64
import hashlib
import json
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final, Protocol
from uuid import UUID

from paywell.accounts.types import Permission, StaffViewer
from paywell.care.imports import catalogue, client_list, service_list
from paywell.care.imports.catalogue import CatalogueRun
from paywell.care.imports.client_list import ClientRun
from paywell.care.imports.service_list import ServiceRun
from paywell.care.models import ImportFile, ImportList
from paywell.core import clock
from paywell.core.csv_import import Field, HeaderMap, Place, Report, Row, RowError, read_rows, read_table
from paywell.core.errors import NotAllowed
from paywell.practice.models import Practice

KEEP: Final = timedelta(days=7)


class Run(Protocol):
    """Reads rows into the practice, one after the other."""

    report: Report

    def read_row(self, row: Row, place: Place) -> None: ...


class Begin(Protocol):
    """Begins an import: with `rows`, only what concerns them is read from the practice beforehand."""

    def __call__(
        self,
        practice: Practice,
        actor_id: UUID | None,
        report: Report,
        rows: Sequence[Row] | None = None,
        is_check: bool = False,
    ) -> Run: ...


@dataclass(frozen=True, slots=True)
class Reading:
    """How the rows of one kind of list are read, and the right that it takes."""

    needs: Permission
    fields: Sequence[Field]
    map_columns: Callable[[Sequence[str], Mapping[str, str]], HeaderMap]
    arrange: Callable[[Sequence[Row]], list[tuple[Row, Place]]]
    begin: Begin


READINGS: Final[Mapping[ImportList, Reading]] = {
    ImportList.CLIENTS: Reading(
        Permission.EDIT_CLIENTS, client_list.FIELDS, client_list.map_columns, client_list.arrange,
        ClientRun,
    ),
    ImportList.SERVICES: Reading(
        Permission.ISSUE_INVOICES, service_list.FIELDS, service_list.map_columns, service_list.arrange,
        lambda practice, actor, report, rows=None, is_check=False: ServiceRun(practice, actor, report, rows),
    ),
    ImportList.CATALOGUE: Reading(
        Permission.CHANGE_SETTINGS, catalogue.FIELDS, catalogue.map_columns, catalogue.arrange,
        lambda practice, actor, report, rows=None, is_check=False: CatalogueRun(practice, actor, report),
    ),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Parsed:
    """A file's rows in the order in which they are read, and what is wrong with those that can't be."""

    rows: Mapping[int, tuple[Row, Place]]
    errors: Mapping[int, list[RowError]]


def keep_import_file(viewer: StaffViewer, *, list: ImportList, name: str, data: bytes) -> ImportFile:
    """Keep a file that was brought, with its columns as far as they are known. Nothing of it is read in.

    Raises NotAllowed, and BadFile where it is no table.
    """
    reading = READINGS[list]
    if not viewer.may(reading.needs):
        raise NotAllowed
    read_table(data)
    now = clock.now()
    return ImportFile.objects.create(
        practice=viewer.practice, list=list, name=name[:120], content=_pack(data), created_by=viewer.id,
        created_at=now, expires_at=now + KEEP,
    )  # fmt: skip


def read_content(file: ImportFile) -> bytes:
    """The file as it was brought."""
    return zlib.decompress(base64.b64decode(file.content))


def parse(file: ImportFile) -> Parsed:
    """Its rows by the columns that were chosen. Raises BadFile."""
    reading = READINGS[ImportList(file.list)]
    table = read_table(read_content(file))
    rows, errors = read_rows(table, reading.map_columns(table.headers, file.mapping), reading.fields)
    wrong: dict[int, Any] = {}
    for error in errors:
        wrong.setdefault(error.row, []).append(error)
    return Parsed({row.number: (row, place) for row, place in reading.arrange(rows)}, wrong)


def digest_of(file: ImportFile) -> str:
    """Names the file with the columns as they are chosen now: a check holds for these alone."""
    chosen = json.dumps(file.mapping, sort_keys=True)
    return hashlib.sha256(f"{file.id} {chosen}".encode()).hexdigest()[:40]


def _pack(data: bytes) -> str:
    return base64.b64encode(zlib.compress(data)).decode()
