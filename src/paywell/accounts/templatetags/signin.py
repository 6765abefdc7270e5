"""Form fields of the sign-in pages."""

from __future__ import annotations

from django import template
from django.forms import BoundField, Form

register = template.Library()


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
