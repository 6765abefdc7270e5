from __future__ import annotations

from django.apps import AppConfig


class BillingConfig(AppConfig):
    name = "paywell.billing"
    label = "billing"

    def ready(self) -> None:
        """Make batches of invoices known to the room for long work, and insurers' answers to care."""
        from paywell.billing import invoice_runs  # noqa: F401
        from paywell.billing.entries import has_insurer_answer
        from paywell.care import holds

        holds.register_answer(has_insurer_answer)
