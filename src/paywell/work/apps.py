from django.apps import AppConfig


class WorkConfig(AppConfig):
    name = "paywell.work"
    label = "work"
