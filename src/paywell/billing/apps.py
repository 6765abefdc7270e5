from __future__ import annotations

from django.apps import AppConfig


class BillingConfig(AppConfig):
    name = "paywell.billing"
    label = "billing"
