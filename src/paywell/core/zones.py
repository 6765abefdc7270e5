"""The time zones that a practice may be in, as forms offer them: in people's words, kept by their IANA names."""

from __future__ import annotations

from datetime import datetime
from functools import cache
from typing import Final
from zoneinfo import ZoneInfo, available_timezones

from babel.core import Locale, get_global
from babel.dates import get_timezone_location
from django.utils.translation import get_language, to_locale

#: Where nearly every practice is, from east to west.
_USUAL: Final = (
    "America/New_York", "America/Chicago", "America/Denver", "America/Phoenix", "America/Los_Angeles",
    "America/Anchorage", "Pacific/Honolulu",
)  # fmt: skip
_KNOWN: Final = available_timezones()


def _short(zone: str) -> str:
    """The zone by the older, shorter name that CLDR has its words under: America/Indianapolis."""
    older = f"{zone.partition('/')[0]}/{zone.rpartition('/')[2]}"
    return older if older in _KNOWN else zone


def _list_offered() -> list[str]:
    """One name for each zone of the Americas and the Pacific, without the older names of the same."""
    places = {zone for zone in _KNOWN if zone.startswith(("America/", "Pacific/"))}
    older = {_short(zone) for zone in places if _short(zone) != zone}
    return sorted(places - older - get_global("zone_aliases").keys())


#: The usual ones first, then the rest.
ZONES: Final = (*_USUAL, *(zone for zone in _list_offered() if zone not in _USUAL))


def describe_zone(zone: str) -> str:
    """`Eastern Time, New York` in the reader's language; with *Standard* where no clock is ever set forward."""
    return _describe(zone, to_locale(get_language() or "en"))


def list_zones() -> list[tuple[str, str]]:
    """Every zone that a form offers, with its words: the usual ones from east to west, the rest by their words."""
    return list(_list(to_locale(get_language() or "en")))


@cache
def _list(locale: str) -> tuple[tuple[str, str], ...]:
    named = [(zone, _describe(zone, locale)) for zone in ZONES]
    usual = len(_USUAL)
    return (*named[:usual], *sorted(named[usual:], key=lambda one: one[1]))


@cache
def _describe(zone: str, locale: str) -> str:
    if zone not in _KNOWN:
        return zone
    zone = get_global("zone_aliases").get(zone, zone)
    place = ZoneInfo(zone)
    offsets = {datetime(2026, month, 1, tzinfo=place).utcoffset() for month in (1, 7)}
    metazones = get_global("meta_zones")
    known = metazones.get(zone) or metazones.get(_short(zone))
    words = Locale.parse(locale).meta_zones.get(known, {}).get("long", {})
    name = words.get("generic" if len(offsets) > 1 else "standard") or words.get("standard", "")
    city = get_timezone_location(place, locale=locale, return_city=True).rpartition("/")[2]
    if not name or city in name:
        return name or city
    return f"{name}, {city}"
