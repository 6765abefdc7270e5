from django.apps import AppConfig


class ApiConfig(AppConfig):
    name = "paywell.api"
    label = "api"
