"""The address that processors notify, and the one that asks whether we are well."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from django.conf import settings
from django.db import DatabaseError, connection
from django.http import HttpRequest, HttpResponse, JsonResponse, UnreadablePostError
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST, require_safe

from paywell.core import clock
from paywell.core.db import scope_to_practice
from paywell.core.security_log import access_refused
from paywell.payments.notices import BODY_MAX, access_notified_account, receive_notice
from paywell.processors.contract import BadNotice, RawNotice

_PIECE: Final = 16 * 1024


@csrf_exempt  # A processor has no session of ours; its signature stands for it.
@never_cache
@require_POST
def notices(request: HttpRequest, processor_account_id: UUID) -> HttpResponse:
    """Take a notice: 200 only when it is stored, 400 where it can't be believed. A 5xx makes them send again."""
    account = access_notified_account(processor_account_id)
    scope_to_practice(account.practice_id)
    body = _read_body(request)
    if body is None:
        access_refused(viewer="processor", kind="notice", target=account.id, reason="too large or cut off")
        return _answer("too large", 413)
    notice = RawNotice(
        body=body,
        headers=dict(request.headers),
        # Some processors sign the address: the one that they have on file, whatever stands in front of us.
        url=settings.PUBLIC_URL + request.get_full_path(),
        received_at=clock.now(),
    )
    try:
        receive_notice(account=account, notice=notice)
    except BadNotice:
        return _answer("not verified", 400)
    return _answer("stored", 200)


@never_cache
@require_safe
def health(request: HttpRequest) -> HttpResponse:
    """`ok` while the database answers. Tells nothing else to anybody."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
            cursor.fetchone()
    except DatabaseError:
        return JsonResponse({"status": "no database"}, status=503)
    return JsonResponse({"status": "ok"})


def _read_body(request: HttpRequest) -> bytes | None:
    """The bytes as they came, at most BODY_MAX of them; None for more, and where the sender broke off."""
    declared = request.META.get("CONTENT_LENGTH") or "0"
    if not declared.isdecimal() or int(declared[:12]) > BODY_MAX:
        return None
    pieces, length = [], 0
    try:
        while piece := request.read(_PIECE):
            length += len(piece)
            if length > BODY_MAX:
                return None
            pieces.append(piece)
    except UnreadablePostError:
        return None
    return b"".join(pieces)


def _answer(word: str, status: int) -> HttpResponse:
    return HttpResponse(word, status=status, content_type="text/plain; charset=utf-8")
