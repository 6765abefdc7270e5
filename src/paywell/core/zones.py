"""The time zones that a practice may be in, as every form offers them."""

from __future__ import annotations

from typing import Final
from zoneinfo import available_timezones

#: Where nearly every practice is, from east to west.
_USUAL: Final = (
    "America/New_York", "America/Chicago", "America/Denver", "America/Phoenix", "America/Los_Angeles",
    "America/Anchorage", "Pacific/Honolulu",
)  # fmt: skip
#: The usual ones first, then the rest by name.
ZONES: Final = (
    *_USUAL,
    *sorted(
        zone
        for zone in available_timezones()
        if zone.startswith(("America/", "Pacific/", "US/")) and zone not in _USUAL
    ),
)
