from django.apps import AppConfig


class ConfigConfig(AppConfig):
    name = "paywell.config"
    label = "config"

    def ready(self) -> None:
        from django.db.models.signals import post_migrate

        from paywell.config import checks, walls  # noqa: F401

        post_migrate.connect(walls.raise_walls, dispatch_uid="paywell-walls")
