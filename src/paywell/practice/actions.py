"""Writes to practices, their locations and clinicians, and the switch that allows payments."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction
from django.utils.text import slugify

from paywell.audit.actions import record
from paywell.codes.places import check_place
from paywell.codes.types import Level
from paywell.core import clock
from paywell.core.db import lock
from paywell.core.errors import UserError
from paywell.core.identifiers import clean_npi, clean_tax_id, clean_taxonomy
from paywell.core.phones import parse_phone
from paywell.core.states import abbreviate_state
from paywell.practice.models import Clinician, ImportKind, ImportPreset, Location, Practice

_STATE = re.compile(r"[A-Z]{2}", re.ASCII)
_ZIP = re.compile(r"[0-9]{5}(?:-[0-9]{4})?", re.ASCII)
_COLOR = re.compile(r"#[0-9a-f]{6}", re.ASCII)

#: What the set-up page may change. The payment switch has an action of its own.
PRACTICE_FIELDS: Final = frozenset(
    {
        "name", "phone", "email", "street", "city", "state", "postal_code", "tax_id", "tax_id_kind", "npi",
        "timezone", "accent", "discreet_label", "invoice_prefix", "payment_terms_days", "paper",
        "shows_diagnosis_words", "is_part2_program", "part2_notice",
        "pay_to_name", "pay_to_street", "pay_to_city", "pay_to_state", "pay_to_postal_code", "pay_to_note",
        "pay_link_days",
        "client_idle_minutes", "staff_idle_minutes",
    }
)  # fmt: skip
CLINICIAN_FIELDS: Final = frozenset(
    {
        "name", "credentials", "npi", "license_number", "license_state", "license_from", "license_until",
        "taxonomy", "has_signature_on_file", "supervisor", "external_id", "is_active",
    }
)  # fmt: skip
LOCATION_FIELDS: Final = frozenset(
    {
        "name", "street", "city", "state", "postal_code", "place_of_service", "npi", "is_active",
        "pay_to_name", "pay_to_street", "pay_to_city", "pay_to_state", "pay_to_postal_code",
    }
)  # fmt: skip


def create_practice(*, name: str, actor_id: UUID | None, slug: str = "", **fields: Any) -> Practice:
    """A new organization of the installation. `fields` are of PRACTICE_FIELDS; without a slug, one is made of the
    name.

    Raises UserError for what a person can put right: `name_missing`, `slug_taken`, and those of `clean_fields`.
    """
    values = _clean({"name": name, **fields}, PRACTICE_FIELDS)
    slug = slugify(slug or name)[:60] or "practice"  # a name without one Latin letter
    with transaction.atomic():
        if Practice.objects.filter(slug=slug).exists():
            raise UserError("That short name is taken. Choose another.", code="slug_taken", field="slug")
        practice = Practice.objects.create(slug=slug, created_at=clock.now(), **values)
        record(
            practice_id=practice.id, actor_id=actor_id, action="practice.create_practice",
            target_kind="practice", target_id=practice.id,
        )  # fmt: skip
    return practice


def update_practice(*, practice: Practice, actor_id: UUID | None, **fields: Any) -> Practice:
    """Change what the set-up page offers. Names of changed fields are audited, never their values."""
    values = _clean(fields, PRACTICE_FIELDS, kind_of_tax_id=practice.tax_id_kind)
    with transaction.atomic():
        row = lock(Practice.objects.filter(pk=practice.pk)).get()
        changed = sorted(field for field, value in values.items() if getattr(row, field) != value)
        for field in changed:
            setattr(row, field, values[field])
        refuse_part2_without_notice(vars(row))
        refuse_half_a_pay_to_address(vars(row))
        if changed:
            row.save(update_fields=changed)
            record(
                practice_id=row.id, actor_id=actor_id, action="practice.update_practice",
                target_kind="practice", target_id=row.id, detail={"fields": changed},
            )  # fmt: skip
    return row


def close_setup(*, practice: Practice, actor_id: UUID | None) -> Practice:
    """Put the list of what the set-up leaves open away; what is missing still shows where it matters."""
    with transaction.atomic():
        row = lock(Practice.objects.filter(pk=practice.pk)).get()
        if row.setup_closed_at is None:
            row.setup_closed_at = clock.now()
            row.save(update_fields=["setup_closed_at"])
            record(
                practice_id=row.id, actor_id=actor_id, action="practice.close_setup",
                target_kind="practice", target_id=row.id,
            )  # fmt: skip
    return row


def set_payments_allowed(*, practice: Practice, allowed: bool, actor_id: UUID | None) -> Practice:
    """Turn Allow Payments Through Client Portal on or off.

    Whether a processor is connected is checked by `payments.availability.allow_payments`, which calls this.
    """
    with transaction.atomic():
        row = lock(Practice.objects.filter(pk=practice.pk)).get()
        if row.payments_allowed != allowed:
            row.payments_allowed = allowed
            row.save(update_fields=["payments_allowed"])
            record(
                practice_id=row.id, actor_id=actor_id, action="practice.set_payments_allowed",
                target_kind="practice", target_id=row.id, detail={"allowed": allowed},
            )  # fmt: skip
    practice.payments_allowed = allowed
    return row


def add_clinician(*, practice: Practice, name: str, actor_id: UUID | None, **fields: Any) -> Clinician:
    """Somebody who renders care. Raises UserError `name_missing`, `npi_invalid`, `license_dates`,
    `external_id_taken`."""
    values = _clean({"name": name, **fields}, CLINICIAN_FIELDS)
    with transaction.atomic():
        _refuse_taken_external_id(practice, values.get("external_id", ""), None)
        refuse_license_dates(values)
        _refuse_foreign_supervisor(practice, values.get("supervisor"))
        clinician = Clinician.objects.create(practice=practice, **values)
        record(
            practice_id=practice.id, actor_id=actor_id, action="practice.add_clinician",
            target_kind="clinician", target_id=clinician.id,
        )  # fmt: skip
    return clinician


def update_clinician(*, clinician: Clinician, actor_id: UUID | None, **fields: Any) -> Clinician:
    """Change a clinician's record. Documents issued before keep what they printed."""
    values = _clean(fields, CLINICIAN_FIELDS)
    with transaction.atomic():
        row = lock(Clinician.objects.filter(practice_id=clinician.practice_id, pk=clinician.pk)).get()
        _refuse_taken_external_id(row.practice, values.get("external_id", ""), row.id)
        _refuse_foreign_supervisor(row.practice, values.get("supervisor"))
        changed = sorted(field for field, value in values.items() if getattr(row, field) != value)
        for field in changed:
            setattr(row, field, values[field])
        refuse_license_dates(vars(row))
        if changed:
            row.save(update_fields=changed)
            record(
                practice_id=row.practice_id, actor_id=actor_id, action="practice.update_clinician",
                target_kind="clinician", target_id=row.id, detail={"fields": changed},
            )  # fmt: skip
    return row


def add_location(*, practice: Practice, name: str, actor_id: UUID | None, **fields: Any) -> Location:
    """A place where care is given.

    Raises UserError `name_missing`, `location_taken`, `pay_to_incomplete` and those of the fields.
    """
    location = Location(practice=practice, **_clean({"name": name, **fields}, LOCATION_FIELDS))
    refuse_half_a_pay_to_address(vars(location))
    with transaction.atomic():
        _refuse_taken_name(practice, location.name, None)
        location.save(force_insert=True)
        record(
            practice_id=practice.id, actor_id=actor_id, action="practice.add_location",
            target_kind="location", target_id=location.id,
        )  # fmt: skip
    return location


def update_location(*, location: Location, actor_id: UUID | None, **fields: Any) -> Location:
    """Change a place, or stop offering it. Services and documents made before keep what they say."""
    values = _clean(fields, LOCATION_FIELDS)
    with transaction.atomic():
        row = lock(Location.objects.filter(practice_id=location.practice_id, pk=location.pk)).get()
        _refuse_taken_name(row.practice, values.get("name", ""), row.id)
        changed = sorted(field for field, value in values.items() if getattr(row, field) != value)
        for field in changed:
            setattr(row, field, values[field])
        refuse_half_a_pay_to_address(vars(row))
        if changed:
            row.save(update_fields=changed)
            record(
                practice_id=row.practice_id, actor_id=actor_id, action="practice.update_location",
                target_kind="location", target_id=row.id, detail={"fields": changed},
            )  # fmt: skip
    return row


def save_import_preset(
    *, practice: Practice, kind: ImportKind, name: str, mapping: dict[str, str], actor_id: UUID | None
) -> ImportPreset:
    """Keep a mapping of columns (header: field) under a name; a preset of that name is replaced."""
    if not name.strip() or len(name) > 60:
        raise UserError("A preset's name has 1 to 60 characters.", code="preset_name", field="preset")
    with transaction.atomic():
        preset, _ = ImportPreset.objects.update_or_create(
            practice=practice, kind=kind, name=name.strip(), defaults={"mapping": mapping}
        )
        record(
            practice_id=practice.id, actor_id=actor_id, action="practice.save_import_preset",
            target_kind="import_preset", target_id=preset.id,
        )  # fmt: skip
    return preset


def clean_email(text: str, *, field: str = "email") -> str:
    """The address in lower case, or "". Raises UserError `email_invalid`."""
    cleaned = text.strip().lower()
    if cleaned:
        try:
            validate_email(cleaned)
        except ValidationError:
            raise UserError(
                "That is not an e-mail address. It looks like name@example.org.", code="email_invalid", field=field
            ) from None
    return cleaned


def clean_state(text: str, *, field: str = "state") -> str:
    """Two letters in upper case, also for a state's name, or ""."""
    cleaned = abbreviate_state(text)
    if cleaned and not _STATE.fullmatch(cleaned):
        raise UserError("Write the state as two letters, like CO.", code="state_invalid", field=field)
    return cleaned


def clean_postal_code(text: str, *, field: str = "postal_code") -> str:
    """A ZIP code of five or nine digits, or ""."""
    cleaned = text.strip()
    if cleaned and not _ZIP.fullmatch(cleaned):
        raise UserError(
            "A ZIP code has five digits, or nine like 80401-1234.", code="postal_code_invalid", field=field
        )
    return cleaned


def _clean(fields: dict[str, Any], known: frozenset[str], *, kind_of_tax_id: str = "EIN") -> dict[str, Any]:
    """The fields in the form in which they are stored. TypeError for one that is not `known`."""
    unknown = fields.keys() - known
    if unknown:
        raise TypeError(f"No such field: {', '.join(sorted(unknown))}.")
    values: dict[str, Any] = {k: v.strip() if isinstance(v, str) else v for k, v in fields.items()}
    if "name" in values and not values["name"]:
        raise UserError("Enter a name.", code="name_missing", field="name")
    if values.get("tax_id_kind", kind_of_tax_id) not in ("EIN", "SSN"):
        raise UserError("Choose EIN or SSN.", code="tax_id_kind", field="tax_id_kind")
    for key, clean in _CLEANERS.items():
        if key in values:
            values[key] = clean(values[key], field=key)
    if "tax_id" in values:
        values["tax_id"] = clean_tax_id(values["tax_id"], values.get("tax_id_kind", kind_of_tax_id))
    return values


def _clean_timezone(text: str, *, field: str) -> str:
    try:
        ZoneInfo(text)
    except (ZoneInfoNotFoundError, ValueError):
        raise UserError("Choose a time zone of the list.", code="timezone_invalid", field=field) from None
    return text


def _clean_accent(text: str, *, field: str) -> str:
    cleaned = text.lower()
    if not _COLOR.fullmatch(cleaned):
        raise UserError("Write the color as #rrggbb.", code="accent_invalid", field=field)
    return cleaned


def _clean_terms(days: int, *, field: str) -> int:
    if not 0 <= days <= 365:
        raise UserError("Give between 0 and 365 days to pay.", code="terms_invalid", field=field)
    return days


def _clean_pay_link_days(days: int, *, field: str) -> int:
    if not 1 <= days <= 365:
        raise UserError("Let pay links work for 1 to 365 days.", code="pay_link_days_invalid", field=field)
    return days


def _clean_place(text: str, *, field: str) -> str:
    """A place-of-service code that holds today. A service of an earlier day is checked by its own day."""
    verdict = check_place(text, clock.now().date())
    if verdict.level is Level.BLOCK:
        raise UserError(verdict.words, code="place_invalid", field=field)
    return text


_CLEANERS: Final[dict[str, Callable[..., Any]]] = {
    "phone": parse_phone,
    "email": clean_email,
    "state": clean_state,
    "license_state": clean_state,
    "postal_code": clean_postal_code,
    "pay_to_state": clean_state,
    "pay_to_postal_code": clean_postal_code,
    "npi": clean_npi,
    "taxonomy": clean_taxonomy,
    "timezone": _clean_timezone,
    "accent": _clean_accent,
    "payment_terms_days": _clean_terms,
    "pay_link_days": _clean_pay_link_days,
    "place_of_service": _clean_place,
}


def _refuse_taken_external_id(practice: Practice, external_id: str, own_id: UUID | None) -> None:
    same = Clinician.objects.filter(practice=practice, external_id=external_id)
    if own_id is not None:
        same = same.exclude(pk=own_id)
    if external_id and same.exists():
        raise UserError("Another clinician has that number.", code="external_id_taken", field="external_id")


def _refuse_taken_name(practice: Practice, name: str, own_id: UUID | None) -> None:
    same = Location.objects.filter(practice=practice, name__iexact=name)
    if own_id is not None:
        same = same.exclude(pk=own_id)
    if same.exists():
        raise UserError("Another place has that name.", code="location_taken", field="name")


def _refuse_foreign_supervisor(practice: Practice, supervisor: Clinician | None) -> None:
    if supervisor is not None and supervisor.practice_id != practice.id:
        raise UserError("Choose a supervisor of this practice.", code="supervisor_invalid", field="supervisor")


def refuse_license_dates(values: Mapping[str, Any]) -> None:
    """`values` of a clinician by field. Raises UserError `license_dates`: it ends before it begins."""
    first, last = values.get("license_from"), values.get("license_until")
    if first and last and last < first:
        raise UserError(
            "The license ends before it begins. Check both dates.", code="license_dates", field="license_until"
        )


def refuse_part2_without_notice(values: Mapping[str, Any]) -> None:
    """`values` of a practice by field. Raises UserError `part2_notice_missing`."""
    if values.get("is_part2_program") and not values.get("part2_notice"):
        raise UserError(
            "Enter the notice: documents of such a program must carry it.",
            code="part2_notice_missing",
            field="part2_notice",
        )


def refuse_half_a_pay_to_address(values: Mapping[str, Any]) -> None:
    """`values` of a practice or a place by field. Raises UserError `pay_to_incomplete` at the first that misses."""
    names = ("pay_to_street", "pay_to_city", "pay_to_state", "pay_to_postal_code")
    missing = [name for name in names if not values.get(name)]
    if missing and len(missing) < len(names):
        raise UserError(
            "Enter the whole address to which payments are sent, or leave all of it empty.",
            code="pay_to_incomplete",
            field=missing[0],
        )
