"""A practice's list of services, for clients who are there already."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final
from uuid import UUID

from django.db import transaction
from django.db.models import Q

from paywell.care.actions import add_diagnosis, record_service
from paywell.care.imports.client_list import split_name
from paywell.care.imports.clinicians import Clinicians
from paywell.care.models import CatalogItem, Diagnosis, Service, ServiceKind
from paywell.clients.models import Client
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
from paywell.core.identifiers import clean_diagnosis_code, clean_modifiers
from paywell.core.money import Money
from paywell.practice.models import Clinician, Practice

FIELDS: Final = (
    Field(
        "external_id",
        ("service id", "session id", "appointment id", "charge id", "transaction id", "row_id", "id"),
        max_length=80,
    ),
    Field("client_id", ("client_identifier", "client number", "patient id", "mrn"), max_length=80),
    Field("client_name", ("client", "patient name", "patient", "name"), max_length=160),
    Field("birth_date", ("dob", "date of birth", "birthdate", "client dob", "patient dob"), is_date=True),
    Field(
        "on",
        (
            "date of service",
            "date of service (dos)",
            "dos",
            "service date",
            "session date",
            "appointment date",
            "date",
        ),
        is_date=True,
    ),
    Field("code", ("service code", "procedure code", "billing code", "cpt", "cpt code", "hcpcs"), max_length=10),
    Field("wording", ("description", "service", "service name", "service type", "session type"), max_length=120),
    Field("fee", ("amount", "charge", "charges", "total fee", "rate", "billed amount")),
    Field("units", ("unit", "qty", "quantity")),
    Field("insurer_part", ("insurance responsibility", "insurance owes", "insurance amount")),
    Field("client_part", ("client responsibility", "client owes", "patient responsibility", "copay")),
    Field("clinician", ("therapist", "provider", "rendering provider", "counselor")),
    Field("modifiers", ("modifier", "mod")),
    Field("place_of_service", ("pos", "place of service"), max_length=2),
    Field("diagnoses", ("diagnosis codes", "diagnosis code", "diagnosis", "dx", "icd 10", "icd10")),
    Field("kind", ("attendance", "appointment status", "status")),
)

_KINDS: Final = {
    "": None, "show": ServiceKind.SESSION, "attended": ServiceKind.SESSION, "completed": ServiceKind.SESSION,
    "session": ServiceKind.SESSION, "item": ServiceKind.ITEM, "no show": ServiceKind.NO_SHOW,
    "noshow": ServiceKind.NO_SHOW, "missed": ServiceKind.NO_SHOW, "late cancel": ServiceKind.LATE_CANCEL,
    "late canceled": ServiceKind.LATE_CANCEL, "late cancelled": ServiceKind.LATE_CANCEL,
    "late cancellation": ServiceKind.LATE_CANCEL,
}  # fmt: skip
#: What makes a service the same one where the list has no numbers.
Same = tuple[UUID, UUID, date, str, str, int, str]


def map_columns(headers: Sequence[str], mapping: Mapping[str, str]) -> HeaderMap:
    """Which column is which. Raises BadFile, also where the day or the client has none."""
    found = map_headers(headers, FIELDS, mapping)
    for name, what in (("on", "the date of service"), ("client_name", "the client")):
        if name not in found.by_field and not (name == "client_name" and "client_id" in found.by_field):
            raise BadFile(f"No column holds {what}. Say which one does (field {name}).", code=f"{name}_missing")
    return found


def arrange(rows: Iterable[Row]) -> list[tuple[Row, Place]]:
    """The rows by date, so that a diagnosis begins with the first service that names it."""
    numbers: dict[str, int] = {}
    copies: Counter[tuple[str, ...]] = Counter()
    placed = []
    for row in sorted(rows, key=lambda row: row.dates.get("on", date.max)):
        number = row["external_id"]
        if number:
            first = numbers.setdefault(number, row.number)
            placed.append((row, Place(same_as=0 if first == row.number else first)))
            continue
        written = _as_written(row)
        placed.append((row, Place(copies_before=copies[written])))
        copies[written] += 1
    return placed


@dataclass
class ServiceRun:
    """One import under way, with what the practice has already: all of it, or what concerns `rows`.

    A service is found again by its external id, else by client, clinician, day, code, wording, fee and kind; then
    it is left as it is. The same number with other content is an error, since a service may have been invoiced.
    """

    practice: Practice
    actor_id: UUID | None
    report: Report
    rows: Sequence[Row] | None = None
    by_external_id: dict[str, Service] = field(default_factory=dict)
    unnumbered: Counter[Same] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.clinicians = Clinicians(self.practice)
        self.clients = _Clients(self.practice, self.rows)
        self.catalogue: dict[str, list[CatalogItem]] = {}
        for item in CatalogItem.objects.filter(practice=self.practice, is_active=True):
            self.catalogue.setdefault(item.code.upper(), []).append(item)
            self.catalogue.setdefault(item.wording.lower(), []).append(item)
        services = Service.objects.filter(practice=self.practice, voided_at=None)
        if self.rows is not None:
            numbers = {row["external_id"] for row in self.rows} - {""}
            days = {row.dates["on"] for row in self.rows if "on" in row.dates}
            same_day = Q(client__in=self.clients.ids, on__in=days)
            services = services.filter(Q(external_id__in=numbers) | same_day)
        for service in services:
            if service.external_id:
                self.by_external_id[service.external_id] = service
            self.unnumbered[_same(service)] += 1

    def read_row(self, row: Row, place: Place) -> None:
        """Record the service, and count it in the report; or say there why not."""
        try:
            with transaction.atomic():
                self._read_row(row, place)
        except UserError as error:
            name = _COLUMN_OF.get(error.field or "", error.field or "")
            self.report.errors.append(row.error(name if name in row.headers else "", error.message))

    def _read_row(self, row: Row, place: Place) -> None:
        values = self._values(row)
        external_id = row["external_id"]
        if place.same_as:
            raise UserError(f"Row {place.same_as} has the same number.", code="twice", field="external_id")
        key: Same = (
            values["client"].id, values["clinician"].id, values["on"], values["code"].upper(),
            values["wording"].lower(), values["fee"].minor, values["kind"],
        )  # fmt: skip
        if external_id in self.by_external_id:
            if _same(self.by_external_id[external_id]) != key:
                raise UserError(
                    "A service with this number exists and says something else. Void it at the desk and give "
                    "the new "
                    "one another number, or take the row out.",
                    code="service_differs",
                    field="external_id",
                )
            self.report.unchanged += 1
            return
        if not external_id and self.unnumbered[key] > place.copies_before:
            self.report.unchanged += 1
            return
        self._create(row, values)
        self.unnumbered[key] += 1
        self.report.created += 1

    def _values(self, row: Row) -> dict[str, Any]:
        if "on" not in row.dates:
            raise UserError("Write the date of service.", code="date_missing", field="on")
        client = self.clients.find(row)
        items = self.catalogue.get(row["code"].upper()) or self.catalogue.get(row["wording"].lower()) or []
        item = items[0] if items else None
        wording = row["wording"] or (item.wording if item else "")
        if not wording:
            raise UserError(
                f"Add a wording, or put {row['code']!r} into the catalogue with one."
                if row["code"]
                else "Add a code of the catalogue or a wording.",
                code="wording_missing",
                field="code",
            )
        units = _read_units(row["units"])
        fee = self._fee(row, item, units)
        kind = _read_kind(row["kind"])
        return {
            "client": client,
            "clinician": self._clinician(row, client),
            "on": row.dates["on"],
            "code": row["code"] or (item.code if item else ""),
            "wording": " ".join(wording.split()),
            "units": units,
            "fee": fee,
            "insurer_minor": self._insurer_minor(row, fee),
            "kind": kind or ServiceKind(item.kind if item else ServiceKind.SESSION),
            "modifiers": clean_modifiers(row["modifiers"]),
        }

    def _fee(self, row: Row, item: CatalogItem | None, units: int) -> Money:
        if row["fee"]:
            return _at("fee", lambda: read_money(row["fee"], self.practice.currency))
        if item is None:
            raise UserError("Add a fee, or put the code into the catalogue.", code="fee_missing", field="fee")
        return Money(item.fee_minor * units, item.currency)

    def _insurer_minor(self, row: Row, fee: Money) -> int:
        currency = self.practice.currency
        if row["insurer_part"]:
            return _at("insurer_part", lambda: read_money(row["insurer_part"], currency)).minor
        if row["client_part"]:
            part = _at("client_part", lambda: read_money(row["client_part"], currency))
            if part > fee:
                raise UserError(
                    "The client's part is more than the fee.", code="insurer_above_fee", field="client_part"
                )
            return (fee - part).minor
        return 0

    def _clinician(self, row: Row, client: Client) -> Clinician:
        if not row["clinician"]:
            clinician = client.clinician or self.clinicians.only_one()
            if clinician is None:
                raise UserError(
                    "Say who gave the service: add a column Clinician, or set the client's clinician.",
                    code="clinician_missing",
                    field="clinician",
                )
            return clinician
        clinician = self.clinicians.find(row["clinician"])
        if clinician is None:
            raise UserError(
                f"No clinician {row['clinician']!r} works here. Add them first, or correct the name.",
                code="clinician_unknown",
                field="clinician",
            )
        return clinician

    def _create(self, row: Row, values: Mapping[str, Any]) -> None:
        service = record_service(
            practice=self.practice,
            actor_id=self.actor_id,
            external_id=row["external_id"],
            place_of_service=row["place_of_service"].zfill(2) if row["place_of_service"] else "11",
            diagnosis_ids=self._diagnosis_ids(row, values["client"], values["on"]),
            **values,
        )
        if row["external_id"]:
            self.by_external_id[row["external_id"]] = service

    def _diagnosis_ids(self, row: Row, client: Client, on: date) -> list[UUID]:
        """The client's diagnoses of these codes in force that day. One that is not there yet begins that day."""
        ids = []
        for code in [part for part in re.split(r"[\s,;|]+", row["diagnoses"]) if part]:
            code = _at("diagnoses", lambda code=code: clean_diagnosis_code(code))
            found = (
                Diagnosis.objects.filter(practice=self.practice, client=client, code=code, diagnosed_on__lte=on)
                .exclude(ended_on__lt=on)
                .first()
            )
            if found is None:
                found = add_diagnosis(
                    practice=self.practice, client=client, code=code, diagnosed_on=on, actor_id=self.actor_id
                )
            ids.append(found.id)
        return list(dict.fromkeys(ids))


class _Clients:
    """The practice's clients by number and by exact name: all of them, or those whom `rows` may mean. One query."""

    def __init__(self, practice: Practice, rows: Sequence[Row] | None = None) -> None:
        self.by_number: dict[str, Client] = {}
        self.by_name: dict[tuple[str, str], list[Client]] = {}
        self.ids: list[UUID] = []
        numbers = {row["client_id"] for row in rows or ()} - {""}
        meant = {_lower(split_name(row["client_name"])) for row in rows or ()}
        for client in Client.objects.filter(practice=practice).select_related("clinician"):
            names = {
                _lower((client.legal_first_name, client.legal_last_name)), _lower(split_name(client.name))
            }  # fmt: skip
            if rows is not None and client.external_id not in numbers and not names & meant:
                continue
            self.ids.append(client.id)
            if client.external_id:
                self.by_number[client.external_id] = client
            for name in names:
                self.by_name.setdefault(name, []).append(client)

    def find(self, row: Row) -> Client:
        """By number, else by exact name and, where the row has one, birth date. Raises UserError."""
        if row["client_id"]:
            client = self.by_number.get(row["client_id"])
            if client is None:
                raise UserError(
                    f"No client has the number {row['client_id']!r}. Import the clients first.",
                    code="client_unknown",
                    field="client_id",
                )
            return client
        first, last = split_name(row["client_name"])
        found = {client.id: client for client in self.by_name.get((first.lower(), last.lower()), [])}
        born = row.dates.get("birth_date")
        fits = [one for one in found.values() if born is None or one.birth_date == born]
        if len(fits) == 1:
            return fits[0]
        if fits:
            raise UserError(
                "Several clients have this name. Add their birth dates or their numbers.",
                code="client_ambiguous",
                field="client_name",
            )
        raise UserError(
            f"No client is called {row['client_name']!r}{' with this birth date' if found else ''}. "
            "Import the clients first.",
            code="client_unknown",
            field="client_name",
        )


#: Where an action names a field of its own, the column that it came from.
_COLUMN_OF: Final = {"insurer": "insurer_part"}


def _at(name: str, read: Any) -> Any:
    """Read a cell so that an error names its column."""
    try:
        return read()
    except UserError as error:
        raise UserError(error.message, code=error.code, field=name) from None


def _lower(name: tuple[str, str]) -> tuple[str, str]:
    return name[0].lower(), name[1].lower()


def _as_written(row: Row) -> tuple[str, ...]:
    """What two rows without a number have in common where they stand for the same service given twice."""
    names = ("client_id", "client_name", "clinician", "code", "wording", "units", "kind")
    fee = row["fee"].lstrip("$ ").replace(",", "").removesuffix(".00")
    return (str(row.dates.get("on")), fee, *(" ".join(row[name].lower().split()) for name in names))


def _read_units(text: str) -> int:
    if not text:
        return 1
    match = re.fullmatch(r"([0-9]{1,3})(?:\.0+)?", text, re.ASCII)
    if match is None or int(match[1]) == 0:
        raise UserError("Units are a whole number from 1.", code="units_invalid", field="units")
    return int(match[1])


def _read_kind(text: str) -> ServiceKind | None:
    cleaned = text.lower().replace("-", " ").replace("_", " ").strip()
    if cleaned not in _KINDS:
        raise UserError(
            f"{text!r} is not known. Write attended, no show or late cancel; leave out what was canceled in time.",
            code="kind_unknown",
            field="kind",
        )
    return _KINDS[cleaned]


def _same(service: Service) -> Same:
    return (
        service.client_id, service.clinician_id, service.on, service.code.upper(), service.wording.lower(),
        service.fee_minor, ServiceKind(service.kind),
    )  # fmt: skip
