from django.apps import AppConfig


class PracticeConfig(AppConfig):
    name = "paywell.practice"
    label = "practice"
