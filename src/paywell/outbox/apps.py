from django.apps import AppConfig


class OutboxConfig(AppConfig):
    name = "paywell.outbox"
    label = "outbox"
