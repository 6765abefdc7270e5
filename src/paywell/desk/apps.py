from django.apps import AppConfig


class DeskConfig(AppConfig):
    name = "paywell.desk"
    label = "desk"
