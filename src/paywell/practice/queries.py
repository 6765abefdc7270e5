"""Reads about practices for the command line."""

from __future__ import annotations

from paywell.core.errors import UserError
from paywell.practice.models import ImportKind, ImportPreset, Practice


def get_practice(slug: str = "") -> Practice:
    """The practice of that short name; without one, the only practice that there is.

    Raises UserError `practice_unknown`, `practice_ambiguous`.
    """
    if slug:
        practice = Practice.objects.filter(slug=slug).first()
        if practice is None:
            raise UserError(f"There is no practice {slug!r}. {_say_slugs()}", code="practice_unknown")
        return practice
    found = list(Practice.objects.order_by("slug")[:2])
    if len(found) != 1:
        raise UserError(f"Say which practice, by --practice. {_say_slugs()}", code="practice_ambiguous")
    return found[0]


def get_import_preset(practice: Practice, kind: ImportKind, name: str) -> dict[str, str]:
    """The mapping kept under that name, header: field. Raises UserError `preset_unknown`."""
    preset = ImportPreset.objects.filter(practice=practice, kind=kind, name=name).first()
    if preset is None:
        raise UserError(f"There is no preset {name!r} for {kind}. Save one first.", code="preset_unknown")
    return dict(preset.mapping)


def _say_slugs() -> str:
    slugs = list(Practice.objects.order_by("slug").values_list("slug", flat=True)[:20])
    return f"There are: {', '.join(slugs)}." if slugs else "There is none yet."
