from django.apps import AppConfig


class DocumentsConfig(AppConfig):
    name = "paywell.documents"
    label = "documents"
