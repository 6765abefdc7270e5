"""Issued documents: each as a page and as PDF, making one for a range, and a year's papers in a ZIP."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Final
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from paywell.clients.types import ClientRights, PortalViewer
from paywell.clients.web import portal_view
from paywell.core import clock
from paywell.core.errors import NotFoundForViewer, UserError
from paywell.core.security_log import access_refused
from paywell.core.zips import stream_zip
from paywell.documents.access import access_issued
from paywell.documents.making import make_statement, make_yearly
from paywell.documents.making_superbills import (
    MOST_SERVICES,
    make_superbills,
    make_superbills_for_range,
    may_print_superbill,
)
from paywell.documents.models import IssuedDocument
from paywell.documents.web import in_grade, page_response, pdf_response
from paywell.documents.year_pack import make_year_pack
from paywell.portal.forms import read_day, read_ids

#: Years that are offered; an older one's papers stay in the list.
YEARS: Final = 7


@require_safe
@portal_view
def issued(request: HttpRequest, viewer: PortalViewer, document_id: UUID) -> HttpResponse:
    try:
        document = access_issued(viewer, document_id)
    except UserError as broken:
        messages.error(request, broken.message)
        return redirect("portal:documents")
    if request.resolver_match and request.resolver_match.url_name == "issued_pdf":
        return pdf_response(in_grade(request, document))
    return page_response(
        request,
        document,
        pdf_url=reverse("portal:issued_pdf", args=[document_id]),
        back_url=reverse("portal:documents"),
    )


@require_http_methods(["GET", "HEAD", "POST"])
@portal_view
def document_make(request: HttpRequest, viewer: PortalViewer) -> HttpResponseBase:
    """A statement, a superbill, a yearly statement, or a year's papers; what was sent comes back with its error.

    What is chosen in the list of documents comes back there.
    """
    error: UserError | None = None
    asked = request.POST.get("make", "") if request.method == "POST" else ""
    if asked:
        try:
            return _make(request, viewer, asked)
        except UserError as caught:
            if asked == "chosen":
                messages.error(request, caught.message)
                return redirect("portal:documents")
            error = caught
    today = clock.business_date(clock.now(), viewer.practice.timezone)
    last_of_month = today.replace(day=1) - timedelta(days=1)
    context = {
        "viewer": viewer,
        "nav": "documents",
        "error": error,
        "asked": asked,
        "typed": request.POST,
        "today": today,
        "first": today.replace(month=1, day=1),
        # A superbill is for a month that is over, as at the desk: the year so far would claim months anew.
        "month_first": last_of_month.replace(day=1),
        "month_last": last_of_month,
        "years": range(today.year, today.year - YEARS, -1),
        "superbill_clients": _superbill_clients(viewer),
    }
    return render(request, "portal/document_make.html", context, status=422 if error else 200)


def _make(request: HttpRequest, viewer: PortalViewer, asked: str) -> HttpResponseBase:
    if asked == "pack":
        return _pack_response(viewer, _read_year(request))
    if asked == "chosen":
        return _to(make_superbills(viewer, _read_chosen(request, viewer)))
    if asked == "yearly":
        return _to([make_yearly(viewer, year=_read_year(request))])
    date_from, date_to = _read_days(request)
    if asked == "statement":
        return _to([make_statement(viewer, date_from=date_from, date_to=date_to)])
    if asked == "superbill":
        client_id = _read_client(request, viewer)
        rows = make_superbills_for_range(viewer, client_id=client_id, date_from=date_from, date_to=date_to)
        return _to(rows)
    raise UserError(_("Choose what to make."), code="make_unknown")


def _to(rows: list[IssuedDocument]) -> HttpResponse:
    """To the document; where it took several, to the list that begins with them."""
    if len(rows) == 1:
        return redirect("portal:issued", rows[0].id)
    return redirect(f"{reverse('portal:documents')}?show=superbills")


def _pack_response(viewer: PortalViewer, year: int) -> HttpResponseBase:
    pack = make_year_pack(viewer, year)
    response = StreamingHttpResponse(stream_zip(pack.files()), content_type="application/zip")
    response["Content-Disposition"] = f'attachment; filename="documents-{year}.zip"'
    response["X-Content-Type-Options"] = "nosniff"
    return response


def _superbill_clients(viewer: PortalViewer) -> list[ClientRights]:
    return [right for right in viewer.rights if may_print_superbill(viewer, right.client_id)]


def _read_client(request: HttpRequest, viewer: PortalViewer) -> UUID:
    """One of those for whom a superbill is offered; anything else is forged."""
    offered = [right.client_id for right in _superbill_clients(viewer)]
    chosen = read_ids(viewer, request.POST.getlist("client"), "client")
    if len(offered) == 1 and not chosen:
        return offered[0]
    if len(chosen) != 1 or chosen[0] not in offered:
        access_refused(viewer=viewer, kind="superbill", target=chosen[0] if chosen else "none", reason="no right")
        raise NotFoundForViewer
    return chosen[0]


def _read_chosen(request: HttpRequest, viewer: PortalViewer) -> tuple[UUID, ...]:
    """The services that are ticked in the list."""
    ids = read_ids(viewer, request.POST.getlist("service"), "service")
    if not ids:
        raise UserError(_("Tick the services that should stand on it."), code="nothing_chosen")
    if len(ids) > MOST_SERVICES:
        raise UserError(_("Choose fewer services."), code="too_many")
    return ids


def _read_days(request: HttpRequest) -> tuple[date, date]:
    first, last = read_day(request.POST, "from"), read_day(request.POST, "to")
    if first is None or last is None:
        raise UserError(_("Enter the first and the last day."), code="days_missing", field="from")
    return first, last


def _read_year(request: HttpRequest) -> int:
    text = request.POST.get("year", "")
    if not (text.isascii() and text.isdigit() and len(text) == 4):
        raise UserError(_("Choose a year."), code="year_missing", field="year")
    return int(text)
