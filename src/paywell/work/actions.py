"""Asking for long work, and canceling it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.db import transaction

from paywell.audit.actions import record
from paywell.core import clock
from paywell.core.db import lock, phase
from paywell.core.ids import new_key
from paywell.work.kinds import get_kind
from paywell.work.models import Work, WorkState


def request_work(
    *,
    practice_id: UUID,
    kind: str,
    title: str,
    actor_id: UUID | None,
    parameters: Mapping[str, Any] | None = None,
    key: str = "",
) -> Work:
    """Queue a piece of work; the worker turns to it within seconds.

    `title` and `parameters` hold nothing clinical. A form sends the `key` that was made with its page, so that
    sending it twice asks once: the same key gives the work that is there already.
    """
    get_kind(kind)
    now = clock.now()
    with transaction.atomic():
        work, is_new = Work.objects.get_or_create(
            practice_id=practice_id,
            key=key or new_key(),
            defaults={
                "kind": kind,
                "title": title[:160],
                "requested_by": actor_id,
                "parameters": dict(parameters or {}),
                "created_at": now,
                "next_try_at": now,
            },
        )
        if is_new:
            record(
                practice_id=practice_id, actor_id=actor_id, action="work.request_work",
                target_kind="work", target_id=work.id, detail={"kind": kind},
            )  # fmt: skip
    return work


def cancel_work(*, work: Work, actor_id: UUID | None) -> Work:
    """Stop before the next step. What is done stays done; what has ended stays as it ended."""
    now = clock.now()
    with phase():
        row = lock(Work.objects.filter(pk=work.pk)).get()
        if not row.is_open or row.cancel_requested_at:
            return row
        row.cancel_requested_at = now
        if row.state == WorkState.QUEUED:
            row.state, row.finished_at = WorkState.CANCELED, now
        row.save(update_fields=["cancel_requested_at", "state", "finished_at"])
        record(
            practice_id=row.practice_id, actor_id=actor_id, action="work.cancel_work",
            target_kind="work", target_id=row.id,
        )  # fmt: skip
    return row
