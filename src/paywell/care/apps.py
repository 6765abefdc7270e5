from django.apps import AppConfig


class CareConfig(AppConfig):
    name = "paywell.care"
    label = "care"

    def ready(self) -> None:
        from paywell.care.imports import work  # noqa: F401 - registers its kinds of long work
