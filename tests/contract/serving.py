"""Stand-ins for real processors, served on a free port of this machine, and the faults that they can be told."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

#: How long a stand-in keeps silent where it is told to. Longer than an impatient client waits.
SILENCE_S = 0.9


@dataclass(frozen=True)
class Request:
    """One request as it arrived."""

    method: str
    path: str
    query: str
    headers: dict[str, str]  #: names in lower case
    body: bytes
    origin: str  #: where this server is


@dataclass(frozen=True)
class Response:
    status: int = 200
    body: bytes = b""
    content_type: str = "text/plain; charset=utf-8"
    headers: dict[str, str] = field(default_factory=dict)
    drop: bool = False  #: cut the line instead of answering
    silence_s: float = 0.0


Handler = Callable[[Request], Response]


@contextmanager
def serving(handler: Handler) -> Iterator[str]:
    """`handler` behind a real socket; gives its address. Ends with the block."""

    class _Door(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _serve(self) -> None:
            parts = urlsplit(self.path)
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            headers = {name.lower(): value for name, value in self.headers.items()}
            host = headers.get("host", "")
            answer = handler(Request(self.command, parts.path, parts.query, headers, body, f"http://{host}"))
            if answer.silence_s:
                time.sleep(answer.silence_s)
            if answer.drop:
                self.close_connection = True
                return
            try:
                self.send_response(answer.status)
                self.send_header("Content-Type", answer.content_type)
                self.send_header("Content-Length", str(len(answer.body)))
                for name, value in answer.headers.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(answer.body)
            except (BrokenPipeError, ConnectionResetError):
                self.close_connection = True

        do_GET = do_POST = do_PUT = do_DELETE = _serve

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), _Door)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)


@dataclass
class Fault:
    call: str
    kind: str
    value: str
    times: int


class Faults:
    """What is to go wrong with the next calls of one account."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._queue: list[Fault] = []

    def add(self, call: str, kind: str, value: str = "", times: int = 1) -> None:
        with self._lock:
            self._queue.append(Fault(call, kind, value, times))

    def take(self, call: str) -> Fault | None:
        """The fault for this call, if one waits; used up by that."""
        with self._lock:
            for fault in self._queue:
                if fault.call == call:
                    fault.times -= 1
                    if not fault.times:
                        self._queue.remove(fault)
                    return fault
        return None


def with_fault(fault: Fault | None, act: Callable[[], Response], spoil: Callable[[bytes, str], bytes]) -> Response:
    """What is answered when this goes wrong. `*_before` has no effect, `*_after` has; the others spoil an answer.

    `spoil(body, kind)` knows how to write `unknown_word`, `without_amount` and `without_reference`.
    """
    kind = fault.kind if fault else ""
    if kind == "silent_before":
        return Response(drop=True, silence_s=SILENCE_S)
    if kind == "drop_before":
        return Response(drop=True)
    if kind == "error_before":
        return Response(500, b"Internal error")
    if kind == "rate_limited":
        return Response(429, b"Too many requests")
    answer = act()
    if kind == "silent_after":
        return Response(drop=True, silence_s=SILENCE_S)
    if kind == "drop_after":
        return Response(drop=True)
    if kind == "error_after":
        return Response(500, b"Internal error")
    if kind == "garbage":
        return Response(200, b"<html><p>Gateway</html>", "text/html")
    if kind == "truncated":
        return Response(answer.status, answer.body[: len(answer.body) // 2], answer.content_type)
    if kind in ("unknown_word", "without_amount", "without_reference"):
        return Response(answer.status, spoil(answer.body, kind), answer.content_type)
    return answer
