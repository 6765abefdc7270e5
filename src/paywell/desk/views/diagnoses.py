"""Until when a diagnosis holds."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from paywell.accounts.types import Permission, StaffViewer
from paywell.accounts.web import desk_view
from paywell.care.actions import end_diagnosis
from paywell.desk.access import access_diagnosis
from paywell.desk.forms.base import DeskForm, day
from paywell.desk.pages import show, succeeds
from paywell.desk.queries.scope import get_today


class DiagnosisEndForm(DeskForm):
    ended_on = day(
        gettext_lazy("Last day"),
        required=False,
        help_text=gettext_lazy("Services after it are not offered the diagnosis. Empty: it holds on."),
    )


@require_http_methods(["GET", "HEAD", "POST"])
@desk_view(Permission.RECORD_SERVICES)
def diagnosis_end(request: HttpRequest, viewer: StaffViewer, client_id: UUID, diagnosis_id: UUID) -> HttpResponse:
    row = access_diagnosis(viewer, client_id, diagnosis_id)
    form = DiagnosisEndForm(
        request.POST if request.method == "POST" else None, initial={"ended_on": row.ended_on or get_today(viewer)}
    )
    if form.is_valid() and succeeds(
        form, lambda: end_diagnosis(diagnosis=row, ended_on=form.cleaned_data["ended_on"], actor_id=viewer.id)
    ):
        ended = form.cleaned_data["ended_on"] is not None
        messages.success(request, _("The diagnosis has an end.") if ended else _("The diagnosis holds on."))
        return redirect("desk:client_diagnoses", client_id)
    return show(
        request, viewer, "diagnosis_end", "clients",
        diagnosis=row, client=row.client, form=form, status=422 if form.errors else 200,
    )  # fmt: skip
