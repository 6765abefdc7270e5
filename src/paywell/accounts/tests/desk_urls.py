"""A desk of two pages, for tests of what stands around every page of it."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.template import engines
from django.urls import include, path

from paywell.accounts.types import Permission, StaffViewer
from paywell.accounts.web import desk_view
from paywell.core.errors import NotAllowed


@desk_view(Permission.SEE_DESK)
def inbox(request: HttpRequest, viewer: StaffViewer) -> HttpResponse:
    return HttpResponse(engines["django"].from_string("{{ viewer.practice.slug }} {{ idle_minutes }}").render(
        {"viewer": viewer}, request
    ))  # fmt: skip


@desk_view(Permission.CHANGE_SETTINGS)
def settings(request: HttpRequest, viewer: StaffViewer) -> HttpResponse:
    return HttpResponse("settings")


@desk_view(Permission.SEE_DESK)
def forbidden(request: HttpRequest, viewer: StaffViewer) -> HttpResponse:
    raise NotAllowed


pages = (
    [path("inbox/", inbox, name="inbox"), path("settings/", settings), path("forbidden/", forbidden)],
    "test_desk",
)
urlpatterns = [path("test-desk/", include(pages)), path("", include("paywell.config.urls"))]
