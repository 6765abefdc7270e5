"""Documents: the list, and each one as a printable page and as PDF."""

from __future__ import annotations

from datetime import date
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_safe

from paywell.clients.types import PortalViewer
from paywell.clients.web import portal_view
from paywell.core.errors import UserError
from paywell.documents.access import access_invoice, access_receipt, access_superbill
from paywell.documents.listing import SHELVES, list_documents
from paywell.documents.web import in_grade, page_response, pdf_response
from paywell.payments.queries import list_invoiced
from paywell.portal.forms import read_day, read_page
from paywell.portal.words import SHELF_WORDS, Text


@require_safe
@portal_view
def documents(request: HttpRequest, viewer: PortalViewer) -> HttpResponse:
    """By service, each with its invoice and superbill; or by kind, everything that was ever issued."""
    shelf = request.GET.get("show", "")
    shelf = shelf if shelf in SHELVES else ""
    error: UserError | None = None
    days: dict[str, date | None] = {}
    if shelf:
        try:
            days = {"date_from": read_day(request.GET, "from"), "date_to": read_day(request.GET, "to")}
        except UserError as caught:
            error = caught
    number = read_page(request.GET)
    page = list_documents(viewer, shelf=shelf, page=number, **days) if shelf else list_invoiced(viewer, number)
    context = {
        "viewer": viewer,
        "nav": "documents",
        "shelf": shelf,
        "shelves": _shelves(viewer),
        "may_read_care": bool(viewer.document_client_ids),
        "page": page,
        "may_choose": any(getattr(row, "may_print_superbill", False) for row in page.rows),
        "error": error,
        "typed_from": request.GET.get("from", ""),
        "typed_to": request.GET.get("to", ""),
        "is_filtered": any(days.values()),
        "several_clients": len(viewer.rights) > 1,
    }
    return render(request, "portal/documents.html", context, status=422 if error else 200)


def _shelves(viewer: PortalViewer) -> list[tuple[str, Text]]:
    """The filters that can hold anything for this person."""
    may_read_care = bool(viewer.document_client_ids)
    return [
        (key, words)
        for key, words in SHELF_WORDS.items()
        if may_read_care or key not in ("superbills", "estimates")
    ]


@require_safe
@portal_view
def invoice(request: HttpRequest, viewer: PortalViewer, invoice_id: UUID) -> HttpResponse:
    return page_response(
        request,
        access_invoice(viewer, invoice_id),
        pdf_url=reverse("portal:invoice_pdf", args=[invoice_id]),
        back_url=reverse("portal:documents"),
    )


@require_safe
@portal_view
def invoice_pdf(request: HttpRequest, viewer: PortalViewer, invoice_id: UUID) -> HttpResponse:
    return pdf_response(access_invoice(viewer, invoice_id))


@require_safe
@portal_view
def superbill(request: HttpRequest, viewer: PortalViewer, service_id: UUID) -> HttpResponse:
    try:
        document = access_superbill(viewer, service_id)
    except UserError as error:
        return _no_superbill(request, error)
    return page_response(
        request,
        document,
        pdf_url=reverse("portal:superbill_pdf", args=[service_id]),
        back_url=reverse("portal:documents"),
    )


@require_safe
@portal_view
def superbill_pdf(request: HttpRequest, viewer: PortalViewer, service_id: UUID) -> HttpResponse:
    try:
        return pdf_response(access_superbill(viewer, service_id))
    except UserError as error:
        return _no_superbill(request, error)


def _no_superbill(request: HttpRequest, error: UserError) -> HttpResponse:
    """A service that makes no superbill yet says why, on the list from which it was asked."""
    messages.warning(request, error.message)
    return redirect("portal:documents")


@require_safe
@portal_view
def receipt(request: HttpRequest, viewer: PortalViewer, attempt_id: UUID) -> HttpResponse:
    """With the names of services, or plain: see `documents.web.in_grade`."""
    return page_response(
        request,
        access_receipt(viewer, attempt_id),
        pdf_url=reverse("portal:receipt_pdf", args=[attempt_id]),
        back_url=reverse("portal:payment", args=[attempt_id]),
    )


@require_safe
@portal_view
def receipt_pdf(request: HttpRequest, viewer: PortalViewer, attempt_id: UUID) -> HttpResponse:
    return pdf_response(in_grade(request, access_receipt(viewer, attempt_id)))
