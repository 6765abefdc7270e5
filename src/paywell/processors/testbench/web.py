"""The few lines of WSGI that the test processor needs: a request, an answer, a table of routes."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from importlib.resources import files
from string import Template
from typing import Any
from urllib.parse import parse_qs

MAX_BODY = 65_536
_STATIC = {"testbench.css": "text/css", "fields.js": "text/javascript"}


class Refused(Exception):
    """The request is refused before anything happened. `code` is for programs, the text for people."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message


@dataclass(frozen=True, slots=True)
class Request:
    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]  #: names in lower case
    body: bytes
    origin: str  #: of this server, as the caller sees it

    def form(self) -> dict[str, str]:
        return _flatten(self.body.decode("utf-8", "replace"))

    def json(self) -> dict[str, Any]:
        if not self.body:
            return {}
        try:
            value = json.loads(self.body)
        except ValueError:
            raise Refused(400, "bad_json", "The body is not JSON.") from None
        if not isinstance(value, dict):
            raise Refused(400, "bad_json", "The body is not a JSON object.")
        return value


@dataclass(frozen=True, slots=True)
class Response:
    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)


Handler = Callable[..., Response]
Start = Callable[[str, list[tuple[str, str]]], Any]


def answer(value: Mapping[str, Any], status: int = 200) -> Response:
    """A JSON answer."""
    return Response(status, json.dumps(value).encode(), {"Content-Type": "application/json"})


def page(name: str, *, csp: str, status: int = 200, **values: str) -> Response:
    """A page from `templates/`. The caller escapes the values. No page sets a cookie or may be cached."""
    template = Template((files(__package__) / "templates" / f"{name}.html").read_text())
    headers = {
        "Content-Type": "text/html; charset=utf-8",
        "Content-Security-Policy": csp,
        "Cache-Control": "no-store",
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
    }
    return Response(status, template.substitute(values).encode(), headers)


def see_other(url: str) -> Response:
    return Response(303, b"", {"Location": url, "Cache-Control": "no-store", "Referrer-Policy": "no-referrer"})


def static(request: Request, name: str) -> Response:
    if name not in _STATIC:
        raise Refused(404, "not_found", "There is no such page.")
    body = (files(__package__) / "static" / name).read_bytes()
    return Response(200, body, {"Content-Type": f"{_STATIC[name]}; charset=utf-8", "Cache-Control": "no-cache"})


class Application:
    """A WSGI application of routes `(method, pattern, handler)`; groups of the pattern are passed by name."""

    def __init__(self, routes: Iterable[tuple[str, str, Handler]]) -> None:
        self.routes = [(method, re.compile(pattern), handler) for method, pattern, handler in routes]

    def __call__(self, environ: dict[str, Any], start_response: Start) -> list[bytes]:
        try:
            response = self._find(_read(environ))
        except Refused as refusal:
            error = {"code": refusal.code, "message": refusal.message}
            response = answer({"error": error}, status=refusal.status)
        headers = {**response.headers, "Content-Length": str(len(response.body))}
        start_response(f"{response.status} {HTTPStatus(response.status).phrase}", list(headers.items()))
        return [b""] if environ["REQUEST_METHOD"] == "HEAD" else [response.body]

    def _find(self, request: Request) -> Response:
        method = "GET" if request.method == "HEAD" else request.method
        for allowed, pattern, handler in self.routes:
            match = pattern.fullmatch(request.path)
            if match and allowed == method:
                return handler(request, **match.groupdict())
        raise Refused(404, "not_found", "There is no such page.")


def _read(environ: Mapping[str, Any]) -> Request:
    length = int(environ.get("CONTENT_LENGTH") or 0)
    if length > MAX_BODY:
        raise Refused(413, "too_large", "The body is too large.")
    headers = {
        name.removeprefix("HTTP_").replace("_", "-").lower(): str(value)
        for name, value in environ.items()
        if name.startswith("HTTP_") or name == "CONTENT_TYPE"
    }
    return Request(
        method=environ["REQUEST_METHOD"],
        path=environ.get("PATH_INFO", "/"),
        query=_flatten(environ.get("QUERY_STRING", "")),
        headers=headers,
        body=environ["wsgi.input"].read(length) if length else b"",
        origin=f"{environ['wsgi.url_scheme']}://{headers.get('host', '')}",
    )


def _flatten(encoded: str) -> dict[str, str]:
    return {name: values[-1] for name, values in parse_qs(encoded, keep_blank_values=True).items()}
