"""The practice's logo, for the head of its pages."""

from __future__ import annotations

from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from paywell.practice.models import Practice

#: A logo's address changes with its content, so browsers may keep it for ever.
_KEEP = "public, max-age=31536000, immutable"


@require_safe
def logo(request: HttpRequest, practice_id: UUID, digest: str) -> HttpResponse:
    """The picture. Public as a sign on a door is: it says nothing about anybody."""
    found = Practice.objects.filter(pk=practice_id, logo_digest=digest).exclude(logo_digest="").values_list("logo")
    row = found.first()
    if row is None or row[0] is None:
        raise Http404
    return HttpResponse(bytes(row[0]), content_type="image/png", headers={"Cache-Control": _KEEP})
