"""A practice's list of clients."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final
from uuid import UUID

from django.db import transaction

from paywell.audit.actions import record
from paywell.care.imports.clinicians import Clinicians
from paywell.clients.actions import change_client, create_billing_account, create_client
from paywell.clients.models import BillingAccount, Client
from paywell.core.csv_import import BadFile, Field, Report, Row, map_headers, read_rows, read_table
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


def import_clients(
    *,
    practice: Practice,
    data: bytes,
    actor_id: UUID | None,
    mapping: Mapping[str, str] | None = None,
    dry_run: bool = False,
) -> Report:
    """Read a list of clients into the practice: all rows or, with any error or on a dry run, none.

    A row is found again by its external id, else by exact name and birth date, so the same file twice changes
    nothing. Raises BadFile where the file as a whole can't be read.
    """
    table = read_table(data)
    headers = map_headers(table.headers, FIELDS, mapping or {})
    if set(_NAME) <= set(headers.by_field) and "full_name" not in (mapping or {}).values():
        # First and last name say it all; a column "client" beside them means something else.
        headers = map_headers(table.headers, [one for one in FIELDS if one.name != "full_name"], mapping or {})
    if not set(_NAME) <= set(headers.by_field) and ("full_name" not in headers.by_field):
        raise BadFile(
            "No column holds the clients' names. Say which one does, by --map 'Header=full_name'.",
            code="names_missing",
        )
    rows, errors = read_rows(table, headers, FIELDS)
    report = Report(
        errors=errors,
        mapping={header: name for name, header in headers.by_field.items()},
        ignored=headers.ignored,
        never=headers.never,
    )
    with transaction.atomic():
        _Run(practice, actor_id, report).read(rows)
        report.errors.sort(key=lambda error: error.row)
        if report.errors or dry_run:
            transaction.set_rollback(True)
        else:
            detail = {"created": report.created, "updated": report.updated, "unchanged": report.unchanged}
            record(practice_id=practice.id, actor_id=actor_id, action="care.import_clients", detail=detail)
    return report


@dataclass
class _Run:
    """One import under way. The practice's clients are read once and kept by what rows may call them."""

    practice: Practice
    actor_id: UUID | None
    report: Report
    by_external_id: dict[str, Client] = field(default_factory=dict)
    by_name: dict[tuple[str, str, date | None], list[Client]] = field(default_factory=dict)
    seen: dict[UUID, int] = field(default_factory=dict)  #: client: the row that named it

    def __post_init__(self) -> None:
        self.clinicians = Clinicians(self.practice)
        for client in Client.objects.filter(practice=self.practice).select_related("default_account"):
            self._keep(client)

    def read(self, rows: list[Row]) -> None:
        """Heads of households first, whoever shares their account after them."""
        waiting = rows
        while waiting:
            later = []
            for row in waiting:
                head = row["shares_account_with"]
                if head and head != row["external_id"] and head not in self.by_external_id:
                    later.append(row)
                else:
                    self._read_row(row)
            if len(later) == len(waiting):
                for row in later:
                    reason = f"No client has the number {row['shares_account_with']!r}, here or in the file."
                    self.report.errors.append(row.error("shares_account_with", reason))
                return
            waiting = later

    def _read_row(self, row: Row) -> None:
        try:
            values = self._values(row)
            client = self._find(row, values)
            if client is not None and client.id in self.seen:
                raise UserError(f"Row {self.seen[client.id]} names the same client.", code="twice")
            with transaction.atomic():
                if client is None:
                    client = self._create(row, values)
                    self.report.created += 1
                else:
                    self._update(client, values)
            self.seen[client.id] = row.number
        except UserError as error:
            name = (error.field or "") if (error.field or "") in row.headers else ""
            self.report.errors.append(row.error(name, error.message))

    def _values(self, row: Row) -> dict[str, Any]:
        """What the row says, in the form of the record; fields without text are left out."""
        first, last = row["legal_first_name"], row["legal_last_name"]
        if not (first and last) and row["full_name"]:
            first, last = split_name(row["full_name"])
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
        client = create_client(
            practice=self.practice,
            legal_first_name=values.get("legal_first_name", ""),
            legal_last_name=values.get("legal_last_name", ""),
            default_account=self._account(row, values),
            actor_id=self.actor_id,
            **{name: values[name] for name in _RECORD[2:] if name in values},
        )
        self._keep(client)
        return client

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

    def _update(self, client: Client, values: Mapping[str, Any]) -> None:
        before = {name: getattr(client, name) for name in _RECORD}
        after = change_client(
            client=client,
            actor_id=self.actor_id,
            **{name: value for name, value in values.items() if name in _RECORD},
        )
        if any(getattr(after, name) != before[name] for name in _RECORD):
            self.report.updated += 1
        else:
            self.report.unchanged += 1

    def _keep(self, client: Client) -> None:
        if client.external_id:
            self.by_external_id[client.external_id] = client
        key = _name_key(client.legal_first_name, client.legal_last_name, client.birth_date)
        self.by_name.setdefault(key, []).append(client)


def split_name(text: str) -> tuple[str, str]:
    """("Ada", "Brook") of "Brook, Ada" or "Ada Brook". The last word is the last name where no comma says it."""
    if "," in text:
        last, _, first = text.partition(",")
        return first.strip(), last.strip()
    first, _, last = text.strip().rpartition(" ")
    return first.strip(), last.strip()


def _name_key(first: str, last: str, birth_date: date | None) -> tuple[str, str, date | None]:
    return (" ".join(first.lower().split()), " ".join(last.lower().split()), birth_date)
