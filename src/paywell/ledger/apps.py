from django.apps import AppConfig


class LedgerConfig(AppConfig):
    name = "paywell.ledger"
    label = "ledger"
