"""The only writer of outbox events."""

from __future__ import annotations

from uuid import UUID

from paywell.core import clock
from paywell.outbox.models import OutboxEvent


def emit(*, practice_id: UUID, kind: str, dedupe: str, payload: dict[str, str]) -> None:
    """Write an event in the transaction of the change it tells of. The same `dedupe` again changes nothing.

    `payload` holds ids only: no amount, no name, nothing clinical.
    """
    now = clock.now()
    event = OutboxEvent(
        practice_id=practice_id, kind=kind, dedupe=dedupe, payload=payload, created_at=now, next_try_at=now
    )
    OutboxEvent.objects.bulk_create([event], ignore_conflicts=True)
