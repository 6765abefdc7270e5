"""The start page: each person is led to where they belong."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache

from paywell.accounts.installation import is_installed
from paywell.accounts.models import User
from paywell.accounts.queries import list_staff_practices
from paywell.clients.access import has_portal


@never_cache
def start(request: HttpRequest) -> HttpResponse:
    """Clients to the portal, staff to the desk, people who are both choose, and nobody is left in a loop.

    An installation that is still empty begins with its set-up.
    """
    if not isinstance(request.user, User):
        return redirect("account_login" if is_installed() else "accounts:setup")
    as_client = has_portal(request.user)
    as_staff = bool(list_staff_practices(request.user))
    if as_client and not as_staff:
        return redirect("portal:home")
    if as_staff and not as_client:
        return redirect("desk:inbox")
    if as_client and as_staff:
        return render(request, "clients/choose.html")
    return render(request, "clients/nothing_open.html")
