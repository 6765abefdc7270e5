from django.apps import AppConfig


class NotificationsConfig(AppConfig):
    name = "paywell.notifications"
    label = "notifications"
