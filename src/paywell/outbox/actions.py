"""The only writer of outbox events."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

from paywell.core import clock
from paywell.outbox.models import OutboxEvent


def emit(*, practice_id: UUID, kind: str, dedupe: str, payload: dict[str, str]) -> None:
    """Write an event in the transaction of the change it tells of. The same `dedupe` again changes nothing.

    `payload` holds ids only: no amount, no name, nothing clinical.
    """
    emit_many(practice_id=practice_id, kind=kind, payloads={dedupe: payload})


def emit_many(*, practice_id: UUID, kind: str, payloads: Mapping[str, dict[str, str]]) -> None:
    """Several events of one kind in one statement, each payload by its `dedupe`. See `emit`."""
    now = clock.now()
    events = [
        OutboxEvent(
            practice_id=practice_id, kind=kind, dedupe=dedupe, payload=payload, created_at=now, next_try_at=now
        )
        for dedupe, payload in payloads.items()
    ]
    OutboxEvent.objects.bulk_create(events, ignore_conflicts=True)
