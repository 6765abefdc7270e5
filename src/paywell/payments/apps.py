from __future__ import annotations

from django.apps import AppConfig


class PaymentsConfig(AppConfig):
    name = "paywell.payments"
    label = "payments"

    def ready(self) -> None:
        """Invoicing asks here before it voids: a line that an open payment holds stays as it is."""
        from paywell.invoicing import holds
        from paywell.payments.claims import is_claimed

        holds.register(is_claimed)
