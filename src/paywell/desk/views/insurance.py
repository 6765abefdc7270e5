"""A client's insurance: what superbills tell the insurer."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from paywell.accounts.types import Permission, StaffViewer
from paywell.accounts.web import desk_view
from paywell.clients.access import access_client
from paywell.clients.coverage import COVERAGE_FIELDS, add_coverage, change_coverage
from paywell.clients.models import Coverage
from paywell.desk.access import access_coverage
from paywell.desk.forms.documents import CoverageForm
from paywell.desk.pages import run, show
from paywell.desk.queries.clients import get_header
from paywell.desk.queries.scope import get_today

_FORM = ["GET", "HEAD", "POST"]


@require_safe
@desk_view(Permission.SEE_CLIENTS)
def client_insurance(request: HttpRequest, viewer: StaffViewer, client_id: UUID) -> HttpResponse:
    row = access_client(viewer, client_id)
    coverages = Coverage.objects.filter(practice=viewer.practice, client=row).order_by("rank", "-starts_on")
    return show(
        request, viewer, "client_insurance", "clients",
        header=get_header(viewer, row), client=row, tab="insurance", coverages=coverages, today=get_today(viewer),
    )  # fmt: skip


@require_http_methods(_FORM)
@desk_view(Permission.EDIT_CLIENTS)
def coverage_new(request: HttpRequest, viewer: StaffViewer, client_id: UUID) -> HttpResponse:
    row = access_client(viewer, client_id)
    form = CoverageForm(request.POST or None, initial={"starts_on": get_today(viewer).replace(month=1, day=1)})
    if form.is_valid():
        made = run(form, lambda: add_coverage(client=row, actor_id=viewer.id, **form.cleaned_data))
        if made is not None:
            messages.success(request, _("The insurance is on file."))
            return redirect("desk:client_insurance", row.id)
    return show(
        request, viewer, "coverage_form", "clients", client=row, form=form, status=422 if form.errors else 200
    )


@require_http_methods(_FORM)
@desk_view(Permission.EDIT_CLIENTS)
def coverage_edit(request: HttpRequest, viewer: StaffViewer, coverage_id: UUID) -> HttpResponse:
    coverage = access_coverage(viewer, coverage_id)
    initial = {name: getattr(coverage, name) for name in COVERAGE_FIELDS}
    form = CoverageForm(request.POST or None, initial=initial)
    if form.is_valid():
        saved = run(form, lambda: change_coverage(coverage=coverage, actor_id=viewer.id, **form.cleaned_data))
        if saved is not None:
            messages.success(request, _("The insurance is saved. Superbills issued before keep what they printed."))
            return redirect("desk:client_insurance", coverage.client_id)
    return show(
        request, viewer, "coverage_form", "clients",
        client=coverage.client, coverage=coverage, form=form, status=422 if form.errors else 200,
    )  # fmt: skip
