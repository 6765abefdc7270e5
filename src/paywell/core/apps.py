from django.apps import AppConfig


class CoreConfig(AppConfig):
    name = "paywell.core"
    label = "core"
