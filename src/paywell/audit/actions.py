"""The only writer of the audit trail."""

from __future__ import annotations

import hashlib
import json
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction

from paywell.audit.models import AuditEvent
from paywell.core import clock
from paywell.core.ids import new_id

NO_PRACTICE = UUID(int=0)
GENESIS = "0" * 64


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

    Two writers at once: the unique place in the chain lets one through, the other takes the next place.
    """
    chain_id = practice_id or NO_PRACTICE
    while True:
        last = AuditEvent.objects.filter(chain_id=chain_id).order_by("-seq").values("seq", "hash").first()
        event = AuditEvent(
            id=new_id(),
            practice_id=practice_id,
            chain_id=chain_id,
            seq=last["seq"] + 1 if last else 1,
            at=clock.now(),
            actor_id=actor_id,
            action=action,
            target_kind=target_kind,
            target_id=target_id,
            detail=detail or {},
            prev_hash=last["hash"] if last else GENESIS,
        )
        event.hash = event_hash(event)
        try:
            with transaction.atomic():
                event.save(force_insert=True)
        except IntegrityError:
            continue
        return event


def event_hash(event: AuditEvent) -> str:
    """SHA-256 over the previous hash and everything that the event says, as canonical JSON."""
    content = [
        event.prev_hash, str(event.id), str(event.chain_id), event.seq, event.at.isoformat(),
        str(event.actor_id or ""), event.action, event.target_kind, str(event.target_id or ""), event.detail,
    ]  # fmt: skip
    return hashlib.sha256(json.dumps(content, separators=(",", ":"), sort_keys=True).encode()).hexdigest()
