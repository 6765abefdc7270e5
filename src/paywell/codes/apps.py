from django.apps import AppConfig


class CodesConfig(AppConfig):
    name = "paywell.codes"
    label = "codes"
