from django.apps import AppConfig


class DemoConfig(AppConfig):
    name = "paywell.demo"
    label = "demo"
