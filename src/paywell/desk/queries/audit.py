"""The audit trail as staff read it: narrowed, with names in place of ids."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db.models import Q, QuerySet

from paywell.accounts.models import StaffMember, User
from paywell.accounts.types import StaffViewer
from paywell.agreements.models import Agreement, Plan
from paywell.audit.actions import VIEW
from paywell.audit.models import AuditEvent
from paywell.billing.models import Entry
from paywell.care.models import Diagnosis, Service
from paywell.clients.models import Client, Contact, Coverage, Grant
from paywell.core.paging import Page
from paywell.desk.audit_words import audit_words, target_words
from paywell.desk.queries.audit_sight import events_of
from paywell.desk.types import paginate
from paywell.invoicing.models import Invoice, InvoiceLine
from paywell.payments.card_names import name_card
from paywell.payments.models import Attempt, AttemptLine, PayLink, SavedCard

#: Details that read well without the word for what they are.
_SAY_ENOUGH: Final = frozenset({"label", "reason", "name"})
#: What the words of the event say already.
_SAID: Final = frozenset({"page"})


_ID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


@dataclass(frozen=True, slots=True)
class AuditFilter:
    """What narrows the trail. `kind`: all, views, changes."""

    person_id: UUID | None = None
    client: Client | None = None
    kind: str = "all"
    date_from: date | None = None
    date_to: date | None = None


@dataclass(frozen=True, slots=True)
class AuditRow:
    event: AuditEvent
    words: str
    actor: str  #: empty for the system
    target: str  #: what kind of thing it was
    name: str  #: and which one, where it has a name
    detail: str


def list_audit(viewer: StaffViewer, wanted: AuditFilter, *, page: int = 1) -> Page[AuditRow]:
    """Who did or viewed what, as far as the viewer may see it, newest first. A fixed number of queries."""
    return paginate(_events(viewer, wanted), page, lambda events: _rows(viewer, events))


def find_events(viewer: StaffViewer, wanted: AuditFilter) -> QuerySet[AuditEvent]:
    """The events of the trail, newest first."""
    return _events(viewer, wanted)


def make_audit_rows(viewer: StaffViewer, ids: Sequence[UUID]) -> list[AuditRow]:
    """Rows of those of the events that the viewer may read, in this order. A fixed number of queries."""
    whole = events_of(viewer).in_bulk(ids)
    return _rows(viewer, [whole[one] for one in ids if one in whole])


def list_looks(viewer: StaffViewer, client: Client, *, most: int = 5) -> list[tuple[AuditEvent, str]]:
    """The latest looks at the client's record itself, with who it was. Two queries."""
    rows = events_of(viewer).filter(target_kind="client", target_id=client.id, action__endswith=f".{VIEW}")
    found = list(rows.order_by("-at", "-id")[:most])
    people = User.objects.filter(id__in={event.actor_id for event in found if event.actor_id})
    names = {user.id: user.get_full_name() for user in people}
    return [(event, names.get(event.actor_id, "") if event.actor_id else "") for event in found]


def list_actors(viewer: StaffViewer) -> QuerySet[User]:
    """Everybody who has or had a place at the desk, by name."""
    members = StaffMember.objects.filter(practice=viewer.practice)
    return User.objects.filter(id__in=members.values("user_id")).order_by("name", "email")


def _events(viewer: StaffViewer, wanted: AuditFilter) -> QuerySet[AuditEvent]:
    rows = events_of(viewer)
    if wanted.person_id is not None:
        rows = rows.filter(actor_id=wanted.person_id)
    if wanted.kind == "views":
        rows = rows.filter(action__endswith=f".{VIEW}")
    elif wanted.kind == "changes":
        rows = rows.exclude(action__endswith=f".{VIEW}")
    zone = ZoneInfo(viewer.practice.timezone)
    if wanted.date_from is not None:
        rows = rows.filter(at__gte=datetime.combine(wanted.date_from, time(), zone))
    if wanted.date_to is not None:
        rows = rows.filter(at__lt=datetime.combine(wanted.date_to + timedelta(days=1), time(), zone))
    if wanted.client is not None:
        rows = rows.filter(_about(viewer, wanted.client))
    return rows.order_by("-at", "-id")


def _about(viewer: StaffViewer, client: Client) -> Q:
    """The client, and everything of theirs: the ids are few, and the trail has an index by target."""
    mine: dict[str, Any] = {"practice": viewer.practice, "client": client}
    ids: set[UUID] = {client.id, client.default_account_id}
    for rows, column in (
        (Service.objects, "id"),
        (Diagnosis.objects, "id"),
        (Coverage.objects, "id"),
        (Grant.objects, "id"),
        (Grant.objects, "contact_id"),
        (InvoiceLine.objects, "invoice_id"),
    ):
        ids.update(rows.filter(**mine).values_list(column, flat=True))
    paid = AttemptLine.objects.filter(practice=viewer.practice, line__client=client)
    ids.update(paid.values_list("attempt_id", flat=True))
    return Q(target_id__in=ids)


def _rows(viewer: StaffViewer, events: Sequence[AuditEvent]) -> list[AuditRow]:
    actors = {event.actor_id for event in events if event.actor_id}
    people = {user.id: user.get_full_name() for user in User.objects.filter(id__in=actors)}
    names = _names(viewer, events)
    return [
        AuditRow(
            event=event,
            words=audit_words(event.action, str(event.detail.get("page", ""))),
            actor=people.get(event.actor_id, "") if event.actor_id else "",
            target=target_words(event.target_kind) if event.target_kind else "",
            name=names.get(event.target_id, "") if event.target_id else "",
            detail=_tell(event.detail, names.get(event.target_id, "") if event.target_id else ""),
        )
        for event in events
    ]


def _names(viewer: StaffViewer, events: Iterable[AuditEvent]) -> dict[UUID, str]:
    """What is called by a name a person knows; one query for each kind of thing that has one."""
    by_kind: dict[str, set[UUID]] = {}
    for event in events:
        if event.target_id:
            by_kind.setdefault(event.target_kind, set()).add(event.target_id)

    def of(rows: QuerySet[Any], kind: str) -> QuerySet[Any]:
        return rows.filter(practice=viewer.practice, id__in=by_kind.get(kind, ()))

    found: dict[UUID, str] = {client.id: client.name for client in of(Client.objects.all(), "client")}
    found |= {one.id: one.client.name for one in of(Service.objects.select_related("client"), "service")}
    found |= {one.id: one.label for one in of(Invoice.objects.only("label"), "invoice")}
    found |= {one.id: one.name for one in of(Contact.objects.all(), "contact")}
    found |= {
        one.id: f"{one.contact.name}, {one.client.name}"
        for one in of(Grant.objects.select_related("contact", "client"), "grant")
    }
    for rows, kind in (
        (Attempt.objects, "attempt"), (Entry.objects, "entry"), (Agreement.objects, "agreement"),
        (Plan.objects, "plan"),
    ):  # fmt: skip
        found |= {one.id: one.account.name for one in of(rows.select_related("account"), kind)}
    found |= {one.id: one.client.name for one in of(InvoiceLine.objects.select_related("client"), "line")}
    found |= {one.id: name_card(one.brand, one.last4) for one in of(SavedCard.objects.all(), "saved_card")}
    found |= {one.id: one.invoice.label for one in of(PayLink.objects.select_related("invoice"), "pay_link")}
    return found


def _tell(detail: dict[str, object], name: str) -> str:
    """The plain parts of an event's detail, without the name that stands beside it; ids stay in the export."""
    shown = {
        key: value
        for key, value in detail.items()
        if key not in _SAID and isinstance(value, str | bool | int | list)
    }
    parts = []
    for key, value in shown.items():
        text = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
        if text == name:
            continue
        if key in _SAY_ENOUGH:
            parts.append(text)
        elif len(text) <= 60 and not _ID.fullmatch(text):
            parts.append(f"{key}: {text}".replace("_", " "))
    return "; ".join(parts)
