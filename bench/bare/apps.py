from django.apps import AppConfig


class BareConfig(AppConfig):
    name = "bench.bare"
    label = "bare"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from paywell.processors.contract import Style
        from paywell.processors.registry import CONNECTORS, Connector

        CONNECTORS["bench"] = Connector("bench", "Bench", Style.INLINE, "bench.instant", is_test=True)
