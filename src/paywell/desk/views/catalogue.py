"""The practice's note that it holds a license for its codes."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from paywell.accounts.models import User
from paywell.accounts.types import Permission, StaffViewer
from paywell.accounts.web import desk_view
from paywell.care.actions import note_code_license, withdraw_code_license
from paywell.care.models import CodeLicense
from paywell.desk.forms.catalogue import LicenseForm
from paywell.desk.pages import act, run, show
from paywell.desk.queries.scope import get_today

_FORM = ["GET", "HEAD", "POST"]


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
