"""A practice's accent is corrected until it can be read, never refused."""

from __future__ import annotations

import pytest

from paywell.core.color import NIGHT_CARD, PAPER, contrast, readable_accent


def test_contrast_is_wcag_s_ratio() -> None:
    assert round(contrast("#000000", "#ffffff"), 2) == 21.0
    assert round(contrast("#ffffff", "#767676"), 2) == 4.54


@pytest.mark.parametrize(
    "chosen", ["#0f5e5c", "#ffd400", "#ffffff", "#000000", "#ff0000", "#7a5cff", "not a color", ""]
)
def test_every_accent_reads_by_day_and_by_night(chosen: str) -> None:
    accent = readable_accent(chosen)
    assert contrast(accent.light, PAPER) >= 4.5
    assert contrast(accent.on_light, accent.light) >= 4.5
    assert contrast(accent.dark, NIGHT_CARD) >= 4.5
    assert contrast(accent.on_dark, accent.dark) >= 4.5


def test_an_accent_that_reads_is_kept_as_chosen() -> None:
    assert readable_accent("#0f5e5c").light == "#0f5e5c"


def test_what_is_not_a_color_gives_the_default() -> None:
    assert readable_accent("red;}body{display:none").light == "#0f5e5c"
