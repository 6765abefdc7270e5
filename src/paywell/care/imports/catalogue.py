"""A practice's own price list: codes, wordings and fees that it brings along."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final, TypeVar
from uuid import UUID

from django.db import transaction

from paywell.care.actions import add_catalog_item, update_catalog_item
from paywell.care.models import CatalogItem, ServiceKind
from paywell.core.csv_import import (
    BadFile,
    Field,
    HeaderMap,
    Place,
    Report,
    Row,
    map_headers,
    read_money,
)
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


def map_columns(headers: Sequence[str], mapping: Mapping[str, str]) -> HeaderMap:
    """Which column is which. Raises BadFile, also where codes, wordings or fees have none."""
    found = map_headers(headers, FIELDS, mapping)
    for name, what in _NEEDED:
        if name not in found.by_field:
            raise BadFile(f"No column holds {what}. Say which one does.", code=f"{name}_missing")
    return found


def arrange(rows: Iterable[Row]) -> list[tuple[Row, Place]]:
    """The rows in the order in which they are read. The second one of an entry says so."""
    seen: dict[tuple[str, str], int] = {}
    return [(row, Place(same_as=_first(seen, _key(row), row.number))) for row in rows]


class CatalogueRun:
    """One import under way.

    An entry is found again by code and wording; then its fee, and whether it is offered, become those of the row.
    Entries that the list lacks stay.
    """

    def __init__(self, practice: Practice, actor_id: UUID | None, report: Report) -> None:
        self.practice, self.actor_id, self.report = practice, actor_id, report
        items = CatalogItem.objects.filter(practice=practice)
        self.known = {(item.code, item.wording.lower()): item for item in items}

    def read_row(self, row: Row, place: Place) -> None:
        """Add or change the entry, and count it in the report; or say there why not."""
        if place.same_as:
            reason = f"Row {place.same_as} has this code and wording already."
            self.report.errors.append(row.error("code", reason))
            return
        try:
            # Its own savepoint: an error of one row leaves the others to be read.
            with transaction.atomic():
                _read_row(self.practice, self.actor_id, row, self.known.get(_key(row)), self.report)
        except UserError as error:
            self.report.errors.append(row.error(error.field or "", error.message))


def _key(row: Row) -> tuple[str, str]:
    return row["code"].upper(), " ".join(row["wording"].split()).lower()


def _first(seen: dict[tuple[str, str], int], key: tuple[str, str], number: int) -> int:
    """The row that had the key before this one; 0 where it is the first."""
    first = seen.setdefault(key, number)
    return 0 if first == number else first


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
