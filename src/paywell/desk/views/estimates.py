"""Good Faith Estimates at the desk."""

from __future__ import annotations

from datetime import date
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from paywell.accounts.types import Permission, StaffViewer
from paywell.accounts.web import desk_view
from paywell.clients.access import access_client
from paywell.clients.models import Client
from paywell.core.templatetags.paywell import day
from paywell.desk.forms.documents import EstimateForm
from paywell.desk.pages import run, show
from paywell.desk.queries.scope import get_today
from paywell.desk.views.ids import read_ids
from paywell.documents.estimates import get_current_estimates, issue_estimate
from paywell.documents.models import IssuedDocument


@require_http_methods(["GET", "HEAD", "POST"])
@desk_view(Permission.RECORD_SERVICES)
def estimate_new(request: HttpRequest, viewer: StaffViewer, client_id: UUID) -> HttpResponse:
    """A new estimate, or one that replaces another where the scope has changed."""
    client = access_client(viewer, client_id)
    current = get_current_estimates(viewer.practice, [client.id])
    form = EstimateForm(request.POST or None, viewer=viewer, client=client, today=get_today(viewer))
    if form.is_valid():
        replaced = read_ids([request.POST.get("replaces", "")])
        old = next((row for row in current if row.id in replaced), None)
        row = run(form, lambda: _issue(viewer, client, form, old))
        if row is not None:
            _say(request, viewer, row)
            return redirect("desk:issued", row.id)
    return show(
        request, viewer, "estimate_new", "clients",
        client=client, current=current, form=form, status=422 if form.errors else 200,
    )  # fmt: skip


def _issue(viewer: StaffViewer, client: Client, form: EstimateForm, old: IssuedDocument | None) -> IssuedDocument:
    values = form.cleaned_data
    return issue_estimate(
        practice=viewer.practice,
        client=client,
        expected=form.expected(),
        period_from=values["period_from"],
        period_to=values["period_to"],
        frequency=values["frequency"],
        asked_on=values["asked_on"],
        is_request=values["why"] == "request",
        first_on=values["first_on"],
        diagnoses=list(values.get("diagnoses") or ()),
        actor_id=viewer.id,
        corrects=old,
    )


def _say(request: HttpRequest, viewer: StaffViewer, row: IssuedDocument) -> None:
    """By when the client has to have it, and whether that is over."""
    done = _("%(label)s is issued. The client can read it in the portal.")
    messages.success(request, done % {"label": row.label})
    due = date.fromisoformat(row.data["due_on"]) if row.data["due_on"] else None
    if due and due < get_today(viewer):
        messages.warning(request, _("It is late: it was due by %(day)s.") % {"day": day(due)})
    elif due:
        messages.info(request, _("Give it to the client by %(day)s.") % {"day": day(due)})
