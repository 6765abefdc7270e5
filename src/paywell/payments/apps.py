from django.apps import AppConfig


class PaymentsConfig(AppConfig):
    name = "paywell.payments"
    label = "payments"
