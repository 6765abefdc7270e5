from django.apps import AppConfig


class BenchConfig(AppConfig):
    """Makes the instant processor known. Installed only by the bench's own settings."""

    name = "bench"
    label = "bench"

    def ready(self) -> None:
        from paywell.processors.contract import Style
        from paywell.processors.registry import CONNECTORS, Connector

        CONNECTORS["bench"] = Connector("bench", "Bench", Style.INLINE, "bench.instant", is_test=True)
