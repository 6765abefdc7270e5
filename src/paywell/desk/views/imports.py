"""Lists that the practice brings: a file, which column is which, a check by the worker, and the import."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from paywell.accounts.types import Permission, StaffViewer
from paywell.accounts.web import desk_view
from paywell.care.imports.files import READINGS, keep_import_file, read_content
from paywell.care.imports.work import choose_columns, find_work, request_import
from paywell.care.models import ImportFile, ImportList
from paywell.core.csv_import import BadFile, read_table
from paywell.core.errors import UserError
from paywell.desk.access import access_import
from paywell.desk.forms.imports import ColumnsForm, FileForm
from paywell.desk.pages import run, show, succeeds
from paywell.desk.queries.work import get_work_page

_FORM = ["GET", "HEAD", "POST"]
#: Of each list: the rail's entry, the page that it belongs to, and the one that takes a file.
_PLACES: Final = {
    ImportList.CLIENTS: ("clients", "desk:clients", "desk:client_import"),
    ImportList.SERVICES: ("services", "desk:services", "desk:service_import"),
    ImportList.CATALOGUE: ("settings", "desk:catalog", "desk:catalog_import"),
}


@require_http_methods(_FORM)
@desk_view(READINGS[ImportList.CLIENTS].needs)
def client_import(request: HttpRequest, viewer: StaffViewer) -> HttpResponse:
    return _bring(request, viewer, ImportList.CLIENTS)


@require_http_methods(_FORM)
@desk_view(READINGS[ImportList.SERVICES].needs)
def service_import(request: HttpRequest, viewer: StaffViewer) -> HttpResponse:
    return _bring(request, viewer, ImportList.SERVICES)


@require_http_methods(_FORM)
@desk_view(READINGS[ImportList.CATALOGUE].needs)
def catalog_import(request: HttpRequest, viewer: StaffViewer) -> HttpResponse:
    return _bring(request, viewer, ImportList.CATALOGUE)


@require_http_methods(_FORM)
@desk_view(Permission.EDIT_CLIENTS)
def import_file(request: HttpRequest, viewer: StaffViewer, import_id: UUID) -> HttpResponse:
    """Which column is which and what the check found; then the import, whose page shows its progress."""
    file = access_import(viewer, import_id)
    reading = READINGS[ImportList(file.list)]
    headers = [header for header in dict.fromkeys(read_table(read_content(file)).headers) if header]
    is_chosen = request.method == "POST" and request.POST.get("step") != "import"
    shown = {f"column{number}": file.mapping.get(header, "") for number, header in enumerate(headers)}
    columns = ColumnsForm(
        request.POST if is_chosen else None, headers=headers, fields=reading.fields, initial=shown
    )  # fmt: skip
    if (
        is_chosen
        and columns.is_valid()
        and succeeds(columns, lambda: choose_columns(viewer, file, columns.get_mapping()))
    ):
        return redirect("desk:import_file", file.id)
    if request.method == "POST" and not is_chosen:
        try:
            return redirect("desk:work", request_import(viewer, file).id)
        except UserError as error:
            messages.error(request, error.message)
            return redirect("desk:import_file", file.id)
    check, done = find_work(file, "check"), find_work(file, "import")
    never = () if check is None else reading.map_columns(headers, file.mapping).never
    section, back, again = _PLACES[ImportList(file.list)]
    return show(
        request, viewer, "import_file", section,
        file=file, form=columns, check=check and get_work_page(check), done=done, never=never,
        back=back, again=reverse(again), status=422 if columns.errors else 200,
    )  # fmt: skip


def _bring(request: HttpRequest, viewer: StaffViewer, wanted: ImportList) -> HttpResponse:
    form = FileForm(request.POST, request.FILES) if request.method == "POST" else FileForm()
    if form.is_valid():
        brought = form.cleaned_data["file"]
        file = run(
            form,
            lambda: keep_import_file(viewer, list=wanted, name=brought.name, data=brought.read()),
        )
        if file is not None:
            _guess(viewer, file)
            return redirect("desk:import_file", file.id)
    section, back, _again = _PLACES[wanted]
    return show(
        request, viewer, "import_new", section,
        form=form, wanted=wanted.value, back=back, status=422 if form.errors else 200,
    )  # fmt: skip


def _guess(viewer: StaffViewer, file: ImportFile) -> None:
    """Begin with the columns that are known; where one is missing, the person says which it is."""
    try:
        choose_columns(viewer, file, {})
    except BadFile:
        return
