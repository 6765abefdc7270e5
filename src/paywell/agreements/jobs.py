"""Background jobs of agreements. Each is safe to run twice and does nothing where nothing is due."""

from __future__ import annotations

from django_tasks import task

from paywell.agreements.automatic import announce_due, charge_due


@task()
def announce() -> None:
    """The day before: plan AutoPay and installments, and tell the payers."""
    announce_due()


@task()
def charge() -> None:
    """On the day: charge what was announced; look again at what has no answer yet."""
    charge_due()
