from django.apps import AppConfig


class ClientsConfig(AppConfig):
    name = "paywell.clients"
    label = "clients"
