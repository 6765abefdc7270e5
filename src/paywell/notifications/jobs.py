"""Background jobs of notices. Each is safe to run twice and does nothing where nothing is due."""

from __future__ import annotations

from django_tasks import task

from paywell.notifications.reminders import remind_due


@task()
def remind() -> None:
    """Reminders before and after the due date."""
    remind_due()
