"""Signing people out who have gone away: after some minutes without a request, and after twelve hours anyway.

The moment of the last request stands in a signed cookie that belongs to the session, so that keeping it costs
no write to the database. The session itself says when the person signed in. An old or missing cookie can only
end the session earlier, never prolong it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.conf import settings
from django.contrib.auth import SESSION_KEY, user_logged_in
from django.core.signing import BadSignature, Signer
from django.http import HttpRequest, HttpResponseBase

from paywell.core import clock

DEFAULT_MINUTES = 15
LONGEST = timedelta(hours=12)
SIGNED_IN_AT = "signed_in_at"

#: Why somebody was signed out, as the sign-in page is told by `?why=`.
IDLE, LONG = "idle", "long"


@dataclass(frozen=True, slots=True)
class Presence:
    """When a signed-in person was last here, and how long they may stay away."""

    signed_in_at: datetime
    last_seen_at: datetime
    minutes: int

    @property
    def ends_at(self) -> datetime:
        return min(self.last_seen_at + timedelta(minutes=self.minutes), self.signed_in_at + LONGEST)

    def why_ended(self, now: datetime) -> str:
        """Empty while the person may stay; at the very minute they may not."""
        if now < self.ends_at:
            return ""
        return LONG if self.ends_at == self.signed_in_at + LONGEST else IDLE


def read_presence(request: HttpRequest) -> Presence | None:
    """The presence of the request's signed-in person; None for anybody else."""
    if settings.SESSION_COOKIE_NAME not in request.COOKIES or SESSION_KEY not in request.session:
        return None
    signed_in_at = _parse(request.session.get(SIGNED_IN_AT))
    if signed_in_at is None:
        signed_in_at = clock.now()
        request.session[SIGNED_IN_AT] = signed_in_at.isoformat()
    last_seen_at, minutes = signed_in_at, DEFAULT_MINUTES
    try:
        seen, kept_minutes = _signer(request).unsign(request.COOKIES.get(cookie_name(), "")).split("~")
        last_seen_at, minutes = datetime.fromtimestamp(int(seen) / 1000, UTC), int(kept_minutes)
    except (BadSignature, ValueError):
        pass
    return Presence(signed_in_at=signed_in_at, last_seen_at=last_seen_at, minutes=minutes)


def write_presence(request: HttpRequest, response: HttpResponseBase, *, minutes: int) -> None:
    """Note that the person was here now."""
    seen = int(clock.now().timestamp() * 1000)
    response.set_cookie(
        cookie_name(),
        _signer(request).sign(f"{seen}~{minutes}"),
        httponly=True,
        secure=settings.SESSION_COOKIE_SECURE,
        samesite="Lax",
    )


def cookie_name() -> str:
    """Beside the session's cookie, with the same `__Host-` prefix where that has one."""
    return f"{settings.SESSION_COOKIE_NAME}-seen"


def note_sign_in(sender: object, request: HttpRequest | None = None, **kwargs: object) -> None:
    """Keep in the session when it began. Connected to Django's `user_logged_in`."""
    if request is not None and hasattr(request, "session"):
        request.session[SIGNED_IN_AT] = clock.now().isoformat()


def connect() -> None:
    """Called from AppConfig.ready."""
    user_logged_in.connect(note_sign_in, dispatch_uid="paywell.accounts.idle")


def _signer(request: HttpRequest) -> Signer:
    return Signer(salt=f"paywell.accounts.idle.{request.session.session_key}", sep=".")


def _parse(text: str | None) -> datetime | None:
    try:
        return datetime.fromisoformat(text or "")
    except ValueError:
        return None
