"""Hands events to their handlers after the commit: leased, marked, tried again with growing pauses."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from django.db.models import F, Q

from paywell.core import clock
from paywell.core.prepared import Prepared
from paywell.outbox.handlers import get_handlers
from paywell.outbox.models import OutboxEvent

_log = logging.getLogger("paywell.outbox")

#: How long one worker owns an event; a handler that takes longer may be repeated by another worker.
LEASE: Final = timedelta(minutes=5)
#: After the last of these, hourly, for ever: an event is never dropped.
RETRY_AFTER: Final = tuple(timedelta(minutes=minutes) for minutes in (1, 2, 5, 15, 60))

_DUE = Prepared(
    lambda now, limit: (
        OutboxEvent.objects.filter(_free(now), delivered_at=None, next_try_at__lte=now)
        .order_by("next_try_at", "id")
        .values_list("id", flat=True)[:limit]
    )
)
_EVENT = Prepared(lambda event: OutboxEvent.objects.filter(id=event))


def deliver_due(limit: int = 100) -> int:
    """Deliver the events that are due, oldest first. Returns how many were delivered."""
    return sum(_deliver(event_id) for event_id in _DUE(now=clock.now(), limit=limit))


def _deliver(event_id: UUID) -> bool:
    """One event: take the lease, hand it over, mark it. False where another worker was faster or it failed."""
    now = clock.now()
    mine = OutboxEvent.objects.filter(_free(now), pk=event_id, delivered_at=None)
    if not mine.update(lease_until=now + LEASE, tries=F("tries") + 1):
        return False
    (event,) = _EVENT(event=event_id)
    try:
        for handler in get_handlers(event.kind):
            handler(event)
    except Exception as error:
        # The name only: an exception's text may hold an address.
        _log.exception("event %s (%s) could not be delivered", event.id, event.kind)
        pause = RETRY_AFTER[min(event.tries, len(RETRY_AFTER)) - 1]
        OutboxEvent.objects.filter(pk=event_id).update(
            lease_until=None, next_try_at=now + pause, last_error=type(error).__name__
        )
        return False
    OutboxEvent.objects.filter(pk=event_id).update(delivered_at=clock.now(), lease_until=None, last_error="")
    return True


def _free(now: datetime) -> Q:
    return Q(lease_until=None) | Q(lease_until__lte=now)
