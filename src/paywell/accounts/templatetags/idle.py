"""The dialog before an idle person is signed out."""

from __future__ import annotations

from typing import Any, Final

from django import template
from django.utils.safestring import SafeString, mark_safe

from paywell.core.snippets import Snippet

register = template.Library()

_DIALOG: Final = Snippet("accounts/idle.html")


@register.simple_tag(takes_context=True)
def idle_dialog(context: dict[str, Any]) -> SafeString:
    """On every page of a signed-in person; nothing elsewhere."""
    minutes = context.get("idle_minutes")
    if not minutes:
        return mark_safe("")
    return _DIALOG({"csrf_token": str(context.get("csrf_token", ""))}, {"idle_minutes": minutes})
