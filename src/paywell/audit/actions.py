"""The only writer of the audit trail."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID, uuid5

from django.db import IntegrityError, transaction

from paywell.audit.models import AuditEvent
from paywell.core import clock
from paywell.core.ids import new_id

NO_PRACTICE = UUID(int=0)
GENESIS = "0" * 64


VIEW = "view"


def record(
    *,
    practice_id: UUID | None,
    actor_id: UUID | None,
    action: str,
    target_kind: str = "",
    target_id: UUID | None = None,
    detail: dict[str, Any] | None = None,
) -> AuditEvent:
    """Add one event to the practice's chain. Ids and names of fields only; nothing clinical, no amount of a card.

    Belongs in the transaction of the change. Two writers at once: the unique place in the chain lets one through,
    the other takes the next place.
    """
    return _append(
        practice_id or NO_PRACTICE,
        practice_id=practice_id,
        actor_id=actor_id,
        action=action,
        target_kind=target_kind,
        target_id=target_id,
        detail=detail or {},
    )


def record_many(
    *,
    practice_id: UUID,
    actor_id: UUID | None,
    action: str,
    target_kind: str,
    details: Mapping[UUID, dict[str, Any]],
) -> list[AuditEvent]:
    """The same done to several targets: an event for each, with its own detail, in one statement. See `record`."""
    return _append_many(
        practice_id,
        [
            {
                "practice_id": practice_id,
                "actor_id": actor_id,
                "action": action,
                "target_kind": target_kind,
                "target_id": target_id,
                "detail": detail,
            }
            for target_id, detail in details.items()
        ],
    )


def record_view(
    *, room: str, practice_id: UUID, actor_id: UUID, page: str, target_kind: str, target_id: UUID
) -> AuditEvent:
    """Somebody looked at a record. `room` is desk or portal, `page` the name of the address.

    Views have a chain for each person at each practice: nobody who reads waits for anybody who writes.
    """
    return _append(
        chain_of_views(practice_id, actor_id),
        practice_id=practice_id,
        actor_id=actor_id,
        action=f"{room}.{VIEW}",
        target_kind=target_kind,
        target_id=target_id,
        detail={"page": page},
    )


def chain_of_views(practice_id: UUID, actor_id: UUID) -> UUID:
    """The chain of what one person looked at in one practice."""
    return uuid5(practice_id, str(actor_id))


def _append(chain_id: UUID, **content: Any) -> AuditEvent:
    return _append_many(chain_id, [content])[0]


def _append_many(chain_id: UUID, contents: Sequence[dict[str, Any]]) -> list[AuditEvent]:
    while True:
        last = AuditEvent.objects.filter(chain_id=chain_id).order_by("-seq").values("seq", "hash").first()
        seq, before = (last["seq"], last["hash"]) if last else (0, GENESIS)
        events = []
        for place, content in enumerate(contents, seq + 1):
            event = AuditEvent(
                id=new_id(), chain_id=chain_id, seq=place, at=clock.now(), prev_hash=before, **content
            )  # fmt: skip
            before = event.hash = event_hash(event)
            events.append(event)
        try:
            with transaction.atomic():
                AuditEvent.objects.bulk_create(events)
        except IntegrityError:
            continue
        return events


def event_hash(event: AuditEvent) -> str:
    """SHA-256 over the previous hash and everything that the event says, as canonical JSON."""
    content = [
        event.prev_hash, str(event.id), str(event.chain_id), event.seq, event.at.isoformat(),
        str(event.actor_id or ""), event.action, event.target_kind, str(event.target_id or ""), event.detail,
    ]  # fmt: skip
    return hashlib.sha256(json.dumps(content, separators=(",", ":"), sort_keys=True).encode()).hexdigest()
