"""Lists of the set-up pages, and the audit trail."""

from __future__ import annotations

from dataclasses import dataclass

from paywell.accounts.models import User
from paywell.accounts.types import StaffViewer
from paywell.audit.models import AuditEvent
from paywell.care.models import CatalogItem
from paywell.core.money import Money
from paywell.core.paging import Page
from paywell.desk.types import paginate
from paywell.desk.words import audit_words
from paywell.practice.models import Clinician


@dataclass(frozen=True, slots=True)
class AuditRow:
    event: AuditEvent
    words: str
    actor: str  #: empty for the system
    detail: str


def list_clinicians(viewer: StaffViewer) -> list[Clinician]:
    """Those who see clients now first."""
    return list(Clinician.objects.filter(practice=viewer.practice).order_by("-is_active", "name"))


def list_catalog(viewer: StaffViewer) -> list[tuple[CatalogItem, Money]]:
    """The practice's price list, what is offered first."""
    rows = CatalogItem.objects.filter(practice=viewer.practice).order_by("-is_active", "wording")
    return [(row, Money(row.fee_minor, row.currency)) for row in rows]


def list_audit(viewer: StaffViewer, *, page: int = 1) -> Page[AuditRow]:
    """Who did or viewed what in the practice, newest first. Two queries."""

    def make(events: list[AuditEvent]) -> list[AuditRow]:
        actors = {event.actor_id for event in events if event.actor_id}
        names = {str(user.id): user.get_full_name() for user in User.objects.filter(id__in=actors)}
        return [
            AuditRow(
                event,
                audit_words(event.action),
                names.get(str(event.actor_id), ""),
                _tell(event.detail),
            )
            for event in events
        ]

    return paginate(AuditEvent.objects.filter(practice_id=viewer.practice.id).order_by("-seq"), page, make)


def _tell(detail: dict[str, object]) -> str:
    """The plain parts of an event's detail; ids stay in the export."""
    shown = {key: value for key, value in detail.items() if isinstance(value, str | bool | int | list)}
    parts = []
    for key, value in shown.items():
        text = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
        if len(text) <= 60 and text.count("-") != 4:
            parts.append(f"{key}: {text}")
    return "; ".join(parts)
