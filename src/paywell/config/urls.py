"""Root addresses. Each room brings its own."""

from __future__ import annotations

from django.urls import include, path

urlpatterns = [
    path("", include("paywell.api.urls")),
    path("", include("paywell.clients.urls")),
    path("", include("paywell.accounts.urls")),
    path("account/", include("allauth.urls")),
    path("logo/", include("paywell.practice.urls")),
    path("portal/", include("paywell.portal.urls")),
    path("pay/", include("paywell.portal.link_urls")),
    path("desk/", include("paywell.desk.urls")),
]
