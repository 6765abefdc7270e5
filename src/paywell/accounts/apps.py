from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "paywell.accounts"
    label = "accounts"
