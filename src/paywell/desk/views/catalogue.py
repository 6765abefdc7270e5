"""The price list that a practice brings, and its note that it holds a license for its codes."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods

from paywell.accounts.models import User
from paywell.accounts.types import Permission, StaffViewer
from paywell.accounts.web import desk_view
from paywell.care.actions import note_code_license, withdraw_code_license
from paywell.care.imports.catalogue import import_catalogue
from paywell.care.models import CodeLicense
from paywell.core.csv_import import Report, read_table
from paywell.core.errors import UserError
from paywell.desk.forms.catalogue import ColumnsForm, LicenseForm, PriceListForm, encode
from paywell.desk.pages import act, run, show
from paywell.desk.queries.scope import get_today

_SHOWN = 50
_FORM = ["GET", "HEAD", "POST"]


@require_http_methods(_FORM)
@desk_view(Permission.CHANGE_SETTINGS)
def catalog_import(request: HttpRequest, viewer: StaffViewer) -> HttpResponse:
    """A file, then what it would do and which column is which, then the same without holding back."""
    if request.method != "POST":
        return _page(request, viewer, PriceListForm())
    form = PriceListForm(request.POST, request.FILES)
    if not form.is_valid():
        return _page(request, viewer, form)
    data = form.cleaned_data["data"]
    table = run(form, lambda: read_table(data))
    if table is None:
        return _page(request, viewer, form)
    headers = [header for header in dict.fromkeys(table.headers) if header]
    columns = ColumnsForm(request.POST if "column0" in request.POST else None, headers=headers)
    mapping = columns.get_mapping() if columns.is_bound and columns.is_valid() else {}
    wanted = request.POST.get("step") == "import"
    try:
        report = import_catalogue(
            practice=viewer.practice, data=data, actor_id=viewer.id, mapping=mapping, dry_run=not wanted
        )
    except UserError as error:
        form.add_error(None, error.message)
        return _page(request, viewer, form, columns=columns, content=encode(data))
    if wanted and not report.errors:
        told = ngettext("%(n)s entry is new", "%(n)s entries are new", report.created) % {"n": report.created}
        messages.success(
            request, _("%(new)s, %(changed)s changed.") % {"new": told, "changed": report.updated}
        )  # fmt: skip
        return redirect("desk:catalog")
    if not columns.is_bound:
        found = {f"column{number}": report.mapping.get(header, "") for number, header in enumerate(headers)}
        columns = ColumnsForm(found, headers=headers)
    return _page(request, viewer, form, columns=columns, content=encode(data), report=report)


@require_http_methods(_FORM)
@desk_view(Permission.CHANGE_SETTINGS)
def code_license(request: HttpRequest, viewer: StaffViewer) -> HttpResponse:
    """Note since when the practice holds a license, with the day and the person; or take the note back."""
    noted = CodeLicense.objects.filter(practice=viewer.practice).first()
    if request.method == "POST" and request.POST.get("step") == "withdraw":
        return act(
            request,
            lambda: withdraw_code_license(practice=viewer.practice, actor_id=viewer.id),
            done=_("The note is taken back."),
            back="desk:code_license",
        )
    form = LicenseForm(
        request.POST if request.method == "POST" else None, initial={"held_since": get_today(viewer)}
    )  # fmt: skip
    if form.is_valid():
        since = form.cleaned_data["held_since"]
        kept = run(
            form, lambda: note_code_license(practice=viewer.practice, held_since=since, actor_id=viewer.id)
        )  # fmt: skip
        if kept is not None:
            messages.success(request, _("The license is noted."))
            return redirect("desk:catalog")
    by = User.objects.filter(pk=noted.noted_by).first() if noted else None
    return show(
        request, viewer, "code_license", "settings",
        form=form, noted=noted, by=by.get_full_name() if by else "", status=422 if form.errors else 200,
    )  # fmt: skip


def _page(
    request: HttpRequest,
    viewer: StaffViewer,
    form: PriceListForm,
    *,
    columns: ColumnsForm | None = None,
    content: str = "",
    report: Report | None = None,
) -> HttpResponse:
    return show(
        request, viewer, "catalog_import", "settings",
        form=form, columns=columns, content=content, report=report,
        errors=report.errors[:_SHOWN] if report else (),
        status=422 if form.errors or (report and report.errors) else 200,
    )  # fmt: skip
