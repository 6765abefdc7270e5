"""Writes of services, of the practice's own catalogue, and of diagnoses.

Plain transactions, so that an import can put many of them into one.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any, Final
from uuid import UUID

from django.db import transaction

from paywell.audit.actions import record
from paywell.care import holds
from paywell.care.models import CatalogItem, CodeLicense, Diagnosis, Service, ServiceDiagnosis, ServiceKind
from paywell.clients.models import Client
from paywell.codes.places import check_place
from paywell.codes.queries import check_code
from paywell.codes.types import Level
from paywell.core import clock
from paywell.core.db import lock
from paywell.core.errors import UserError
from paywell.core.identifiers import clean_diagnosis_code, clean_modifiers
from paywell.core.money import MAX_MINOR, Money
from paywell.core.templatetags.paywell import day as write_day
from paywell.practice.models import Clinician, Location, Practice

_CODE = re.compile(r"[0-9A-Z][0-9A-Z.\-]{0,9}", re.ASCII)

MAX_DIAGNOSES: Final = 4  #: pointers of one line (box 24E of the claim form)
MAX_UNITS: Final = 999
#: A service may be recorded ahead of its day, but not in another year: that is a typing error.
LATEST_AHEAD: Final = timedelta(days=366)


def add_catalog_item(
    *,
    practice: Practice,
    code: str,
    wording: str,
    fee: Money,
    actor_id: UUID | None,
    kind: ServiceKind = ServiceKind.SESSION,
) -> CatalogItem:
    """An entry of the practice's own price list. Raises UserError `code_invalid`, `fee_invalid`, `item_taken`."""
    code, wording = clean_code(code), _clean_wording(wording)
    refuse_fee(practice, fee)
    with transaction.atomic():
        if CatalogItem.objects.filter(practice=practice, code=code, wording=wording).exists():
            raise UserError("The catalogue has that entry already.", code="item_taken", field="code")
        item = CatalogItem.objects.create(
            practice=practice, code=code, wording=wording, kind=kind, fee_minor=fee.minor, currency=fee.currency
        )
        record(
            practice_id=practice.id, actor_id=actor_id, action="care.add_catalog_item",
            target_kind="catalog_item", target_id=item.id,
        )  # fmt: skip
    return item


def update_catalog_item(*, item: CatalogItem, fee: Money, is_active: bool, actor_id: UUID | None) -> CatalogItem:
    """Change the fee or take the entry out of the list. Services recorded before keep their fee."""
    refuse_fee(item.practice, fee)
    with transaction.atomic():
        row = lock(CatalogItem.objects.filter(practice_id=item.practice_id, pk=item.pk)).get()
        row.fee_minor, row.currency, row.is_active = fee.minor, fee.currency, is_active
        row.save(update_fields=["fee_minor", "currency", "is_active"])
        record(
            practice_id=row.practice_id, actor_id=actor_id, action="care.update_catalog_item",
            target_kind="catalog_item", target_id=row.id,
        )  # fmt: skip
    return row


def note_code_license(*, practice: Practice, held_since: date, actor_id: UUID) -> CodeLicense:
    """Keep that the practice holds a license for its codes of five digits. Raises UserError `license_ahead`."""
    now = clock.now()
    if held_since > clock.business_date(now, practice.timezone):
        raise UserError(
            "Enter the day since when you hold it, today at the latest.", code="license_ahead", field="held_since"
        )
    with transaction.atomic():
        row, _ = CodeLicense.objects.update_or_create(
            practice=practice, defaults={"held_since": held_since, "noted_by": actor_id, "noted_at": now}
        )
        record(
            practice_id=practice.id, actor_id=actor_id, action="care.note_code_license",
            detail={"held_since": held_since.isoformat()},
        )  # fmt: skip
    return row


def withdraw_code_license(*, practice: Practice, actor_id: UUID) -> None:
    """The practice does not say so any more. Its catalogue stays as it is."""
    with transaction.atomic():
        if CodeLicense.objects.filter(practice=practice).delete()[0]:
            record(practice_id=practice.id, actor_id=actor_id, action="care.withdraw_code_license")


def record_service(
    *,
    practice: Practice,
    client: Client,
    clinician: Clinician,
    on: date,
    actor_id: UUID | None,
    catalog_item: CatalogItem | None = None,
    code: str = "",
    wording: str = "",
    fee: Money | None = None,
    kind: ServiceKind | None = None,
    units: int = 1,
    insurer_minor: int = 0,
    modifiers: str | Sequence[str] = "",
    place_of_service: str = "11",
    location: Location | None = None,
    diagnosis_ids: Sequence[UUID] = (),
    external_id: str = "",
) -> Service:
    """Write one service that took place, or a fee for one that did not.

    `fee` is for all units; without it the catalogue's fee times the units. `insurer_minor` is the part of the fee,
    in minor units, that an insurer is to pay. `diagnosis_ids` in the order of their pointers, the primary first.
    Raises UserError for what a person can put right; the codes are named below.
    """
    for owned in (client, clinician, catalog_item, location):
        if owned is not None and owned.practice_id != practice.id:
            raise ValueError("Everything about a service belongs to one practice.")
    if catalog_item is not None:
        code, wording = code or catalog_item.code, wording or catalog_item.wording
        kind = kind or ServiceKind(catalog_item.kind)
        fee = fee or Money(catalog_item.fee_minor * units, catalog_item.currency)
    if fee is None:
        raise UserError("Enter a fee.", code="fee_missing", field="fee")
    refuse_fee(practice, fee)
    _refuse_units(units)
    refuse_insurer(insurer_minor, fee)
    refuse_day(client, on)
    if external_id and Service.objects.filter(practice=practice, external_id=external_id).exists():
        raise UserError("A service with that number exists.", code="external_id_taken", field="external_id")
    diagnoses = get_diagnoses(client, on, diagnosis_ids)
    with transaction.atomic():
        service = Service.objects.create(
            practice=practice,
            client=client,
            clinician=clinician,
            location=location,
            kind=kind or ServiceKind.SESSION,
            on=on,
            code=clean_code(code) if code else "",
            wording=_clean_wording(wording),
            modifiers=clean_modifiers(modifiers),
            place_of_service=clean_place(location.place_of_service if location else place_of_service, on),
            units=units,
            fee_minor=fee.minor,
            insurer_minor=insurer_minor,
            currency=fee.currency,
            external_id=external_id,
            recorded_at=clock.now(),
        )
        ServiceDiagnosis.objects.bulk_create(
            ServiceDiagnosis(practice=practice, service=service, diagnosis=diagnosis, position=position)
            for position, diagnosis in enumerate(diagnoses, start=1)
        )
        record(
            practice_id=practice.id, actor_id=actor_id, action="care.record_service",
            target_kind="service", target_id=service.id,
        )  # fmt: skip
    return service


def record_each_day(
    *, client: Client, days: Sequence[date], actor_id: UUID | None, **service: Any
) -> tuple[list[Service], list[date]]:
    """The same service on each of the days, all of them or, where one can't be recorded, none.

    A day on which the client has the same service already is left out and named in the second list: pressing twice
    records nothing twice. `service` is what `record_service` takes. Raises UserError as it does, or `days_missing`.
    """
    if not days:
        raise UserError("Choose at least one day.", code="days_missing", field="on")
    with transaction.atomic():
        lock(Client.objects.filter(practice=client.practice_id, pk=client.pk)).get()
        item = service["catalog_item"]
        same = Service.objects.filter(
            practice=client.practice_id, client=client, clinician=service["clinician"], code=item.code,
            wording=item.wording, on__in=days, voided_at=None,
        )  # fmt: skip
        taken = set(same.values_list("on", flat=True))
        recorded = [
            record_service(practice=client.practice, client=client, on=day, actor_id=actor_id, **service)
            for day in sorted(set(days) - taken)
        ]
    return recorded, sorted(taken)


def void_service(*, service: Service, actor_id: UUID | None, reason: str = "") -> Service:
    """Strike a service out. Refused (`service_invoiced`) while it stands on an invoice that is not voided."""
    with transaction.atomic():
        row = lock(Service.objects.filter(practice_id=service.practice_id, pk=service.pk)).get()
        if row.voided_at is not None:
            return row
        if holds.any_held([row.id]):
            raise UserError("This service stands on an invoice. Void the invoice first.", code="service_invoiced")
        row.voided_at = clock.now()
        row.save(update_fields=["voided_at"])
        record(
            practice_id=row.practice_id, actor_id=actor_id, action="care.void_service",
            target_kind="service", target_id=row.id, detail={"reason": reason[:200]} if reason else {},
        )  # fmt: skip
    return row


def keep_from_insurer(*, service: Service, is_kept: bool, actor_id: UUID | None) -> Service:
    """The client paid for it in full and asked that no insurer hears of it, or took that back.

    The practice must honor the request (45 CFR 164.522(a)(1)(vi)): no superbill has the service while it stands.
    """
    with transaction.atomic():
        row = lock(Service.objects.filter(practice_id=service.practice_id, pk=service.pk)).get()
        if row.is_kept_from_insurer != is_kept:
            row.is_kept_from_insurer = is_kept
            row.save(update_fields=["is_kept_from_insurer"])
            record(
                practice_id=row.practice_id, actor_id=actor_id, action="care.keep_from_insurer",
                target_kind="service", target_id=row.id, detail={"kept": is_kept},
            )  # fmt: skip
    return row


def add_diagnosis(
    *,
    practice: Practice,
    client: Client,
    code: str,
    diagnosed_on: date,
    actor_id: UUID | None,
    description: str = "",
    ended_on: date | None = None,
    rank: int = 1,
    override: str = "",
) -> Diagnosis:
    """A dated diagnosis of a client. It counts for services from `diagnosed_on` on, never before.

    `override` is staff's reason for a code that the list of that day calls a heading or not valid. Without a
    description, the list's is taken. Raises UserError `diagnosis_invalid` (format), `diagnosis_not_valid` (may be
    overridden), `diagnosis_taken`, `diagnosis_dates`.
    """
    if client.practice_id != practice.id:
        raise ValueError("A diagnosis belongs to a client of the same practice.")
    code = clean_diagnosis_code(code)
    refuse_diagnosis_dates(diagnosed_on, ended_on)
    verdict, override = check_code(code, diagnosed_on), override.strip()[:200]
    is_blocked = verdict.level is Level.BLOCK
    if is_blocked and not override:
        raise UserError(verdict.words, code="diagnosis_not_valid", field="code")
    with transaction.atomic():
        if Diagnosis.objects.filter(
            practice=practice, client=client, code=code, diagnosed_on=diagnosed_on
        ).exists():
            raise UserError("The client has that diagnosis from that day.", code="diagnosis_taken", field="code")
        diagnosis = Diagnosis.objects.create(
            practice=practice, client=client, code=code,
            description=(description.strip() or verdict.description)[:200], diagnosed_on=diagnosed_on,
            ended_on=ended_on, rank=rank, override=override if is_blocked else "",
        )  # fmt: skip
        record(
            practice_id=practice.id, actor_id=actor_id, action="care.add_diagnosis",
            target_kind="diagnosis", target_id=diagnosis.id, detail={"override": True} if is_blocked else {},
        )  # fmt: skip
    return diagnosis


def end_diagnosis(*, diagnosis: Diagnosis, ended_on: date | None, actor_id: UUID) -> Diagnosis:
    """Date until when a diagnosis holds, or None: it holds on. It is then offered for no service after that day.

    Raises UserError `diagnosis_dates`, or `diagnosis_in_use` where a service of a later day points to it.
    """
    with transaction.atomic():
        row = lock(Diagnosis.objects.filter(practice_id=diagnosis.practice_id, pk=diagnosis.pk)).get()
        if ended_on is not None:
            refuse_diagnosis_dates(row.diagnosed_on, ended_on)
            later = Service.objects.filter(
                practice_id=row.practice_id, pointers__diagnosis=row, on__gt=ended_on, voided_at=None
            ).order_by("-on").first()  # fmt: skip
            if later is not None:
                raise UserError(
                    f"A service of {write_day(later.on)} points to it. End it on that day "
                    "or later, or edit that service first.",
                    code="diagnosis_in_use", field="ended_on",
                )  # fmt: skip
        if row.ended_on != ended_on:
            row.ended_on = ended_on
            row.save(update_fields=["ended_on"])
            record(
                practice_id=row.practice_id, actor_id=actor_id, action="care.end_diagnosis",
                target_kind="diagnosis", target_id=row.id,
                detail={"until": ended_on.isoformat() if ended_on else "open"},
            )  # fmt: skip
    return row


def refuse_diagnosis_dates(diagnosed_on: date, ended_on: date | None) -> None:
    """Raises UserError `diagnosis_dates`."""
    if ended_on is not None and ended_on < diagnosed_on:
        raise UserError("The end is before the beginning.", code="diagnosis_dates", field="ended_on")


def clean_code(text: str) -> str:
    """A service's code in upper case. Raises UserError `code_invalid`."""
    cleaned = text.strip().upper()
    if not _CODE.fullmatch(cleaned):
        raise UserError("A code has up to ten letters and digits.", code="code_invalid", field="code")
    return cleaned


def _clean_wording(text: str) -> str:
    cleaned = " ".join(text.split())
    if not cleaned:
        raise UserError("Enter the wording that documents print.", code="wording_missing", field="wording")
    if len(cleaned) > 120:
        raise UserError("Use at most 120 characters.", code="wording_too_long", field="wording")
    return cleaned


def clean_place(text: str, on: date) -> str:
    """Two digits that hold on the day; those that this version does not know are taken, since the set grows."""
    place = text.strip()
    verdict = check_place(place, on)
    if verdict.level is Level.BLOCK:
        raise UserError(verdict.words, code="place_invalid", field="place_of_service")
    return place


def refuse_fee(practice: Practice, fee: Money) -> None:
    """Raises UserError `fee_currency`, `fee_invalid`."""
    if fee.currency != practice.currency:
        raise UserError(f"Fees are in {practice.currency}.", code="fee_currency", field="fee")
    if not 0 < fee.minor <= MAX_MINOR:
        raise UserError("Enter a fee that is more than zero.", code="fee_invalid", field="fee")


def refuse_insurer(insurer_minor: int, fee: Money) -> None:
    """Raises UserError `insurer_above_fee`. `insurer_minor` in minor units of the fee's currency."""
    if not 0 <= insurer_minor <= fee.minor:
        raise UserError(
            "The insurer's part is between zero and the fee.", code="insurer_above_fee", field="insurer"
        )


def _refuse_units(units: int) -> None:
    if not 1 <= units <= MAX_UNITS:
        raise UserError("Units are a whole number from 1.", code="units_invalid", field="units")


def refuse_day(client: Client, on: date) -> None:
    """Raises UserError `date_too_late`, `date_before_birth`."""
    if on > clock.now().date() + LATEST_AHEAD:
        raise UserError("That day is more than a year ahead.", code="date_too_late", field="on")
    if client.birth_date and on < client.birth_date:
        raise UserError("That day is before the client was born.", code="date_before_birth", field="on")


def get_diagnoses(client: Client, on: date, diagnosis_ids: Sequence[UUID]) -> list[Diagnosis]:
    """The diagnoses in the order asked for; each the client's own and in force on the day."""
    if not diagnosis_ids:
        return []
    _refuse_many(diagnosis_ids)
    found = {
        row.id: row
        for row in Diagnosis.objects.filter(practice_id=client.practice_id, client=client, id__in=diagnosis_ids)
    }
    rows = [found[one] for one in diagnosis_ids if one in found]
    if len(rows) != len(diagnosis_ids):
        raise UserError("Choose diagnoses of this client.", code="diagnosis_not_found", field="diagnoses")
    refuse_diagnoses(rows, on)
    return rows


def refuse_diagnoses(rows: Sequence[Diagnosis], on: date) -> None:
    """Raises UserError `diagnoses_too_many`, `diagnosis_not_in_force` for a service of that day."""
    _refuse_many([row.id for row in rows])
    if any(row.diagnosed_on > on or (row.ended_on and row.ended_on < on) for row in rows):
        raise UserError(
            "A diagnosis counts from its own date on: one of these is not in force on the day of the service.",
            code="diagnosis_not_in_force",
            field="diagnoses",
        )


def _refuse_many(diagnosis_ids: Sequence[UUID]) -> None:
    if len(diagnosis_ids) > MAX_DIAGNOSES or len(set(diagnosis_ids)) != len(diagnosis_ids):
        raise UserError(
            "A service takes up to four diagnoses, each once.", code="diagnoses_too_many", field="diagnoses"
        )
