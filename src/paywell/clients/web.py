"""What every portal page shares."""

from __future__ import annotations

from functools import wraps
from typing import Any

from django.http import HttpRequest, HttpResponseBase

from paywell.accounts.models import User
from paywell.accounts.web import (
    View,
    ask_to_sign_in,
    never_store,
    note_view,
    refuse,
    remember_viewer,
    session_id,
)
from paywell.clients.access import OPEN_ACCOUNT, access_portal
from paywell.clients.types import PortalViewer
from paywell.core.db import scope_to_practice
from paywell.core.errors import NotAllowed, NotFoundForViewer


def portal_view(view: View) -> View:
    """`view(request, viewer, ...)` for a person with a grant that is valid today, and for nobody else.

    The account is the one in the session (`open_account_id`), else their first. What is not theirs is a 404.
    """

    @wraps(view)
    def wrapped(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not isinstance(request.user, User):
            return ask_to_sign_in(request)
        try:
            viewer = _open_account(request, request.user)
            remember_viewer(request, viewer, idle_minutes=viewer.practice.client_idle_minutes)
            scope_to_practice(viewer.practice.id)
            response = view(request, viewer, *args, **kwargs)
            note_view("portal", request, response, viewer.practice.id, kwargs)
        except (NotFoundForViewer, NotAllowed) as refusal:
            response = refuse(request, refusal)
        return never_store(response)

    return wrapped


def _open_account(request: HttpRequest, user: User) -> PortalViewer:
    """The session's account; where its grant has ended meanwhile, the first that is left.

    Only pages fall back: a form that was made for the account that is gone must not act on another one.
    """
    account_id = session_id(request, OPEN_ACCOUNT)
    try:
        viewer = access_portal(user, account_id)
    except NotFoundForViewer:
        if account_id is None or request.method not in ("GET", "HEAD"):
            raise
        viewer = access_portal(user, None)
    if account_id != viewer.account.id and (account_id or len(viewer.choices) > 1):
        request.session[OPEN_ACCOUNT] = str(viewer.account.id)
    return viewer
