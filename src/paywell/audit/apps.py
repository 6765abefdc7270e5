from django.apps import AppConfig


class AuditConfig(AppConfig):
    name = "paywell.audit"
    label = "audit"
