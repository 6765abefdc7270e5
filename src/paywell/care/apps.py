from django.apps import AppConfig


class CareConfig(AppConfig):
    name = "paywell.care"
    label = "care"
