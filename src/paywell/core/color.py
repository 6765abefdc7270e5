"""A practice's accent color, corrected so that it can be read on our paper, by day and by night.

Contrast is WCAG 2.2's (success criteria 1.4.3 and 1.4.11), computed here so that a practice can choose any
color: what it chose is moved toward black or white until it reads, never refused.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

DEFAULT_ACCENT: Final = "#0f5e5c"
#: The backgrounds of paywell.css on which the accent is written as text: light paper, dark card.
PAPER: Final = "#faf8f5"
NIGHT_CARD: Final = "#1c2026"
_WHITE: Final = (255, 255, 255)
_BLACK: Final = (0, 0, 0)
#: Somewhat above 4.5:1, so that the accent still reads on its own pale tint.
_MINIMUM: Final = 5.2
_HEX: Final = re.compile(r"#[0-9a-fA-F]{6}")

_Rgb = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Accent:
    """The accent as the style sheet needs it: the color, and the ink on top of it, by day and by night."""

    light: str
    on_light: str
    dark: str
    on_dark: str


def _rgb(color: str) -> _Rgb:
    return int(color[1:3], 16), int(color[3:5], 16), int(color[5:7], 16)


def _hex(rgb: _Rgb) -> str:
    return "#{:02x}{:02x}{:02x}".format(*rgb)


def _luminance(rgb: _Rgb) -> float:
    def linear(channel: int) -> float:
        share = channel / 255
        return share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4

    red, green, blue = (linear(channel) for channel in rgb)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    """WCAG's contrast ratio of two `#rrggbb` colors, from 1 to 21."""
    brighter, darker = sorted((_luminance(_rgb(one)), _luminance(_rgb(other))), reverse=True)
    return (brighter + 0.05) / (darker + 0.05)


def _toward(rgb: _Rgb, goal: _Rgb, background: str) -> str:
    """`rgb`, mixed with `goal` in steps of 4 % until it reads on `background`."""
    for step in range(26):
        mixed = tuple(round(part + (end - part) * step / 25) for part, end in zip(rgb, goal, strict=True))
        color = _hex((mixed[0], mixed[1], mixed[2]))
        if contrast(color, background) >= _MINIMUM:
            return color
    return _hex(goal)


@lru_cache(maxsize=512)
def readable_accent(color: str) -> Accent:
    """The accent by day and by night for a practice's `#rrggbb`; anything else gives the default's."""
    rgb = _rgb(color if _HEX.fullmatch(color or "") else DEFAULT_ACCENT)
    light = _toward(rgb, _BLACK, PAPER)
    dark = _toward(rgb, _WHITE, NIGHT_CARD)
    return Accent(light=light, on_light="#ffffff", dark=dark, on_dark="#101318")
