"""Background jobs of billing. Each is safe to run twice and does nothing where nothing is due."""

from __future__ import annotations

from django_tasks import task

from paywell.billing.invoice_runs import issue_by_rule


@task()
def invoices() -> None:
    """Invoices by the practices' rules."""
    issue_by_rule()
