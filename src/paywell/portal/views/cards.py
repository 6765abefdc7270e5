"""Saved cards."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from paywell.clients.types import PortalViewer
from paywell.clients.web import portal_view
from paywell.portal.queries import list_cards


@require_safe
@portal_view
def cards(request: HttpRequest, viewer: PortalViewer) -> HttpResponse:
    return render(request, "portal/cards.html", {"viewer": viewer, "nav": "cards", "cards": list_cards(viewer)})
