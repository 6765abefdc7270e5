"""Pages around signing in that allauth doesn't bring."""

from __future__ import annotations

from datetime import timedelta

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import redirect, render, resolve_url
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from paywell.accounts import actions, idle
from paywell.accounts.errors import BadInvitation, SignInFirst
from paywell.accounts.models import Invitation, User
from paywell.accounts.queries import get_open_invitation, has_sign_in, lacks_second_factor
from paywell.accounts.web import sign_in_new
from paywell.core import clock
from paywell.core.errors import UserError

INVITATION = "invitation_token"


@never_cache
@require_http_methods(["GET"])
def open_invitation(request: HttpRequest, token: str) -> HttpResponse:
    """The link of the e-mail: keep the token in the session and take it out of the address bar."""
    request.session[INVITATION] = token
    return redirect("accounts:invitation")


@never_cache
@require_http_methods(["GET", "POST"])
def answer_invitation(request: HttpRequest) -> HttpResponseBase:
    """Set a password, or sign in, and accept."""
    token = request.session.get(INVITATION, "")
    invitation = get_open_invitation(token)
    if invitation is None:
        return _invitation_invalid(request)
    if request.method == "POST":
        return _accept(request, invitation, token)
    return _show_invitation(request, invitation)


def _accept(request: HttpRequest, invitation: Invitation, token: str) -> HttpResponseBase:
    signed_in = request.user if isinstance(request.user, User) else None
    if signed_in is not None and signed_in.email != invitation.email:
        return _show_invitation(request, invitation)
    try:
        user = actions.accept_invitation(token, request.POST.get("password", ""), signed_in=signed_in)
    except BadInvitation:
        return _invitation_invalid(request)
    except SignInFirst:
        return redirect_to_login(reverse("accounts:invitation"), resolve_url(settings.LOGIN_URL))
    except UserError as error:
        return _show_invitation(request, invitation, error)
    request.session.pop(INVITATION, None)
    messages.success(request, _("You are all set."))
    if signed_in is not None:
        return redirect("/")
    return sign_in_new(request, user, to="/")


def _show_invitation(request: HttpRequest, invitation: Invitation, error: UserError | None = None) -> HttpResponse:
    owner = User.objects.filter(email=invitation.email).first()
    signed_in = request.user if isinstance(request.user, User) else None
    context = {
        "practice": invitation.practice,
        "invitation": invitation,
        "other_person": signed_in is not None and signed_in.email != invitation.email,
        "ask_password": owner is None or not has_sign_in(owner),
        "ask_sign_in": owner is not None and has_sign_in(owner) and signed_in is None,
        "error": error,
    }
    return render(request, "accounts/invitation.html", context, status=422 if error else 200)


def _invitation_invalid(request: HttpRequest) -> HttpResponse:
    return render(request, "accounts/invitation_invalid.html", status=404)


@require_http_methods(["GET", "POST"])
def keep_alive(request: HttpRequest) -> JsonResponse:
    """How many seconds are left before signing out; POST begins them anew, GET only tells."""
    presence: idle.Presence | None = getattr(request, "presence", None)
    if presence is None:
        return JsonResponse({"left_s": 0}, status=401)
    if request.method == "GET":
        request.is_background = True  # type: ignore[attr-defined]
        ends_at = presence.ends_at
    else:
        renewed = clock.now() + timedelta(minutes=presence.minutes)
        ends_at = min(renewed, presence.signed_in_at + idle.LONGEST)
    return JsonResponse({"left_s": max(0, int((ends_at - clock.now()).total_seconds()))})


@login_required
def second_factor_needed(request: HttpRequest) -> HttpResponse:
    """Staff without a second factor come here before any page of the desk."""
    if isinstance(request.user, User) and not lacks_second_factor(request.user):
        return redirect("/")
    return render(request, "accounts/second_factor_needed.html")


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """A form that can't be trusted: say whether cookies are blocked or the page is old. Nothing was changed."""
    context = {"cookies_blocked": settings.CSRF_COOKIE_NAME not in request.COOKIES}
    return render(request, "accounts/csrf_failure.html", context, status=403)
