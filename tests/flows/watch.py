"""Watches a browser while a flow runs: whom it talks to, and what its console complains about."""

from __future__ import annotations

from typing import Final
from urllib.parse import urlsplit

from playwright.sync_api import BrowserContext, ConsoleMessage, Error, Request, Response

#: Written to the console by the page itself, so that one place hears of everything.
_REPORT_BREACHES: Final = """
addEventListener("securitypolicyviolation", (event) =>
  console.error(`policy breached: ${event.violatedDirective} ${event.blockedURI}`));
"""


class Watch:
    """Collects in `faults` what no page of ours may do, in words."""

    def __init__(self, context: BrowserContext, *, ours: str, processor: str) -> None:
        self.faults: list[str] = []
        self._ours = ours
        self._processor = processor
        self._documents: set[str] = set()
        context.add_init_script(_REPORT_BREACHES)
        context.on("request", self._on_request)
        context.on("response", self._on_response)
        context.on("console", self._on_console)
        context.on("weberror", lambda error: self._add(f"script error: {error.error}"))

    def _add(self, fault: str) -> None:
        self.faults.append(fault)

    def _on_request(self, request: Request) -> None:
        parts = urlsplit(request.url)
        if parts.scheme in ("data", "blob", "about", "chrome"):
            return
        if f"{parts.scheme}://{parts.netloc}" not in (self._ours, self._processor):
            self._add(f"request to a stranger: {request.method} {request.url}")
        if request.resource_type == "document":
            self._documents.add(request.url)

    def _on_response(self, response: Response) -> None:
        if not response.url.startswith(self._processor):
            return
        try:
            headers = response.headers
        except Error:
            return
        if "set-cookie" in headers:
            self._add(f"the processor set a cookie: {response.url}")

    def _on_console(self, message: ConsoleMessage) -> None:
        if message.type not in ("error", "warning"):
            return
        url = message.location["url"]
        # A page or a form that answers 402 or 422 on purpose is noted by Chromium too; the flow itself says what
        # is right there. Only a missing or broken part of a page is a fault of its own.
        if message.text.startswith("Failed to load resource") and (
            url in self._documents or " 422 " in message.text
        ):
            return
        self._add(f"console: {message.text} ({url})")
