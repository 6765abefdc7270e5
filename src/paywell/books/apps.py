from django.apps import AppConfig


class BooksConfig(AppConfig):
    name = "paywell.books"
    label = "books"
