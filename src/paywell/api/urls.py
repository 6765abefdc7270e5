"""Addresses for machines: notices of processors, and whether this installation is well."""

from __future__ import annotations

from django.urls import path

from paywell.api import views

app_name = "api"
urlpatterns = [
    path("processors/<uuid:processor_account_id>/notices/", views.notices, name="notices"),
    path("health/", views.health, name="health"),
]
