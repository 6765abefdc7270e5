"""Addresses around signing in that allauth doesn't bring."""

from __future__ import annotations

from django.urls import path

from paywell.accounts import install_views, views

app_name = "accounts"
urlpatterns = [
    path("invitation/<str:token>/", views.open_invitation, name="invitation_link"),
    path("invitation/", views.answer_invitation, name="invitation"),
    path("setup/", install_views.enter_code, name="setup"),
    path("setup/owner/", install_views.make_owner, name="setup_owner"),
    path("account/keep-alive/", views.keep_alive, name="keep_alive"),
    path("account/second-factor/", views.second_factor_needed, name="second_factor_needed"),
]
