"""Places where care is given, with their place-of-service code."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from paywell.accounts.types import Permission, StaffViewer
from paywell.accounts.web import desk_view
from paywell.codes.places import name_place
from paywell.desk.access import access_location
from paywell.desk.forms.places import PlaceForm
from paywell.desk.pages import show, succeeds
from paywell.practice.actions import add_location, update_location
from paywell.practice.models import Location


@require_safe
@desk_view(Permission.CHANGE_SETTINGS)
def locations(request: HttpRequest, viewer: StaffViewer) -> HttpResponse:
    """Those that are offered first."""
    rows = Location.objects.filter(practice=viewer.practice).order_by("-is_active", "name")
    named = [(row, name_place(row.place_of_service)) for row in rows]
    return show(request, viewer, "locations", "settings", locations=named)


@require_http_methods(["GET", "HEAD", "POST"])
@desk_view(Permission.CHANGE_SETTINGS)
def location_new(request: HttpRequest, viewer: StaffViewer) -> HttpResponse:
    form = PlaceForm(request.POST if request.method == "POST" else None)
    if form.is_valid() and succeeds(
        form, lambda: add_location(practice=viewer.practice, actor_id=viewer.id, **form.cleaned_data)
    ):
        messages.success(request, _("The place is on file. It can be chosen when a service is recorded."))
        return redirect("desk:locations")
    return show(request, viewer, "location_form", "settings", form=form, status=422 if form.errors else 200)


@require_http_methods(["GET", "HEAD", "POST"])
@desk_view(Permission.CHANGE_SETTINGS)
def location_edit(request: HttpRequest, viewer: StaffViewer, location_id: UUID) -> HttpResponse:
    row = access_location(viewer, location_id)
    initial = {name: getattr(row, name) for name in PlaceForm.base_fields}
    form = PlaceForm(request.POST if request.method == "POST" else None, initial=initial)
    if form.is_valid() and succeeds(
        form, lambda: update_location(location=row, actor_id=viewer.id, **form.cleaned_data)
    ):
        messages.success(request, _("The place is saved."))
        return redirect("desk:locations")
    return show(
        request, viewer, "location_form", "settings", form=form, location=row, status=422 if form.errors else 200
    )
