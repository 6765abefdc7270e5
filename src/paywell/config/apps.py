from django.apps import AppConfig


class ConfigConfig(AppConfig):
    name = "paywell.config"
    label = "config"

    def ready(self) -> None:
        from paywell.config import checks  # noqa: F401
