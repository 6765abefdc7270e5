"""The first start in a browser: the code from the terminal, then the owner and the practice. Closed ever after."""

from __future__ import annotations

from typing import Final

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from paywell.accounts.forms import OwnerForm
from paywell.accounts.installation import install, is_installed, use_code
from paywell.accounts.web import sign_in_new
from paywell.core.errors import UserError
from paywell.core.security_log import access_refused

#: In the session of the browser that gave the code.
MAY_INSTALL: Final = "may_install"


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
    form = OwnerForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        try:
            owner, _practice = install(**form.cleaned_data)
        except UserError as refusal:
            form.add_error(None, refusal.message)
        else:
            del request.session[MAY_INSTALL]
            return sign_in_new(request, owner, to=reverse("desk:setup"))
    return render(request, "accounts/setup_owner.html", {"form": form}, status=422 if form.errors else 200)


def _refuse_when_installed(request: HttpRequest) -> None:
    if is_installed():
        access_refused(viewer=request.user, kind="setup", target="", reason="installed already")
        raise Http404
