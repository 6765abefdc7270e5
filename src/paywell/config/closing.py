"""Middleware: while the database itself is being put back, every address answers with one plain page."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.template.loader import render_to_string

from paywell.core.closing import get_closing


class WhileReplacing:
    """503 with Retry-After: people read why, and processors send their notices again."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        closing = get_closing()
        if closing is None or not closing.is_replacing:
            return self.get_response(request)
        page = render_to_string("core/replacing.html")
        return HttpResponse(page, status=503, headers={"Retry-After": "120", "Cache-Control": "no-store"})
