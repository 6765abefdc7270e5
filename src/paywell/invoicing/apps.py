from django.apps import AppConfig


class InvoicingConfig(AppConfig):
    name = "paywell.invoicing"
    label = "invoicing"
