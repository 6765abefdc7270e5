"""How a person may type a day: as browsers send it from a picker, by figures, or as screens write it."""

from __future__ import annotations

from datetime import date, datetime
from typing import Final

from django.utils.translation import gettext_lazy as _

DAY_FORMATS: Final = ("%Y-%m-%d", "%m/%d/%Y", "%b %d, %Y")
#: What to do about text that is no day.
NO_DAY: Final = _("Enter a date, like Nov 3, 2026.")


def parse_day(text: str) -> date | None:
    """The day, None for text that is none."""
    for pattern in DAY_FORMATS:
        try:
            return datetime.strptime(text.strip(), pattern).date()  # noqa: DTZ007 - a day has no zone
        except ValueError:
            continue
    return None
