"""What all templates share: money, dates, icons, badges, paging, the practice's accent."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from functools import lru_cache
from typing import Any, Final
from zoneinfo import ZoneInfo

from babel.dates import format_date, format_time
from django import template
from django.templatetags.static import static
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import get_language

from paywell.core.assets import integrity
from paywell.core.color import readable_accent
from paywell.core.money import Money, format_money, format_plain
from paywell.core.paging import Page
from paywell.core.phones import format_phone

register = template.Library()

#: Our own icons: 24 by 24, drawn with a 1.75 stroke in the color of the text around them.
_ICONS: Final[Mapping[str, str]] = {
    "alert": '<path d="M12 4 2.8 19.5h18.4z"/><path d="M12 10v4.5"/><path d="M12 17.2v.1"/>',
    "arrow-left": '<path d="M19 12H5"/><path d="m11 6-6 6 6 6"/>',
    "arrow-right": '<path d="M5 12h14"/><path d="m13 6 6 6-6 6"/>',
    "bank": '<path d="m3 9 9-5 9 5z"/><path d="M6 9v8M10 9v8M14 9v8M18 9v8"/><path d="M3.5 20h17"/>',
    "card": '<rect x="2.5" y="5" width="19" height="14" rx="2.5"/><path d="M2.5 10h19"/><path d="M6.5 15h4"/>',
    "chart": '<path d="M4 4v16h16"/><path d="M8 16v-4M12 16V8M16 16v-6"/>',
    "check": '<path d="m5 12.5 4.5 4.5L19 7.5"/>',
    "check-circle": '<circle cx="12" cy="12" r="9"/><path d="m8 12.4 2.8 2.8L16 9.8"/>',
    "chevron-down": '<path d="m6 9.5 6 6 6-6"/>',
    "chevron-right": '<path d="m9.5 6 6 6-6 6"/>',
    "clock": '<circle cx="12" cy="12" r="9"/><path d="M12 7v5.2l3.2 2"/>',
    "close": '<path d="m6 6 12 12M18 6 6 18"/>',
    "cross-circle": '<circle cx="12" cy="12" r="9"/><path d="m9 9 6 6M15 9l-6 6"/>',
    "document": '<path d="M6 3.5h8l4 4V20a.5.5 0 0 1-.5.5h-11A.5.5 0 0 1 6 20z"/><path d="M14 3.5v4h4"/>'
    '<path d="M9 12h6M9 15.5h6"/>',
    "download": '<path d="M12 4v11"/><path d="m7 10.5 5 5 5-5"/><path d="M5 20h14"/>',
    "gear": '<circle cx="12" cy="12" r="3.2"/><path d="M12 2.8v2.6M12 18.6v2.6M2.8 12h2.6M18.6 12h2.6M5.5 5.5'
    'l1.8 1.8M16.7 16.7l1.8 1.8M18.5 5.5l-1.8 1.8M7.3 16.7l-1.8 1.8"/>',
    "home": '<path d="m3.5 11 8.5-7 8.5 7"/><path d="M6 9.5V20h12V9.5"/>',
    "inbox": '<path d="M4 13 6.5 5h11L20 13v6H4z"/><path d="M4 13h4.5l1.5 2.5h4L15.5 13H20"/>',
    "info": '<circle cx="12" cy="12" r="9"/><path d="M12 11v5"/><path d="M12 7.8v.1"/>',
    "lock": '<rect x="5" y="10.5" width="14" height="10" rx="2"/><path d="M8.5 10.5V7.8a3.5 3.5 0 0 1 7 0v2.7"/>',
    "mail": '<rect x="3" y="5.5" width="18" height="13" rx="2"/><path d="m3.5 7.5 8.5 6 8.5-6"/>',
    "menu": '<path d="M4 7h16M4 12h16M4 17h16"/>',
    "people": '<circle cx="9" cy="8.5" r="3.5"/><path d="M2.5 20c.5-4 3-6 6.5-6s6 2 6.5 6"/>'
    '<path d="M15.5 5.3a3.5 3.5 0 0 1 0 6.4M18 14.5c2 .8 3.2 2.7 3.5 5.5"/>',
    "person": '<circle cx="12" cy="8" r="4"/><path d="M4.5 20.5c.6-4.5 3.5-6.5 7.5-6.5s6.9 2 7.5 6.5"/>',
    "phone": '<path d="M6 3.5h3l1.6 4.2-2 1.5a12 12 0 0 0 6.2 6.2l1.5-2 4.2 1.6v3a2 2 0 0 1-2.2 2'
    'A17 17 0 0 1 4 5.7a2 2 0 0 1 2-2.2z"/>',
    "print": '<path d="M7 8.5V4h10v4.5"/><rect x="3.5" y="8.5" width="17" height="8" rx="1.5"/>'
    '<path d="M7 14h10v6H7z"/>',
    "refund": '<path d="M4 10h10.5a5 5 0 0 1 0 10H9"/><path d="m8.5 5.5-4.5 4.5 4.5 4.5"/>',
    "search": '<circle cx="10.5" cy="10.5" r="6.5"/><path d="m15.5 15.5 5 5"/>',
    "shield": '<path d="M12 3 5 5.5V11c0 4.5 2.8 8 7 10 4.2-2 7-5.5 7-10V5.5z"/>'
    '<path d="m9 11.8 2.2 2.2 4-4"/>',
    "sign-out": '<path d="M14 4H6v16h8"/><path d="M10 12h10"/><path d="m16 8 4 4-4 4"/>',
    "switch": '<path d="M4 8.5h14"/><path d="m14.5 5 3.5 3.5L14.5 12"/><path d="M20 15.5H6"/>'
    '<path d="M9.5 12 6 15.5 9.5 19"/>',
    "trash": '<path d="M5 7h14"/><path d="M9.5 7V4.5h5V7"/><path d="m6.5 7 .8 13h9.4l.8-13"/>',
}  # fmt: skip

#: The sign beside each state's color, so that no state is told by color alone.
_STATE_ICONS: Final[Mapping[str, str]] = {
    "good": "check-circle",
    "wait": "clock",
    "warn": "alert",
    "bad": "cross-circle",
    "info": "info",
    "back": "refund",
}


def _locale() -> str:
    return (get_language() or "en-us").replace("-", "_").replace("_us", "_US")


@lru_cache(maxsize=4096)
def _write_day(year: int, month: int, day: int, locale: str) -> str:
    """A calendar day in words; kept, because Babel parses its pattern anew for each."""
    return format_date(date(year, month, day), "medium", locale=locale)


@register.simple_tag
def money(amount: Money | None) -> SafeString:
    """An amount as people read it, in figures of one width. Nothing for None."""
    if amount is None:
        return mark_safe("")
    return format_html('<span class="money">{}</span>', format_money(amount))


@register.filter
def plain_money(amount: Money | None) -> str:
    """An amount as text without markup, for titles and labels; empty for None."""
    return "" if amount is None else format_money(amount)


@register.filter
def typed_money(amount: Money | None) -> str:
    """An amount as it stands in a field: `1204.00`; empty for None."""
    return "" if amount is None else format_plain(amount)


@register.filter
def day(value: date | datetime | None) -> str:
    """`Nov 3, 2026`; empty for None. A datetime must already be at the practice's hour."""
    return "" if value is None else _write_day(value.year, value.month, value.day, _locale())


@register.filter
def moment(value: datetime | None, zone: str) -> str:
    """`Nov 23, 2026, 3:12 PM` where the practice is (`zone`, an IANA name); empty for None."""
    if value is None:
        return ""
    local = value.astimezone(ZoneInfo(zone))
    text = f"{day(local)}, {format_time(local, 'short', locale=_locale())}"
    return text.replace("\u202f", " ")


@register.filter
def local_day(value: datetime | None, zone: str) -> str:
    """The practice's calendar day of a moment, as `Nov 3, 2026`; empty for None."""
    return "" if value is None else day(value.astimezone(ZoneInfo(zone)).date())


@register.filter
@lru_cache(maxsize=1024)
def phone(number: str) -> str:
    """`+15555550123` as `(555) 555-0123`; what can't be read stays as it is."""
    return format_phone(number)


@register.simple_tag
@lru_cache
def icon(name: str) -> SafeString:
    """One of our icons, hidden from screen readers: the word beside it says it all."""
    return format_html(
        '<svg class="icon" viewBox="0 0 24 24" width="24" height="24" fill="none" stroke="currentColor" '
        'stroke-width="1.75" stroke-linecap="round" stroke-linejoin="round" aria-hidden="true" '
        'focusable="false">{}</svg>',
        mark_safe(_ICONS[name]),
    )


@register.simple_tag
def state_icon(state: str) -> SafeString:
    """The sign of a state: good, wait, warn, bad, info, back."""
    return icon(_STATE_ICONS.get(state, "info"))


@register.simple_tag
@lru_cache(maxsize=512, typed=True)
def badge(state: str, text: str) -> SafeString:
    """A status in color, sign and word. `state`: good, wait, warn, bad, info, back."""
    return format_html('<span class="badge" data-state="{}">{}{}</span>', state, state_icon(state), text)


@register.simple_tag
def script(path: str) -> SafeString:
    """One of our own scripts, with the hash by which the browser refuses it if it was changed on the way."""
    return format_html('<script src="{}" integrity="{}" defer></script>', static(path), integrity(path))


@register.filter
def pick(values: Mapping[Any, Any], key: Any) -> Any:
    """What a mapping has for a key; empty where there is none."""
    return values.get(key, "") if values else ""


@register.filter
def monogram(name: str) -> str:
    """The first letter of a name, for the mark of a practice without a logo."""
    return name.strip()[:1].upper()


@register.filter
def split_name(name: str) -> tuple[str, str]:
    """What a phone's header has room for of a name, its first word (`Ana`, `Dr. Ana`), and the rest."""
    words = name.split()
    short = 2 if words and words[0].endswith(".") else 1
    return " ".join(words[:short]), " ".join(words[short:])


@register.inclusion_tag("core/parts/accent.html", takes_context=True)
def accent_style(context: Mapping[str, Any], color: str) -> dict[str, object]:
    """The practice's accent as a `<style>` with the page's nonce: a strict policy allows no other way."""
    return {"accent": readable_accent(color), "nonce": context.get("CSP_NONCE", "")}


@register.inclusion_tag("core/parts/paging.html", takes_context=True)
def paging(context: Mapping[str, Any], page: Page[Any]) -> dict[str, object]:
    """Earlier and later pages of a long list, with the filter kept."""
    request = context["request"]

    def address(number: int) -> str:
        query = request.GET.copy()
        query["page"] = str(number)
        return "?" + query.urlencode()

    return {
        "page": page,
        "previous": address(page.number - 1) if page.has_previous else "",
        "next": address(page.number + 1) if page.has_next else "",
    }
