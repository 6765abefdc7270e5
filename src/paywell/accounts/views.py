"""Pages around signing in that allauth doesn't bring."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect


def start(request: HttpRequest) -> HttpResponse:
    """Lead each person to where they belong."""
    return redirect("account_login")


def open_invitation(request: HttpRequest, token: str) -> HttpResponse:
    return redirect("account_login")


def answer_invitation(request: HttpRequest) -> HttpResponse:
    return redirect("account_login")


def keep_alive(request: HttpRequest) -> HttpResponse:
    return HttpResponse(status=204)


def second_factor_needed(request: HttpRequest) -> HttpResponse:
    return redirect("mfa_index")
