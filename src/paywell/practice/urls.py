"""Addresses of the practice room: what is public about a practice."""

from __future__ import annotations

from django.urls import path

from paywell.practice.views import logo

app_name = "practice"
urlpatterns = [path("<uuid:practice_id>/<str:digest>.png", logo, name="logo")]
