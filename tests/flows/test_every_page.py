"""Every kind of page that a link leads to, on a desktop in light and on a phone in dark: fit for everybody.

axe finds nothing, nothing is wider than the screen, a thumb hits each target, there is one main heading and a
title, and the browser has nothing to complain of (`watch.py`).
"""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page

from tests.flows.conftest import DESKTOP, PHONE, Stack
from tests.flows.crawl import CUT_TABLES, OUT_OF_SIGHT, SMALL_TARGETS, crawl
from tests.flows.test_accessible import OF_LOOKS, check


def find_faults(page: Page, kind: str) -> list[str]:
    """What this page owes; it is on a phone afterwards."""
    page.set_viewport_size(DESKTOP)
    faults = [f"{kind}: {each}" for each in page.evaluate(CUT_TABLES)]
    faults += check(page, kind, on_phone=OF_LOOKS)
    assert page.viewport_size == PHONE
    faults += [f"{kind}: target {each}" for each in page.evaluate(SMALL_TARGETS)]
    faults += [f"{kind}: {each}" for each in page.evaluate(OUT_OF_SIGHT)]
    headings = page.locator("h1").count()
    if headings != 1:
        faults.append(f"{kind}: {headings} main headings")
    if not page.title().strip():
        faults.append(f"{kind}: no title")
    return faults


@pytest.mark.parametrize(
    ("who", "below", "at_least"),
    [("Mara Feldt", "/desk/", 60), ("Ada Brook", "/portal/", 12)],
)
def test_every_page_that_a_link_leads_to_is_fit_for_everybody(
    signed_in: Callable[..., Page], stack: Stack, who: str, below: str, at_least: int
) -> None:
    page = signed_in(who)
    faults, kinds = [], 0
    for kind in crawl(page, f"{stack.address}{below}", below=below):
        kinds += 1
        faults += find_faults(page, kind)
    if faults:
        raise AssertionError("\n".join(faults))
    assert kinds >= at_least
