"""What stands around every request: headers, refusals as 404, signing out after a while."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import urlencode

from django.conf import settings
from django.contrib.auth import SESSION_KEY, logout
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import resolve_url

from paywell.accounts import idle
from paywell.accounts.web import NO_STORE, is_in_background, refuse
from paywell.core.errors import NotAllowed, NotFoundForViewer

GetResponse = Callable[[HttpRequest], HttpResponseBase]

#: Powers that no page of ours needs. Payment stays at the browser's default: a processor's fields may use it.
PERMISSIONS_POLICY = ", ".join(
    f"{power}=()"
    for power in (
        "accelerometer",
        "autoplay",
        "browsing-topics",
        "camera",
        "display-capture",
        "geolocation",
        "gyroscope",
        "hid",
        "magnetometer",
        "microphone",
        "midi",
        "serial",
        "usb",
    )
)


class SecurityHeaders:
    """Headers beyond Django's own, and no copy of a signed-in page in any cache."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        response.setdefault("Permissions-Policy", PERMISSIONS_POLICY)
        response.setdefault("Cross-Origin-Resource-Policy", "same-origin")
        response.setdefault("X-Permitted-Cross-Domain-Policies", "none")
        if settings.SESSION_COOKIE_NAME in request.COOKIES or settings.SESSION_COOKIE_NAME in response.cookies:
            response["Cache-Control"] = NO_STORE
        return response


class Refusals:
    """The net under every view: what is not the viewer's is a 404, wherever it is noticed."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        if isinstance(exception, NotFoundForViewer | NotAllowed):
            return refuse(request, exception)
        return None


class IdleSignOut:
    """Sign out whoever stayed away too long, before any view runs.

    Pages that need no sign-in still answer; the others lead to the sign-in page, which says why.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        presence = idle.read_presence(request)
        why = presence.why_ended(idle.clock.now()) if presence else ""
        if why:
            logout(request)
            presence = None
        request.presence = presence  # type: ignore[attr-defined]
        response = self.get_response(request)
        if why:
            _say_why(response, why)
        if request.session.accessed and SESSION_KEY in request.session:
            if not is_in_background(request):
                minutes = getattr(request, "idle_minutes", presence.minutes if presence else idle.DEFAULT_MINUTES)
                idle.write_presence(request, response, minutes=minutes)
        elif idle.cookie_name() in request.COOKIES:
            response.delete_cookie(idle.cookie_name())
        return response


def _say_why(response: HttpResponseBase, why: str) -> None:
    for header in ("Location", "HX-Redirect"):
        if header in response and response[header].split("?")[0] == resolve_url(settings.LOGIN_URL):
            joint = "&" if "?" in response[header] else "?"
            response[header] += joint + urlencode({"why": why})
