"""What every signed-in page shares: sign-in first, refusals as 404, nothing kept by the browser."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import wraps
from http import HTTPStatus
from typing import Any
from uuid import UUID

from allauth.account.internal.flows.login import record_authentication
from allauth.account.utils import perform_login
from allauth.core.internal.httpkit import get_client_ip
from django.conf import settings
from django.contrib.auth.views import redirect_to_login
from django.db import OperationalError
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, resolve_url
from django.views.defaults import page_not_found

from paywell.accounts.access import access_desk
from paywell.accounts.models import User
from paywell.accounts.queries import lacks_second_factor
from paywell.accounts.types import Permission
from paywell.audit.actions import record_view
from paywell.core.db import all_practices, is_busy, scope_to_practice
from paywell.core.errors import NotAllowed, NotFoundForViewer
from paywell.core.security_log import access_refused, view_unrecorded

OPEN_PRACTICE = "open_practice_id"
NO_STORE = "no-store, private"
#: A page that asks for news by itself says so in this header; that alone doesn't count as being there.
BACKGROUND = "X-Background"

View = Callable[..., HttpResponseBase]


def client_ip(request: HttpRequest) -> str:
    """The address that the outermost of our proxies saw (PAYWELL_PROXIES); empty where there is none."""
    return get_client_ip(request) or ""


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
                note_view("desk", request, response, viewer.practice.id, kwargs)
            except (NotFoundForViewer, NotAllowed) as refusal:
                response = refuse(request, refusal)
            return never_store(response)

        return wrapped

    return decorate


#: What the ids in addresses name, where it is not their own name.
_TARGETS = {"item": "catalog_item", "member": "staff_member", "card": "saved_card"}


def note_view(
    room: str, request: HttpRequest, response: HttpResponseBase, practice_id: UUID, ids: Mapping[str, Any]
) -> None:
    """Write into the audit trail that the person saw the record whose id stands in the address.

    Pages without an id show no one record; a page's own asking for news is not somebody looking.
    """
    if request.method != "GET" or response.status_code != HTTPStatus.OK or is_in_background(request):
        return
    named = [(name.removesuffix("_id"), value) for name, value in ids.items() if isinstance(value, UUID)]
    is_audited = getattr(response, "is_audited", False)
    if named and not is_audited and request.resolver_match and isinstance(request.user, User):
        kind, target = named[-1]
        page = request.resolver_match.url_name or ""
        try:
            record_view(
                room=room,
                practice_id=practice_id,
                actor_id=request.user.id,
                page=page,
                target_kind=_TARGETS.get(kind, kind),
                target_id=target,
            )
        except OperationalError as error:
            if not is_busy(error):
                raise
            # A long import holds SQLite's one pen. Reading goes on, and the view is kept in the log instead.
            view_unrecorded(viewer=request.user, kind=kind, target=target, page=f"{room}:{page}")


def is_in_background(request: HttpRequest) -> bool:
    """Whether the page asked by itself, without a person's doing."""
    return BACKGROUND in request.headers or getattr(request, "is_background", False)


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


def sign_in_new(request: HttpRequest, user: User, *, to: str) -> HttpResponseBase:
    """Sign in somebody who chose their password with this very request: it counts as typed just now.

    Otherwise the second step, which comes next, would ask for it again first.
    """
    record_authentication(request, user, method="password", reauthenticated=True)
    return perform_login(request, user, redirect_url=to, email=user.email)
