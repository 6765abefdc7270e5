"""Reading pages and filling forms as a browser does."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import Any

from django.http import HttpResponse
from django.test import Client as Browser
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from paywell.invoicing.models import InvoiceLine


class _Form(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.inputs: list[tuple[str, str]] = []
        self.inside = False
        self.action = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.inside = "data-pay-form" in found
            self.action = found.get("action", "") if self.inside else self.action
        is_off = found.get("type") in ("checkbox", "radio") and "checked" not in found
        if self.inside and tag == "input" and "name" in found and not is_off:
            self.inputs.append((found["name"], found.get("value", "")))

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self.inside = False


class Form:
    """The pay form of a page: where it goes, and what it would send as it stands."""

    def __init__(self, html: str) -> None:
        parser = _Form()
        parser.feed(html)
        self.action = parser.action
        self.data: dict[str, Any] = {}
        for name, value in parser.inputs:
            self.data.setdefault(name, []).append(value)


def text(response: HttpResponse) -> str:
    """The page's words, without markup."""
    html = re.sub(r"<(script|style|template)\b.*?</\1>", " ", response.content.decode(), flags=re.S)
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html))


def count_queries(captured: CaptureQueriesContext) -> int:
    """What a page asks. PostgreSQL's round trips that set the practice for its wall count apart: two at most."""
    scoping = [query for query in captured.captured_queries if "set_config" in query["sql"]]
    assert len(scoping) <= 2
    return len(captured) - len(scoping)


def window_url(*lines: InvoiceLine) -> str:
    return reverse("portal:pay_window") + "?" + "&".join(f"line={line.id}" for line in lines)


def fill(browser: Browser, *lines: InvoiceLine, **changes: Any) -> dict[str, Any]:
    """What the window's form would send: its own fields, then `changes` (None takes a field away)."""
    data = Form(browser.get(window_url(*lines)).content.decode()).data
    for name, value in changes.items():
        if value is None:
            data.pop(name, None)
        else:
            data[name] = value
    return data


def pay(browser: Browser, *lines: InvoiceLine, **changes: Any) -> HttpResponse:
    """Fill the window and send it, with a new card's token unless said otherwise."""
    data = fill(browser, *lines, **({"card_token": "tok_1"} | changes))
    return browser.post(reverse("portal:pay_start"), data)  # type: ignore[return-value]
