"""Form fields of the sign-in pages."""

from __future__ import annotations

from typing import Final

from django import template
from django.forms import BoundField, Form
from django.utils.translation import gettext as _

register = template.Library()

#: What a browser calls itself contains, and its name. The first match wins: most claim to be several.
_BROWSERS: Final = [
    ("Edg", "Edge"), ("OPR/", "Opera"), ("Firefox/", "Firefox"), ("FxiOS", "Firefox"), ("CriOS", "Chrome"),
    ("Chrome/", "Chrome"), ("Safari/", "Safari"),
]  # fmt: skip
_SYSTEMS: Final = [
    ("iPhone", "iPhone"), ("iPad", "iPad"), ("Android", "Android"), ("Windows", "Windows"), ("Mac OS", "Mac"),
    ("CrOS", "Chromebook"), ("Linux", "Linux"),
]  # fmt: skip


@register.filter
def browser_name(user_agent: str) -> str:
    """`Chrome on Windows`, as a person would call it; a plain word where it can't be told."""
    browser = next((name for mark, name in _BROWSERS if mark in user_agent), "")
    system = next((name for mark, name in _SYSTEMS if mark in user_agent), "")
    if browser and system:
        return _("%(browser)s on %(system)s") % {"browser": browser, "system": system}
    return browser or system or _("Another device")


@register.filter
def groups_of_four(key: str) -> list[str]:
    """A key in pieces that a person can read off and compare."""
    return [key[start : start + 4] for start in range(0, len(key), 4)]


@register.inclusion_tag("accounts/_field.html")
def field(
    bound: BoundField,
    label: str = "",
    hint: str = "",
    autocomplete: str = "",
    inputmode: str = "",
    focus: bool = False,
) -> dict[str, object]:
    """One field with label, hint and errors, tied together for screen readers (Django does the `aria-*`)."""
    attrs = bound.field.widget.attrs
    attrs.pop("placeholder", None)
    if autocomplete:
        attrs["autocomplete"] = autocomplete
    if inputmode:
        attrs["inputmode"] = inputmode
    if autocomplete in ("one-time-code", "username"):
        attrs |= {"autocapitalize": "none", "spellcheck": "false"}
    if focus:
        attrs["autofocus"] = True
    bound.help_text = hint
    return {"field": bound, "label": label or bound.label, "hint": hint}


@register.inclusion_tag("accounts/_error_summary.html")
def error_summary(form: Form) -> dict[str, object]:
    """Everything that is wrong with a form, each linked to its field. Nothing when all is well."""
    return {"form": form}
