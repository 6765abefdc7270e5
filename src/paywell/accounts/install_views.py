"""The first start in a browser: the code from the terminal, then the owner and the practice. Closed ever after."""

from __future__ import annotations

from typing import Final

from allauth.account.utils import perform_login
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from paywell.accounts.installation import install, is_installed, use_code
from paywell.core.errors import UserError
from paywell.core.security_log import access_refused
from paywell.core.zones import ZONES

#: In the session of the browser that gave the code.
MAY_INSTALL: Final = "may_install"
_FIELDS: Final = ("owner_name", "owner_email", "practice_name", "timezone")


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def enter_code(request: HttpRequest) -> HttpResponse:
    """Whoever can read the terminal may go on. A wrong code is said to be wrong, never why."""
    _refuse_when_installed(request)
    if request.session.get(MAY_INSTALL):
        return redirect("accounts:setup_owner")
    error = None
    if request.method == "POST":
        if use_code(request.POST.get("code", "")[:40]):
            request.session.cycle_key()
            request.session[MAY_INSTALL] = True
            return redirect("accounts:setup_owner")
        access_refused(viewer=None, kind="setup", target="", reason="wrong code")
        error = UserError(
            _("This code is not right, or no longer. Type “paywell setup --code” in the terminal for a new one."),
            code="code_wrong",
            field="code",
        )
    return render(request, "accounts/setup_code.html", {"error": error}, status=422 if error else 200)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def make_owner(request: HttpRequest) -> HttpResponseBase:
    """Makes the practice and its owner, signs them in, and leads on to the rest of the set-up."""
    _refuse_when_installed(request)
    if not request.session.get(MAY_INSTALL):
        return redirect("accounts:setup")
    typed = {name: request.POST.get(name, "")[:254] for name in _FIELDS}
    error = None
    if request.method == "POST":
        try:
            owner, _practice = install(password=request.POST.get("password", ""), **typed)
        except UserError as refusal:
            error = refusal
        else:
            del request.session[MAY_INSTALL]
            return perform_login(request, owner, redirect_url=reverse("desk:setup"), email=owner.email)
    context = {"error": error, "typed": typed, "zones": ZONES, "wrong": _field_of(error)}
    return render(request, "accounts/setup_owner.html", context, status=422 if error else 200)


def _field_of(error: UserError | None) -> str:
    """The id of the form's field that an error is about."""
    if error is None:
        return ""
    names = {"email": "owner_email", "password": "password", "timezone": "timezone"}
    if error.field == "name":
        return "owner_name" if error.message == "Enter your name." else "practice_name"
    return names.get(error.field or "", "practice_name")


def _refuse_when_installed(request: HttpRequest) -> None:
    if is_installed():
        access_refused(viewer=request.user, kind="setup", target="", reason="installed already")
        raise Http404
