"""Background jobs of payments. Each is safe to run twice and does nothing where nothing is due."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from django_tasks import task

from paywell.outbox.delivery import deliver_due
from paywell.payments import sweep
from paywell.payments.cards import forget_removed_cards
from paywell.payments.noticing import settle_due_notices, settle_stored_notice
from paywell.payments.pay_links import answer_request
from paywell.payments.reconcile import reconcile_attempt, reconcile_due

#: How many are looked up in one go, and how many goes there are in a minute at most.
BATCH: Final = 50
BATCHES: Final = 20


@task()
def look_up(attempt_id: str) -> None:
    """The payer is back from the processor's page: learn what they did there."""
    reconcile_attempt(UUID(attempt_id))


@task()
def settle_notice(notice_id: str) -> None:
    """A stored notice rang: look up the charge it names."""
    settle_stored_notice(UUID(notice_id))


@task()
def send_asked_links(email: str) -> None:
    """Somebody asked for pay links by their address; whether it is anybody's is found out away from the page."""
    answer_request(email)


@task()
def reconcile() -> None:
    """What is due by the schedule, and notices whose job was lost."""
    for _ in range(BATCHES):  # after an outage there is more than one batch
        if reconcile_due(limit=BATCH) < BATCH:
            break
    settle_due_notices()


@task()
def sweep_all() -> None:
    """Compare everything with the processors, and remind them of the cards that they are to forget."""
    sweep.sweep_all()
    forget_removed_cards()


@task()
def deliver_outbox() -> None:
    deliver_due()
