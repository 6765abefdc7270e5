from __future__ import annotations

from django.apps import AppConfig


class AgreementsConfig(AppConfig):
    name = "paywell.agreements"
    label = "agreements"

    def ready(self) -> None:
        """Make the batch of charges known to the room for long work."""
        from paywell.agreements import batch  # noqa: F401
