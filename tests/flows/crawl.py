"""Every kind of page that links lead to, and what each of them owes to whoever uses it."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator
from typing import Final
from urllib.parse import parse_qsl, urljoin, urlsplit

from playwright.sync_api import Page

#: Addresses that end something, or are files.
LEFT_OUT: Final = re.compile(r"/logout/|/lost/|\.(pdf|csv|zip|png)$|/(pdf|csv|zip|download)/$|/media/|/static/")
#: What stands for one of many in an address.
_ONE_OF_MANY: Final = re.compile(r"[0-9a-f]{8}-[0-9a-f-]{27}|(?<=/)\d+(?=/)|(?<=/texts/)[\w-]+")
#: What only chooses among a page's rows.
_OF_ROWS: Final = {"page", "show"}

LINKS: Final = (
    """() => [...document.querySelectorAll('a[href]:not([download]):not([target=_blank])')].map(a => a.href)"""
)

#: Targets of a finger under 44 CSS pixels in height or width; links within a running text are exempt (WCAG 2.5.8).
SMALL_TARGETS: Final = """() => {
  const found = [];
  const inText = (element) => {
    if (element.tagName !== 'A' || getComputedStyle(element).display !== 'inline') return false;
    const block = element.closest('p, li, dd, td, h1, h2, h3, figcaption, label, legend, summary, div, span');
    return block !== null && block.textContent.trim().length > element.textContent.trim().length + 3;
  };
  for (const element of document.querySelectorAll('a[href], button, input, select, textarea, summary')) {
    const isSeen = element.checkVisibility({checkVisibilityCSS: true, checkOpacity: true});
    if (element.type === 'hidden' || element.disabled || !isSeen) continue;
    if (inText(element)) continue;
    let box = element.getBoundingClientRect();
    if (element.type === 'checkbox' || element.type === 'radio' || element.type === 'file') {
      const label = element.closest('label') || element.labels[0];
      if (label) {
        const around = label.getBoundingClientRect();
        box = {height: Math.max(box.height, around.height), width: Math.max(box.width, around.width),
               right: Math.max(box.right, around.right), bottom: Math.max(box.bottom, around.bottom)};
      }
    }
    if (box.right < 1 || box.bottom < 1) continue;
    if (box.height < 43.5 || box.width < 43.5) {
      found.push(`${Math.round(box.width)}x${Math.round(box.height)} ${element.outerHTML.slice(0, 140)}`);
    }
  }
  return found;
}"""

#: Tables of which a part is out of sight, on a screen that is wide enough for all of it.
CUT_TABLES: Final = """() => [...document.querySelectorAll('main table')].map(table => {
  let around = table.parentElement;
  while (around && getComputedStyle(around).overflowX === 'visible') around = around.parentElement;
  const edge = around ? around.getBoundingClientRect().right : innerWidth;
  return Math.round(table.getBoundingClientRect().right - edge);
}).filter(out => out > 1).map(out => `a table is cut off by ${out} px`)"""

#: Choices that scrolling alone brings into sight, and cards with nothing in them.
OUT_OF_SIGHT: Final = """() => [
  ...[...document.querySelectorAll('.shelves')].filter(strip => strip.scrollWidth > strip.clientWidth + 1)
    .map(strip => `choices out of sight: ${strip.textContent.trim().slice(0, 80)}`),
  ...[...document.querySelectorAll('main .card')].filter(card => card.checkVisibility() && !card.textContent.trim()
    && !card.querySelector('img, svg, iframe, input')).map(card => `an empty card: ${card.outerHTML.slice(0, 80)}`),
]"""


def kind_of(address: str) -> str:
    """The address without what stands for one of many: `/desk/clients/*/?tab`."""
    parts = urlsplit(address)
    names = ",".join(sorted({name for name, _ in parse_qsl(parts.query, keep_blank_values=True)} - _OF_ROWS))
    return _ONE_OF_MANY.sub("*", parts.path) + (f"?{names}" if names else "")


def crawl(page: Page, start: str, *, below: str, most: int = 400) -> Iterator[str]:
    """Open one page of each kind below an address, breadth first, and give its kind while it is open."""
    host = urlsplit(start).netloc
    waiting, seen = deque([start]), {kind_of(start)}
    while waiting and most:
        address = waiting.popleft()
        answer = page.goto(address)
        if answer is None or not answer.headers.get("content-type", "").startswith("text/html"):
            continue
        most -= 1
        assert answer.status == 200, f"{address}: {answer.status}"
        found = page.evaluate(LINKS)
        yield kind_of(address)
        for link in found:
            whole = urljoin(address, link).partition("#")[0]
            parts = urlsplit(whole)
            is_ours = parts.netloc == host and parts.path.startswith(below) and not LEFT_OUT.search(parts.path)
            if is_ours and kind_of(whole) not in seen:
                seen.add(kind_of(whole))
                waiting.append(whole)
