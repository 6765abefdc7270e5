"""What every template may know about the sign-in."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest

from paywell.accounts.idle import DEFAULT_MINUTES, Presence


def session_info(request: HttpRequest) -> dict[str, object]:
    """`idle_minutes`: after how many minutes without a request the person is signed out; None if not signed in.
    `signed_in_name`, `signed_in_email`: who is signed in, or empty.
    `is_demo`: whether this is a demonstration.
    `staff_second_factor_relaxed`: whether staff come in without a second factor, which pages must say.
    """
    info: dict[str, object] = {
        "is_demo": settings.IS_DEMO,
        "staff_second_factor_relaxed": not settings.STAFF_SECOND_FACTOR_REQUIRED,
        "idle_minutes": None,
        "signed_in_name": "",
        "signed_in_email": "",
    }
    user = getattr(request, "user", None)
    if user is not None and user.is_authenticated:
        presence: Presence | None = getattr(request, "presence", None)
        kept = presence.minutes if presence else DEFAULT_MINUTES
        info["idle_minutes"] = getattr(request, "idle_minutes", kept)
        info["signed_in_name"] = user.get_full_name()
        info["signed_in_email"] = user.email
    return info
