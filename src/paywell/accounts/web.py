"""What every signed-in page shares: sign-in first, refusals as 404, nothing kept by the browser."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, resolve_url
from django.views.defaults import page_not_found

from paywell.accounts.access import access_desk
from paywell.accounts.models import User
from paywell.accounts.queries import lacks_second_factor
from paywell.accounts.types import Permission
from paywell.core.db import all_practices, scope_to_practice
from paywell.core.errors import NotAllowed, NotFoundForViewer
from paywell.core.security_log import access_refused

OPEN_PRACTICE = "open_practice_id"
NO_STORE = "no-store, private"

View = Callable[..., HttpResponseBase]


def desk_view(permission: Permission) -> Callable[[View], View]:
    """`view(request, viewer, ...)` for staff whose role has `permission`, and for nobody else.

    The practice is the one in the session (`open_practice_id`), else the person's first. Staff without a
    second factor are led to set one up before any page, where the installation asks for it.
    """

    def decorate(view: View) -> View:
        @wraps(view)
        def wrapped(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            if not isinstance(request.user, User):
                return ask_to_sign_in(request)
            try:
                viewer = access_desk(request.user, None, permission, practice_id=session_id(request, OPEN_PRACTICE))
                if lacks_second_factor(request.user):
                    return redirect("accounts:second_factor_needed")
                remember_viewer(request, viewer, idle_minutes=viewer.practice.staff_idle_minutes)
                scope_to_practice(viewer.practice.id)
                response = view(request, viewer, *args, **kwargs)
            except (NotFoundForViewer, NotAllowed) as refusal:
                response = refuse(request, refusal)
            return never_store(response)

        return wrapped

    return decorate


def switch_practice(request: HttpRequest, practice_slug: str) -> None:
    """Open another practice's desk. Raises NotFoundForViewer where the person is not staff there."""
    with all_practices():
        viewer = access_desk(request.user, practice_slug, Permission.SEE_DESK)
    request.session[OPEN_PRACTICE] = str(viewer.practice.id)


def ask_to_sign_in(request: HttpRequest) -> HttpResponse:
    """To the sign-in page and back here afterwards; a form that was being sent is not repeated."""
    sign_in = resolve_url(settings.LOGIN_URL)
    response: HttpResponse
    if request.method in ("GET", "HEAD"):
        response = redirect_to_login(request.get_full_path(), sign_in)
    else:
        response = redirect(sign_in)
    if request.headers.get("HX-Request"):
        # A fragment can't become the sign-in page: htmx then loads the whole page.
        response = HttpResponse(status=204, headers={"HX-Redirect": response["Location"]})
    response["Cache-Control"] = NO_STORE
    return response


def refuse(request: HttpRequest, refusal: NotFoundForViewer | NotAllowed) -> HttpResponse:
    """The 404 page: the same for what is not there, what is not theirs, and what their role may not do."""
    if isinstance(refusal, NotAllowed):
        viewer = getattr(request, "viewer", request.user)
        access_refused(viewer=viewer, kind="action", target=request.path, reason="not allowed")
    return page_not_found(request, refusal)


def never_store(response: HttpResponseBase) -> HttpResponseBase:
    """Nothing of the page stays in the browser's or a proxy's memory after signing out."""
    response["Cache-Control"] = NO_STORE
    return response


def remember_viewer(request: HttpRequest, viewer: object, *, idle_minutes: int) -> None:
    """Tell templates who is looking, and the idle log-off how long the practice lets a page lie."""
    request.viewer = viewer  # type: ignore[attr-defined]
    request.idle_minutes = idle_minutes  # type: ignore[attr-defined]


def session_id(request: HttpRequest, key: str) -> UUID | None:
    """The UUID that the session keeps under `key`, if it is one."""
    try:
        return UUID(request.session.get(key) or "")
    except ValueError:
        return None
