"""What the worker does for the audit trail."""

from __future__ import annotations

from django_tasks import task

from paywell.audit.seal import seal_all


@task()
def seal_views() -> None:
    """Seal the chains of views of every practice. Does nothing where nobody looked at anything since."""
    seal_all()
