"""Addresses of the client portal, under `/portal/`."""

from __future__ import annotations

from django.urls import path

from paywell.portal.views import account, autopay, cards, documents, history, home, papers, pay, payment, story

app_name = "portal"
urlpatterns = [
    path("", home.home, name="home"),
    path("switch/", account.switch, name="switch"),
    path("pay/", pay.pay, name="pay"),
    path("pay/window/", pay.pay_window, name="pay_window"),
    path("pay/start/", pay.pay_start, name="pay_start"),
    path("lines/<uuid:line_id>/why/", story.why, name="why"),
    path("payments/", history.history, name="history"),
    path("payments/history.csv", history.history_csv, name="history_csv"),
    path("payments/<uuid:attempt_id>/", payment.payment, name="payment"),
    path("payments/<uuid:attempt_id>/step/", payment.payment_step, name="payment_step"),
    path("payments/<uuid:attempt_id>/status/", payment.payment_status, name="payment_status"),
    path("payments/<uuid:attempt_id>/cancel/", payment.payment_cancel, name="payment_cancel"),
    path("payments/<uuid:attempt_id>/receipt/", documents.receipt, name="receipt"),
    path("payments/<uuid:attempt_id>/receipt.pdf", documents.receipt_pdf, name="receipt_pdf"),
    path("return/<uuid:attempt_id>/<str:signature>/", payment.come_back, name="return"),
    path("documents/", documents.documents, name="documents"),
    path("documents/make/", papers.document_make, name="document_make"),
    path("documents/<uuid:document_id>/", papers.issued, name="issued"),
    path("documents/<uuid:document_id>/document.pdf", papers.issued, name="issued_pdf"),
    path("invoices/<uuid:invoice_id>/", documents.invoice, name="invoice"),
    path("invoices/<uuid:invoice_id>/invoice.pdf", documents.invoice_pdf, name="invoice_pdf"),
    path("superbills/<uuid:service_id>/", documents.superbill, name="superbill"),
    path("superbills/<uuid:service_id>/superbill.pdf", documents.superbill_pdf, name="superbill_pdf"),
    path("autopay/", autopay.autopay, name="autopay"),
    path("autopay/agree/<slug:kind>/", autopay.autopay_agree, name="autopay_agree"),
    path("autopay/plans/<uuid:plan_id>/accept/", autopay.plan_accept, name="plan_accept"),
    path("autopay/<uuid:agreement_id>/hold/", autopay.autopay_hold, name="autopay_hold"),
    path("autopay/<uuid:agreement_id>/end/", autopay.autopay_end, name="autopay_end"),
    path("cards/", cards.cards, name="cards"),
    path("cards/<uuid:card_id>/name/", cards.card_rename, name="card_rename"),
    path("cards/<uuid:card_id>/default/", cards.card_default, name="card_default"),
    path("cards/<uuid:card_id>/remove/", cards.card_remove, name="card_remove"),
]
