from django.apps import AppConfig


class InvoicingConfig(AppConfig):
    name = "paywell.invoicing"
    label = "invoicing"

    def ready(self) -> None:
        """Care asks here before it strikes out a service."""
        from paywell.care import holds
        from paywell.invoicing.queries import is_on_live_invoice

        holds.register(is_on_live_invoice)
