from __future__ import annotations

from django.apps import AppConfig


class BillingConfig(AppConfig):
    name = "paywell.billing"
    label = "billing"

    def ready(self) -> None:
        """Make batches of invoices known to the room for long work."""
        from paywell.billing import invoice_runs  # noqa: F401
