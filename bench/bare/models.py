"""The tables of the bare site: just enough for a page of three queries and a lock-insert-update."""

from django.conf import settings
from django.db import models


class Item(models.Model):
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE)
    name = models.CharField(max_length=80)
    amount_minor = models.BigIntegerField()


class Purse(models.Model):
    owner = models.OneToOneField(settings.AUTH_USER_MODEL, on_delete=models.CASCADE)
    balance_minor = models.BigIntegerField(default=0)


class Movement(models.Model):
    purse = models.ForeignKey(Purse, on_delete=models.CASCADE)
    key = models.CharField(max_length=40, unique=True)
    amount_minor = models.BigIntegerField()
