from django.apps import AppConfig


class DeskConfig(AppConfig):
    name = "paywell.desk"
    label = "desk"

    def ready(self) -> None:
        from paywell.desk.exports import register

        register()
