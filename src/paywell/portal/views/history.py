"""Payment History: every past payment, on the screen and as CSV."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from paywell.clients.types import PortalViewer
from paywell.clients.web import portal_view
from paywell.core.clock import business_date
from paywell.core.csv_export import csv_response
from paywell.core.errors import UserError
from paywell.core.money import format_plain
from paywell.payments.queries import iterate_payments, list_payments
from paywell.payments.types import PaymentRow
from paywell.portal.forms import read_day, read_page
from paywell.portal.words import STATUSES, name_method


@require_safe
@portal_view
def history(request: HttpRequest, viewer: PortalViewer) -> HttpResponse:
    error: UserError | None = None
    date_from = date_to = None
    try:
        date_from, date_to = _read_range(request)
    except UserError as caught:
        error = caught
    page = list_payments(viewer, date_from, date_to, read_page(request.GET))
    context = {
        "viewer": viewer,
        "nav": "history",
        "page": page,
        "error": error,
        "typed_from": request.GET.get("from", ""),
        "typed_to": request.GET.get("to", ""),
        "is_filtered": bool(date_from or date_to),
        "several_clients": len(viewer.rights) > 1,
    }
    return render(request, "portal/history.html", context, status=422 if error else 200)


@require_safe
@portal_view
def history_csv(request: HttpRequest, viewer: PortalViewer) -> HttpResponseBase:
    """The same payments, one row for each service that a payment covered."""
    try:
        date_from, date_to = _read_range(request)
    except UserError:
        return history(request)
    payments = iterate_payments(viewer, date_from, date_to)
    rows = (row for payment in payments for row in _rows(viewer, payment))
    return csv_response(_HEADER, rows, file_name="payment-history.csv")


def _read_range(request: HttpRequest) -> tuple[date | None, date | None]:
    date_from, date_to = read_day(request.GET, "from"), read_day(request.GET, "to")
    if date_from and date_to and date_to < date_from:
        raise UserError(_("Choose an end that is not before the start."), code="date_order", field="to")
    return date_from, date_to


_HEADER = (
    "Date", "Status", "Service date", "Service", "Client", "Invoice", "Amount for service",
    "Payment amount", "Refunded", "Currency", "Method", "Notes", "Payment ID",
)  # fmt: skip


def _rows(viewer: PortalViewer, payment: PaymentRow) -> Iterator[list[str]]:
    day = business_date(payment.at, viewer.practice.timezone).isoformat()
    for line in payment.lines:
        yield [
            day,
            str(STATUSES[payment.status].word),
            line.on.isoformat(),
            line.wording,
            line.client_name,
            line.invoice_label,
            format_plain(line.amount),
            format_plain(payment.amount),
            format_plain(payment.refunded),
            payment.amount.currency,
            name_method(payment),
            payment.notes,
            str(payment.attempt_id),
        ]
