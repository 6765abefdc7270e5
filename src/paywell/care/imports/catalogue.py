"""A practice's own price list: codes, wordings and fees that it brings along."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Final, TypeVar
from uuid import UUID

from django.db import transaction

from paywell.audit.actions import record
from paywell.care.actions import add_catalog_item, update_catalog_item
from paywell.care.models import CatalogItem, ServiceKind
from paywell.core.csv_import import BadFile, Field, Report, Row, map_headers, read_money, read_rows, read_table
from paywell.core.errors import UserError
from paywell.core.money import Money
from paywell.practice.models import Practice

Choice = TypeVar("Choice")

FIELDS: Final = (
    Field("code", ("service code", "procedure code", "billing code", "cpt code", "cpt", "hcpcs"), max_length=10),
    Field("wording", ("description", "service", "service name", "name", "service description"), max_length=120),
    Field("fee", ("rate", "price", "amount", "standard fee", "charge", "default rate")),
    Field("kind", ("type", "service type")),
    Field("is_active", ("active", "enabled", "offered")),
)
_NEEDED: Final = (("code", "the codes"), ("wording", "the wordings"), ("fee", "the fees"))
_KINDS: Final = {
    "": ServiceKind.SESSION, "session": ServiceKind.SESSION, "appointment": ServiceKind.SESSION,
    "item": ServiceKind.ITEM, "product": ServiceKind.ITEM, "no show": ServiceKind.NO_SHOW,
    "noshow": ServiceKind.NO_SHOW, "no-show": ServiceKind.NO_SHOW, "late cancel": ServiceKind.LATE_CANCEL,
    "late cancellation": ServiceKind.LATE_CANCEL, "late_cancel": ServiceKind.LATE_CANCEL,
    "no_show": ServiceKind.NO_SHOW,
}  # fmt: skip
_ACTIVE: Final = {
    "": True, "yes": True, "y": True, "true": True, "1": True, "active": True,
    "no": False, "n": False, "false": False, "0": False, "inactive": False,
}  # fmt: skip


def import_catalogue(
    *,
    practice: Practice,
    data: bytes,
    actor_id: UUID | None,
    mapping: Mapping[str, str] | None = None,
    dry_run: bool = False,
) -> Report:
    """Read a price list into the catalogue: all rows or, with any error or on a dry run, none.

    An entry is found again by code and wording; then its fee, and whether it is offered, become those of the row.
    Entries that the list lacks stay. Raises BadFile where the file as a whole can't be read.
    """
    table = read_table(data)
    headers = map_headers(table.headers, FIELDS, mapping or {})
    for name, what in _NEEDED:
        if name not in headers.by_field:
            raise BadFile(f"No column holds {what}. Say which one does.", code=f"{name}_missing")
    rows, errors = read_rows(table, headers, FIELDS)
    report = Report(
        errors=errors,
        mapping={header: name for name, header in headers.by_field.items()},
        ignored=headers.ignored,
        never=headers.never,
    )
    with transaction.atomic():
        _read(practice, actor_id, rows, report)
        report.errors.sort(key=lambda error: error.row)
        if report.errors or dry_run:
            transaction.set_rollback(True)
        else:
            detail = {"created": report.created, "updated": report.updated, "unchanged": report.unchanged}
            record(practice_id=practice.id, actor_id=actor_id, action="care.import_catalogue", detail=detail)
    return report


def _read(practice: Practice, actor_id: UUID | None, rows: Iterable[Row], report: Report) -> None:
    known = {(item.code, item.wording.lower()): item for item in CatalogItem.objects.filter(practice=practice)}
    seen: dict[tuple[str, str], int] = {}
    for row in rows:
        key = row["code"].upper(), " ".join(row["wording"].split()).lower()
        if key in seen:
            report.errors.append(row.error("code", f"Row {seen[key]} has this code and wording already."))
            continue
        seen[key] = row.number
        try:
            # Its own savepoint: an error of one row leaves the others to be read.
            with transaction.atomic():
                _read_row(practice, actor_id, row, known.get(key), report)
        except UserError as error:
            report.errors.append(row.error(error.field or "", error.message))


def _read_row(
    practice: Practice, actor_id: UUID | None, row: Row, item: CatalogItem | None, report: Report
) -> None:
    fee = _at("fee", lambda: read_money(row["fee"], practice.currency))
    kind = _choose(row, "kind", _KINDS, "Write session, item, no show or late cancel.")
    is_active = _choose(row, "is_active", _ACTIVE, "Write yes or no.")
    if item is None:
        item = add_catalog_item(
            practice=practice, code=row["code"], wording=row["wording"], fee=fee, kind=kind, actor_id=actor_id
        )
        if not is_active:
            update_catalog_item(item=item, fee=fee, is_active=False, actor_id=actor_id)
        report.created += 1
        return
    if row["kind"] and kind != item.kind:
        raise UserError(
            "This entry is of another kind here, and services were recorded with it. Give it another wording.",
            code="kind_differs", field="kind",
        )  # fmt: skip
    wanted = is_active if row["is_active"] else item.is_active
    if (item.fee_minor, item.currency, item.is_active) == (fee.minor, fee.currency, wanted):
        report.unchanged += 1
        return
    update_catalog_item(item=item, fee=fee, is_active=wanted, actor_id=actor_id)
    report.updated += 1


def _choose(row: Row, name: str, choices: Mapping[str, Choice], words: str) -> Choice:
    text = row[name].lower()
    if text not in choices:
        raise UserError(f"{row[name]!r} is not known. {words}", code=f"{name}_unknown", field=name)
    return choices[text]


def _at(name: str, read: Callable[[], Money]) -> Money:
    """Read a cell so that an error names its column."""
    try:
        return read()
    except UserError as error:
        raise UserError(error.message, code=error.code, field=name) from None
