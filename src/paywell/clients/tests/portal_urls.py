"""A portal of three pages, for tests of what stands around every page of it."""

from __future__ import annotations

from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.urls import include, path

from paywell.clients.access import switch_account
from paywell.clients.types import PortalViewer
from paywell.clients.web import portal_view


@portal_view
def home(request: HttpRequest, viewer: PortalViewer) -> HttpResponse:
    return HttpResponse(str(viewer.account.id))


@portal_view
def switch(request: HttpRequest, viewer: PortalViewer, account_id: UUID) -> HttpResponse:
    return HttpResponse(str(switch_account(request, account_id).account.id))


def desk_inbox(request: HttpRequest) -> HttpResponse:
    return HttpResponse("desk")


portal = ([path("home/", home, name="home"), path("switch/<uuid:account_id>/", switch, name="switch")], "portal")
desk = ([path("inbox/", desk_inbox, name="inbox")], "desk")
urlpatterns = [
    path("test-portal/", include(portal)),
    path("test-desk/", include(desk)),
    path("", include("paywell.config.urls")),
]
