from django.apps import AppConfig


class ProcessorsConfig(AppConfig):
    name = "paywell.processors"
    label = "processors"
