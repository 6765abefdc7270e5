from django.apps import AppConfig


class DocumentsConfig(AppConfig):
    name = "paywell.documents"
    label = "documents"

    def ready(self) -> None:
        import paywell.documents.batches  # noqa: F401  registers its kind of work
        from paywell.billing.invoice_runs import register_objection
        from paywell.care import holds
        from paywell.documents.estimates import warn_above_estimates
        from paywell.documents.jobs import HANDLERS
        from paywell.documents.queries import is_on_superbill
        from paywell.outbox import handlers

        for kind, handler in HANDLERS.items():
            handlers.register(kind, handler)
        holds.register_superbill(is_on_superbill)
        register_objection(warn_above_estimates)
