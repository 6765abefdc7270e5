"""A client's insurance: what superbills tell the insurer."""

from __future__ import annotations

import re
from datetime import date
from typing import Any, Final
from uuid import UUID

from django.db import transaction
from django.db.models import Q

from paywell.audit.actions import record
from paywell.clients.models import Client, Coverage, Relationship
from paywell.core.db import lock
from paywell.core.errors import UserError
from paywell.core.identifiers import clean_npi
from paywell.core.prepared import Prepared

COVERAGE_FIELDS: Final = frozenset(
    {
        "insurer", "member_id", "group_number", "relationship", "subscriber_name", "subscriber_birth_date",
        "subscriber_street", "subscriber_city", "subscriber_state", "subscriber_postal_code",
        "needs_authorization", "authorization_number", "referring_name", "referring_npi", "filing_days", "rank",
        "starts_on", "ends_on",
    }
)  # fmt: skip
_IN_FORCE = Prepared(
    lambda practice, client, first, last: Coverage.objects.filter(
        Q(ends_on=None) | Q(ends_on__gte=first), practice_id=practice, client_id=client, starts_on__lte=last
    ).order_by("rank", "-starts_on", "id")
)
_NUMBER = re.compile(r"[0-9A-Z]*", re.ASCII)
MAX_FILING_DAYS: Final = 1_100


def add_coverage(*, client: Client, actor_id: UUID | None, **fields: Any) -> Coverage:
    """One more insurance of the client. Raises UserError; the codes are named below."""
    coverage = Coverage(practice_id=client.practice_id, client=client)
    _fill(coverage, fields)
    with transaction.atomic():
        coverage.save(force_insert=True)
        _record(coverage, actor_id, "clients.add_coverage", sorted(fields))
    return coverage


def change_coverage(*, coverage: Coverage, actor_id: UUID | None, **fields: Any) -> Coverage:
    """Change what is on file. Superbills issued before keep what they printed."""
    with transaction.atomic():
        row = lock(Coverage.objects.filter(practice_id=coverage.practice_id, pk=coverage.pk)).get()
        changed = _fill(row, fields)
        if changed:
            row.save(update_fields=changed)
            _record(row, actor_id, "clients.change_coverage", changed)
    return row


def get_coverages(client: Client, first: date, last: date) -> list[Coverage]:
    """Those in force on any of these days, in the order in which the insurers pay."""
    return _IN_FORCE(practice=client.practice_id, client=client.id, first=first, last=last)


def _fill(coverage: Coverage, fields: dict[str, Any]) -> list[str]:
    """Check and set the fields; the names of those that changed."""
    unknown = fields.keys() - COVERAGE_FIELDS
    if unknown:
        raise TypeError(f"No such field: {', '.join(sorted(unknown))}.")
    values: dict[str, Any] = {k: " ".join(v.split()) if isinstance(v, str) else v for k, v in fields.items()}
    for name in ("member_id", "group_number", "authorization_number"):
        if name in values:
            values[name] = clean_number(values[name], name)
    if "subscriber_state" in values:
        values["subscriber_state"] = values["subscriber_state"].upper()
    if "referring_npi" in values:
        values["referring_npi"] = clean_npi(values["referring_npi"], field="referring_npi")
    changed = sorted(name for name, value in values.items() if getattr(coverage, name) != value)
    for name in changed:
        setattr(coverage, name, values[name])
    _refuse(coverage)
    return changed


def _refuse(coverage: Coverage) -> None:
    if not coverage.insurer:
        raise UserError("Enter the insurer's name.", code="insurer_missing", field="insurer")
    if coverage.relationship not in Relationship.values:
        raise UserError("Choose whose insurance it is.", code="relationship_invalid", field="relationship")
    if coverage.starts_on is None:
        raise UserError("Enter from when it holds.", code="starts_on_missing", field="starts_on")
    refuse_coverage_dates(coverage.starts_on, coverage.ends_on)
    if coverage.filing_days is not None and not 1 <= coverage.filing_days <= MAX_FILING_DAYS:
        raise UserError("Give between 1 and 1,100 days.", code="filing_days", field="filing_days")
    if not 1 <= coverage.rank <= 9:
        raise UserError("Give a number from 1 to 9.", code="rank_invalid", field="rank")


def refuse_coverage_dates(starts_on: date, ends_on: date | None) -> None:
    """Raises UserError `coverage_dates`."""
    if ends_on and ends_on < starts_on:
        raise UserError("The end is before the beginning.", code="coverage_dates", field="ends_on")


def clean_number(text: str, field: str = "member_id") -> str:
    """Upper case without blanks and hyphens, as the claim form wants it (boxes 1a, 11 and 23)."""
    cleaned = text.upper().replace(" ", "").replace("-", "")
    if len(cleaned) > 29 or not _NUMBER.fullmatch(cleaned):
        raise UserError("Use letters and digits, at most 29.", code=f"{field}_invalid", field=field)
    return cleaned


def _record(coverage: Coverage, actor_id: UUID | None, action: str, fields: list[str]) -> None:
    record(
        practice_id=coverage.practice_id,
        actor_id=actor_id,
        action=action,
        target_kind="coverage",
        target_id=coverage.id,
        detail={"fields": fields},
    )
