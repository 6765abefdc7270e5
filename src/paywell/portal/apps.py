from django.apps import AppConfig


class PortalConfig(AppConfig):
    name = "paywell.portal"
    label = "portal"
