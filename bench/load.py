"""A load generator: N persistent connections in threads, each a browser that keeps its cookies."""

from __future__ import annotations

import http.client
import re
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import urlencode, urlsplit


@dataclass
class Answer:
    status: int
    body: str
    location: str


@dataclass
class Client:
    """One person's browser: one connection, its cookies."""

    port: int
    cookies: dict[str, str] = field(default_factory=dict)
    connection: http.client.HTTPConnection | None = None

    def request(self, method: str, path: str, form: list[tuple[str, str]] | None = None) -> Answer:
        if self.connection is None:
            self.connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        headers = {"Cookie": "; ".join(f"{k}={v}" for k, v in self.cookies.items())}
        body = None
        if form is not None:
            body = urlencode(form)
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        self.connection.request(method, path, body=body, headers=headers)
        response = self.connection.getresponse()
        text = response.read().decode(errors="replace")
        for header in response.headers.get_all("Set-Cookie") or []:
            name, _, value = header.split(";")[0].partition("=")
            self.cookies[name] = value
        location = urlsplit(response.headers.get("Location", ""))
        return Answer(response.status, text, location.path + (f"?{location.query}" if location.query else ""))


def hidden(body: str, name: str) -> str:
    """The value of a hidden field of a form."""
    for tag in re.findall(r"<input[^>]*>", body):
        if f'name="{name}"' in tag:
            match = re.search(r'value="([^"]*)"', tag)
            return match[1] if match else ""
    raise LookupError(f"No field {name} in the page")


@dataclass
class Figures:
    """What one round measured."""

    count: int
    seconds: float
    times_ms: list[float]

    @property
    def per_second(self) -> float:
        return self.count / self.seconds if self.seconds else 0.0

    def percentile(self, share: float) -> float:
        ordered = sorted(self.times_ms)
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0.0

    def plus(self, other: Figures) -> Figures:
        return Figures(self.count + other.count, self.seconds + other.seconds, self.times_ms + other.times_ms)


def measure(actions: list[Callable[[], None]], seconds: float) -> Figures:
    """Run each action over and over in a thread of its own for `seconds`; an error ends the run loudly."""
    times: list[list[float]] = [[] for _ in actions]
    errors: list[BaseException] = []
    end = time.monotonic() + seconds

    def work(number: int) -> None:
        try:
            while time.monotonic() < end and not errors:
                began = time.perf_counter()
                actions[number]()
                times[number].append((time.perf_counter() - began) * 1000)
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=work, args=(n,)) for n in range(len(actions))]
    began = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    took = time.monotonic() - began
    if errors:
        raise errors[0]
    everything = [t for row in times for t in row]
    return Figures(len(everything), took, everything)
