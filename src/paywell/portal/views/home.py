"""Portal home: what is due, and what was paid lately."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from paywell.clients.types import PortalViewer
from paywell.clients.web import portal_view
from paywell.payments.availability import get_availability
from paywell.payments.queries import get_summary, recent_payments
from paywell.portal.news import list_news


@require_safe
@portal_view
def home(request: HttpRequest, viewer: PortalViewer) -> HttpResponse:
    context = {
        "viewer": viewer,
        "nav": "home",
        "summary": get_summary(viewer),
        "news": list_news(viewer),
        "availability": get_availability(viewer),
        "recent": recent_payments(viewer),
    }
    return render(request, "portal/home.html", context)
