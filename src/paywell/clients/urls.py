"""The start page."""

from __future__ import annotations

from django.urls import path

from paywell.clients import views

app_name = "clients"
urlpatterns = [path("", views.start, name="start")]
