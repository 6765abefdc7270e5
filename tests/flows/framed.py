"""For the control, what this product never does: a page that needs its own session cookie, in another site's frame.

Two addresses of this machine that a browser takes for two sites: localhost frames 127.0.0.1.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass(frozen=True)
class TwoSites:
    framing: str  #: a page of one site with the other's page in a frame
    page: str  #: the other's page by itself


class _Site(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        port = self.server.server_address[1]
        if self.path == "/framing":
            self._answer(f'<!doctype html><iframe src="http://127.0.0.1:{port}/page" width="400" height="200">')
        else:
            self._answer(
                '<!doctype html><form method="post" action="/page"><button>Submit</button></form>',
                cookie="session=1; Path=/",
            )

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        kept = "session=1" in self.headers.get("Cookie", "")
        self._answer(f"<!doctype html><p>session {'kept' if kept else 'lost'}</p>")

    def _answer(self, html: str, cookie: str = "") -> None:
        body = html.encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        if cookie:
            self.send_header("Set-Cookie", cookie)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Silent: the test's output is for the tests."""


@contextmanager
def two_sites() -> Iterator[TwoSites]:
    """The server of both, for as long as the block lasts."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Site)
    port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield TwoSites(framing=f"http://localhost:{port}/framing", page=f"http://127.0.0.1:{port}/page")
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
