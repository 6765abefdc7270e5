"""A practice's list of clients."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet

from paywell.care.imports.clinicians import Clinicians
from paywell.care.imports.insurance import INSURANCE_FIELDS, keep_insurance, read_insurance
from paywell.clients.actions import change_client, create_billing_account, create_client
from paywell.clients.models import BillingAccount, Client
from paywell.core.csv_import import (
    BadFile,
    Field,
    HeaderMap,
    Place,
    Report,
    Row,
    map_headers,
)
from paywell.core.errors import UserError
from paywell.practice.actions import clean_email, clean_postal_code, clean_state
from paywell.practice.models import Practice

FIELDS: Final = (
    Field(
        "external_id",
        ("client id", "client_identifier", "client number", "patient id", "mrn", "row_id", "account number"),
        max_length=80,
    ),
    Field(
        "legal_first_name",
        ("first name", "legal first name", "given name", "client first name", "patient first name"),
        max_length=80,
    ),
    Field(
        "legal_last_name",
        ("last name", "legal last name", "family name", "surname", "client last name", "patient last name"),
        max_length=80,
    ),
    Field("full_name", ("client name", "patient name", "name", "client", "patient"), max_length=160),
    Field("preferred_name", ("preferred name", "nickname", "goes by"), max_length=120),
    Field("birth_date", ("dob", "date of birth", "birthdate", "birthday", "patient dob"), is_date=True),
    Field("sex", ("legal sex", "gender"), max_length=20),
    Field("email", ("email address", "e-mail", "client email"), max_length=254),
    Field("phone", ("phone number", "mobile", "mobile phone", "cell", "cell phone", "home phone"), max_length=32),
    Field("street", ("address1", "address line 1", "street address", "address", "address 1"), max_length=150),
    Field("street_2", ("address2", "address line 2", "address 2", "apt", "unit"), max_length=49),
    Field("city", ("town",), max_length=80),
    Field("state", ("province",), max_length=30),
    Field("postal_code", ("zip", "zip code", "postal code", "zipcode"), max_length=10),
    Field("clinician", ("therapist", "primary clinician", "assigned clinician", "provider", "counselor")),
    Field("payer_name", ("responsible party", "guarantor", "bill to", "billing name"), max_length=120),
    Field(
        "shares_account_with",
        ("related_to_row_id", "primary_client_identifier", "household head id", "guarantor client id"),
        max_length=80,
    ),
    *INSURANCE_FIELDS,
)

_NAME: Final = ("legal_first_name", "legal_last_name")
_SEX: Final = {
    "": "", "f": "F", "female": "F", "woman": "F", "m": "M", "male": "M", "man": "M", "x": "X", "nonbinary": "X",
    "non-binary": "X", "other": "X", "u": "", "unknown": "", "undisclosed": "",
}  # fmt: skip
#: Fields of the record that a row may change. An empty cell never erases what is there.
_RECORD: Final = (
    "legal_first_name", "legal_last_name", "preferred_name", "birth_date", "sex", "email", "phone", "street",
    "city", "state", "postal_code", "clinician", "external_id",
)  # fmt: skip


def map_columns(headers: Sequence[str], mapping: Mapping[str, str]) -> HeaderMap:
    """Which column is which. Raises BadFile, also where the names have none."""
    found = map_headers(headers, FIELDS, mapping)
    if set(_NAME) <= set(found.by_field) and "full_name" not in mapping.values():
        # First and last name say it all; a column "client" beside them means something else.
        found = map_headers(headers, [one for one in FIELDS if one.name != "full_name"], mapping)
    if not set(_NAME) <= set(found.by_field) and "full_name" not in found.by_field:
        raise BadFile(
            "No column holds the clients' names. Say which one does (field full_name).", code="names_missing"
        )
    return found


def arrange(rows: Sequence[Row]) -> list[tuple[Row, Place]]:
    """Heads of households first, whoever shares their account after them; a second row of a client says so."""
    numbers = {row["external_id"] for row in rows} - {""}
    ordered: list[tuple[Row, bool]] = []
    placed, waiting = set[str](), list(rows)
    while waiting:
        later = [row for row in waiting if _head_of(row) in numbers - placed]
        if len(later) == len(waiting):
            # They name each other in a circle.
            return [*_note_doubles(ordered), *((row, Place()) for row in later)]
        ready = [row for row in waiting if _head_of(row) not in numbers - placed]
        ordered += [(row, _head_of(row) in numbers) for row in ready]
        placed |= {row["external_id"] for row in ready}
        waiting = later
    return _note_doubles(ordered)


def _note_doubles(rows: Sequence[tuple[Row, bool]]) -> list[tuple[Row, Place]]:
    seen: dict[Any, int] = {}
    placed = []
    for row, follows in rows:
        key = row["external_id"] or _name_key(*_names_of(row), row.dates.get("birth_date"))
        first = seen.setdefault(key, row.number)
        placed.append((row, Place(same_as=0 if first == row.number else first, follows_in_file=follows)))
    return placed


@dataclass
class ClientRun:
    """One import under way, with the practice's clients by what rows may call them: all, or those of `rows`.

    A row is found again by its external id, else by exact name and birth date.
    A check (`is_check`) takes a head of household that is a row of the file for granted.
    """

    practice: Practice
    actor_id: UUID | None
    report: Report
    rows: Sequence[Row] | None = None
    is_check: bool = False
    by_external_id: dict[str, Client] = field(default_factory=dict)
    by_name: dict[tuple[str, str, date | None], list[Client]] = field(default_factory=dict)
    seen: dict[UUID, int] = field(default_factory=dict)  #: client: the row that named it

    def __post_init__(self) -> None:
        self.clinicians = Clinicians(self.practice)
        clients = Client.objects.filter(practice=self.practice)
        if self.rows is not None:
            clients = clients.filter(pk__in=_meant_by(self.rows, clients))
        for client in clients.select_related("default_account"):
            self._keep(client)

    def read_row(self, row: Row, place: Place) -> None:
        """Add or change the client and the insurance, and count it in the report; or say there why not."""
        try:
            head = _head_of(row)
            if head and head not in self.by_external_id and not (self.is_check and place.follows_in_file):
                raise UserError(
                    f"No client has the number {head!r}, here or in the file.",
                    code="head_unknown", field="shares_account_with",
                )  # fmt: skip
            values, insurance = self._values(row), read_insurance(row)
            client = self._find(row, values)
            first = place.same_as or (self.seen.get(client.id, 0) if client else 0)
            if first:
                raise UserError(f"Row {first} names the same client.", code="twice")
            with transaction.atomic():
                is_new = client is None
                client = client or self._create(row, values)
                changed = not is_new and self._update(client, values)
                changed |= keep_insurance(client, insurance, actor_id=self.actor_id)
            if is_new:
                self._keep(client)
            self.seen[client.id] = row.number
            self.report.created += is_new
            self.report.updated += changed and not is_new
            self.report.unchanged += not changed and not is_new
        except UserError as error:
            name = (error.field or "") if (error.field or "") in row.headers else ""
            self.report.errors.append(row.error(name, error.message))

    def _values(self, row: Row) -> dict[str, Any]:
        """What the row says, in the form of the record; fields without text are left out."""
        first, last = _names_of(row)
        sex = row["sex"].lower()
        if sex not in _SEX:
            raise UserError("Write F, M or X, or leave it empty.", code="sex_invalid", field="sex")
        values: dict[str, Any] = {
            "external_id": row["external_id"],
            "legal_first_name": first,
            "legal_last_name": last,
            "preferred_name": row["preferred_name"],
            "birth_date": row.dates.get("birth_date"),
            "sex": _SEX[sex],
            "email": clean_email(row["email"]),
            "phone": row["phone"],
            "street": ", ".join(part for part in (row["street"], row["street_2"]) if part),
            "city": row["city"],
            "state": clean_state(row["state"]),
            "postal_code": clean_postal_code(row["postal_code"]),
        }
        if row["clinician"]:
            values["clinician"] = self.clinicians.find(row["clinician"])
            if values["clinician"] is None:
                raise UserError(
                    f"No clinician {row['clinician']!r} works here. Add them first, or correct the name.",
                    code="clinician_unknown",
                    field="clinician",
                )
        return {name: value for name, value in values.items() if value not in ("", None)}

    def _find(self, row: Row, values: Mapping[str, Any]) -> Client | None:
        external_id = values.get("external_id", "")
        if external_id:
            return self.by_external_id.get(external_id)
        key = _name_key(
            values.get("legal_first_name", ""), values.get("legal_last_name", ""), values.get("birth_date")
        )
        found = self.by_name.get(key, [])
        if len(found) > 1:
            raise UserError("Several clients have this name and birth date. Give their numbers.", code="ambiguous")
        return found[0] if found else None

    def _create(self, row: Row, values: Mapping[str, Any]) -> Client:
        return create_client(
            practice=self.practice,
            legal_first_name=values.get("legal_first_name", ""),
            legal_last_name=values.get("legal_last_name", ""),
            default_account=self._account(row, values),
            actor_id=self.actor_id,
            **{name: values[name] for name in _RECORD[2:] if name in values},
        )

    def _account(self, row: Row, values: Mapping[str, Any]) -> BillingAccount | None:
        """The account of the head of the household, one addressed to the payer, or None: the client's own."""
        head = self.by_external_id.get(row["shares_account_with"])
        if head is not None:
            return head.default_account
        if not row["payer_name"]:
            return None
        address = {name: values.get(name, "") for name in ("street", "city", "state", "postal_code")}
        return create_billing_account(
            practice=self.practice, name=row["payer_name"], actor_id=self.actor_id, **address
        )

    def _update(self, client: Client, values: Mapping[str, Any]) -> bool:
        """Whether the record changed."""
        before = {name: getattr(client, name) for name in _RECORD}
        after = change_client(
            client=client,
            actor_id=self.actor_id,
            **{name: value for name, value in values.items() if name in _RECORD},
        )
        return any(getattr(after, name) != before[name] for name in _RECORD)

    def _keep(self, client: Client) -> None:
        if client.external_id:
            self.by_external_id[client.external_id] = client
        key = _name_key(client.legal_first_name, client.legal_last_name, client.birth_date)
        self.by_name.setdefault(key, []).append(client)


def _meant_by(rows: Sequence[Row], clients: QuerySet[Client]) -> list[UUID]:
    """The clients whom these rows may mean, by number or by name and birth date."""
    numbers = {row["external_id"] for row in rows} | {_head_of(row) for row in rows} - {""}
    names = {_name_key(*_names_of(row), row.dates.get("birth_date")) for row in rows}
    known = clients.values_list("id", "external_id", "legal_first_name", "legal_last_name", "birth_date")
    return [
        client_id for client_id, number, first, last, born in known
        if number in numbers or _name_key(first, last, born) in names
    ]  # fmt: skip


def _head_of(row: Row) -> str:
    """The number of whom the row shares the account with; "" where that is nobody else."""
    head = row["shares_account_with"]
    return "" if head == row["external_id"] else head


def _names_of(row: Row) -> tuple[str, str]:
    first, last = row["legal_first_name"], row["legal_last_name"]
    return split_name(row["full_name"]) if not (first and last) and row["full_name"] else (first, last)


def split_name(text: str) -> tuple[str, str]:
    """("Ada", "Brook") of "Brook, Ada" or "Ada Brook". The last word is the last name where no comma says it."""
    if "," in text:
        last, _, first = text.partition(",")
        return first.strip(), last.strip()
    first, _, last = text.strip().rpartition(" ")
    return first.strip(), last.strip()


def _name_key(first: str, last: str, birth_date: date | None) -> tuple[str, str, date | None]:
    return (" ".join(first.lower().split()), " ".join(last.lower().split()), birth_date)
