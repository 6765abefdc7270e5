"""Addresses of pay links, under `/pay/`: no sign-in, no cookie. The token opens one invoice and no more."""

from __future__ import annotations

from django.urls import path

from paywell.portal.views import link

app_name = "paylink"
urlpatterns = [
    path("ask/", link.ask, name="ask"),
    path("<str:token>/", link.open_link, name="open"),
    path("<str:token>/start/", link.start, name="start"),
    path("<str:token>/payments/<uuid:attempt_id>/", link.payment, name="payment"),
    path("<str:token>/payments/<uuid:attempt_id>/step/", link.payment_step, name="payment_step"),
    path("<str:token>/payments/<uuid:attempt_id>/status/", link.payment_status, name="payment_status"),
    path("<str:token>/payments/<uuid:attempt_id>/cancel/", link.payment_cancel, name="payment_cancel"),
    path("<str:token>/payments/<uuid:attempt_id>/receipt.pdf", link.receipt_pdf, name="receipt_pdf"),
]
