"""Editing a recorded service, or why it can't be edited any more and what to do instead."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from paywell.accounts.types import Permission, StaffViewer
from paywell.accounts.web import desk_view
from paywell.care.editing import edit_service, get_lock
from paywell.desk.access import access_service
from paywell.desk.forms.service_edit import ServiceEditForm
from paywell.desk.pages import show, succeeds
from paywell.desk.queries.services import get_service_row


@require_http_methods(["GET", "HEAD", "POST"])
@desk_view(Permission.RECORD_SERVICES)
def service_edit(request: HttpRequest, viewer: StaffViewer, service_id: UUID) -> HttpResponse:
    row = access_service(viewer, service_id)
    locked = get_lock(row)
    if locked:
        return show(
            request, viewer, "service_locked", "services",
            service=row, row=get_service_row(viewer, row), locked=locked,
            status=200 if request.method in ("GET", "HEAD") else 409,
        )  # fmt: skip
    form = ServiceEditForm(request.POST if request.method == "POST" else None, viewer=viewer, service=row)
    if form.is_valid() and succeeds(form, lambda: edit_service(service=row, edit=form.edit(), actor_id=viewer.id)):
        messages.success(request, _("The service is saved. The audit trail keeps what it said before."))
        return redirect("desk:service", row.id)
    return show(
        request, viewer, "service_edit", "services", service=row, form=form, status=422 if form.errors else 200
    )
