"""The way to the processor and back, and everything that can happen on it."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Protocol, TypeVar

import httpx

from tests.faults.processor import Answered

Result = TypeVar("Result")

#: A call is given up after so long (`core.http.CHARGE_TIMEOUT_S`).
DEADLINE_S = 25.0
#: A request reaches the processor by then or never: what one-step processors are taken to keep (`machine.GRACE_S`).
INFLIGHT_S = 15 * 60

#: What may become of one call, and how often among the calls that go wrong.
FATES = {
    "never_left": 2,
    "lost_request": 3,
    "lost_answer": 4,
    "late": 3,
    "broke_before": 2,
    "broke_after": 3,
    "too_many": 1,
    "garbage": 2,
    "slow": 2,
}


class Way(Protocol):
    """What the network needs of the history."""

    is_calm: bool

    def point(self, name: str) -> None: ...
    def pass_time(self, seconds: float) -> None: ...
    def call_later(self, after: float, work: Callable[[], None]) -> None: ...
    def say(self, text: str) -> None: ...


class Network:
    """Draws what becomes of each call. `rate`: how many of a hundred calls go wrong."""

    def __init__(self, way: Way, seed: str, *, rate: float, later: bool = False) -> None:
        self.way = way
        self.random = random.Random(seed)
        self.rate = rate
        self.later = later  #: requests arrive later than anybody promised
        self.broke_its_promise = False  #: one of them did
        self.is_down = False
        self.faults = 0

    def call(self, name: str, effect: Callable[[], Result]) -> Result:
        """Send a request, let it do its work there, bring back the answer. Raises what httpx would."""
        way = self.way
        way.point(f"call {name}")
        fate, there, back = self._draw()
        if fate:
            self.faults += 1
            way.say(f"network: {name} {fate}")
        if fate == "never_left":
            raise httpx.ConnectError("no connection")
        way.pass_time(there)
        if fate == "lost_request":
            way.pass_time(DEADLINE_S)
            raise httpx.ReadTimeout("no answer")
        if fate == "late":
            way.call_later(self._lateness(), lambda: self._arrive(name, effect))
            way.pass_time(DEADLINE_S)
            raise httpx.ReadTimeout("no answer")
        if fate == "broke_before":
            raise self._broken(503)
        if fate == "too_many":
            raise Answered(429, "rate_limit")
        answer = effect()
        way.point(f"effect {name}")
        if fate == "lost_answer":
            way.pass_time(DEADLINE_S)
            raise httpx.ReadTimeout("no answer")
        way.pass_time(back)
        if fate == "broke_after":
            raise self._broken(500)
        if fate == "garbage":
            raise ValueError("not JSON")
        return answer

    def _draw(self) -> tuple[str, float, float]:
        """Always the same number of draws, so that one fault does not change the ones after it."""
        chance, latency, pick = self.random.random(), self.random.random(), self.random.random()
        there, back = 0.02 + latency * 0.4, 0.02 + (1 - latency) * 0.4
        if self.way.is_calm:
            return "", there, back
        if self.is_down:
            return ("never_left" if pick < 0.5 else "lost_request"), there, back
        if chance >= self.rate:
            return "", there, back
        names = list(FATES)
        fate = self.random.choices(names, weights=list(FATES.values()))[0]
        if fate == "slow":
            return "", there + pick * 20, back
        return fate, there, back

    def _lateness(self) -> float:
        if self.later:
            return INFLIGHT_S + 60 + self.random.random() * 3 * 3600
        return 26 + self.random.random() ** 2 * (INFLIGHT_S - 60)

    def _arrive(self, name: str, effect: Callable[[], object]) -> None:
        self.way.say(f"network: the late {name} arrives")
        self.broke_its_promise |= self.later
        try:
            effect()
        except Answered as no:
            self.way.say(f"processor: {no}")

    @staticmethod
    def _broken(status: int) -> httpx.HTTPStatusError:
        request = httpx.Request("POST", "https://processor.example")
        return httpx.HTTPStatusError("broken", request=request, response=httpx.Response(status, request=request))
