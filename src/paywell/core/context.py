"""What every template may ask for without its view's doing."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest


def chrome(request: HttpRequest) -> dict[str, object]:
    """`is_demo`: whether every page says that this is a demonstration."""
    return {"is_demo": settings.IS_DEMO}
