"""Lists as CSV: sent at once, or by way of the page of the work that writes them."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect
from django.views.decorators.http import require_safe

from paywell.accounts.types import StaffViewer
from paywell.accounts.web import desk_view
from paywell.audit.actions import record
from paywell.core.csv_export import csv_response
from paywell.desk.exports import AT_ONCE, EXPORTS, request_export, write_all


@require_safe
@desk_view(EXPORTS["clients"].needs)
def client_csv(request: HttpRequest, viewer: StaffViewer) -> HttpResponseBase:
    return _send(request, viewer, "clients")


@require_safe
@desk_view(EXPORTS["payments"].needs)
def payment_csv(request: HttpRequest, viewer: StaffViewer) -> HttpResponseBase:
    return _send(request, viewer, "payments")


@require_safe
@desk_view(EXPORTS["audit"].needs)
def audit_csv(request: HttpRequest, viewer: StaffViewer) -> HttpResponseBase:
    return _send(request, viewer, "audit")


def _send(request: HttpRequest, viewer: StaffViewer, name: str) -> HttpResponseBase:
    """What the page shows, whole. That it was taken out stands in the audit trail."""
    asked = {key: str(value) for key, value in request.GET.items() if key != "page"}
    export = EXPORTS[name]
    ids = export.find(viewer, asked, AT_ONCE + 1)
    record(practice_id=viewer.practice.id, actor_id=viewer.id, action=f"{name}.download")
    if len(ids) > AT_ONCE:
        return redirect("desk:work", request_export(viewer, name, asked).id)
    return csv_response(export.header, write_all(viewer, export, ids), file_name=f"{name}.csv")
