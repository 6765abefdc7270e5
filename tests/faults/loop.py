"""A scheduler of one thread: tasks are greenlets, time is a number, and whoever is due next goes on.

Tasks give way at points: after every commit, before every read outside a transaction, and around every call. How
long a step takes is drawn from the seed, and that is what mixes the tasks.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from heapq import heappop, heappush
from itertools import count
from typing import Any

from greenlet import getcurrent, greenlet


class Crash(BaseException):
    """The process is gone. Nothing in the product may catch it."""


class Task:
    """Something that goes on. `inside`: part of our own process, which a crash ends."""

    def __init__(self, loop: Loop, work: Callable[[], Any], name: str, *, inside: bool) -> None:
        self.loop, self.name, self.inside, self.work = loop, name, inside, work
        self.is_over = self.is_dead = self.has_begun = False
        self.result: Any = None
        self.error: BaseException | None = None
        self.waiting: list[Task] = []
        self.greenlet = greenlet(self._run, loop.hub)

    def _run(self) -> None:
        try:
            self.result = self.work()
        except BaseException as error:  # a task's end is told to whoever waits for it
            self.error = error
        self.is_over = True
        for other in self.waiting:
            self.loop.wake(other)

    def resume(self) -> None:
        if self.is_over or self.is_dead:
            return
        self.has_begun = True
        self.loop.task = self
        self.greenlet.switch()
        self.loop.task = None

    def kill(self) -> None:
        """End it where it stands. What is unwound on the way can't reach the database (`Loop.task` is dead)."""
        if self.is_over:
            return
        self.is_dead = True
        if self.has_begun:
            self.loop.task = self
            self.greenlet.throw(Crash)
            self.loop.task = None
            return
        self.error, self.is_over = Crash(), True
        for other in self.waiting:
            self.loop.wake(other)


class Loop:
    """Time and who is next. `now` is in seconds from the beginning of the history."""

    def __init__(self, seed: str) -> None:
        self.random = random.Random(seed)
        self.now = 0.0
        self.hub = getcurrent()
        self.heap: list[tuple[float, int, Task | Callable[[], None]]] = []
        self.order = count()
        self.task: Task | None = None
        self.until = float("inf")
        self.tasks: list[Task] = []

    def spawn(self, work: Callable[[], Any], name: str, *, after: float = 0.0, inside: bool = False) -> Task:
        task = Task(self, work, name, inside=inside)
        self.tasks.append(task)
        self.wake(task, after)
        return task

    def wake(self, task: Task, after: float = 0.0) -> None:
        heappush(self.heap, (self.now + after, next(self.order), task))

    def call_later(self, after: float, work: Callable[[], None]) -> None:
        """Run `work` at that time, whoever is alive then: it is not part of our process."""
        heappush(self.heap, (self.now + after, next(self.order), work))

    def pause(self, seconds: float) -> None:
        """Let time pass for the current task, and others go on meanwhile."""
        at = self.now + seconds
        if (not self.heap or self.heap[0][0] > at) and at <= self.until:
            self.now = at
            return
        if self.task is None:
            raise RuntimeError("Only a task can wait.")
        self.wake(self.task, seconds)
        self.hub.switch()

    def wait_for(self, task: Task) -> None:
        """Wait until another task is over."""
        if task.is_over:
            return
        if self.task is None:
            raise RuntimeError("Only a task can wait.")
        task.waiting.append(self.task)
        self.hub.switch()

    def next_at(self, name: str = "") -> float:
        """When something else happens than the tasks so named; infinity where nothing does."""
        return min(
            (
                at
                for at, _, what in self.heap
                if not (isinstance(what, Task) and (what.is_over or what.name.startswith(name)))
            ),
            default=float("inf"),
        )

    def run(self, until: float = float("inf"), stop: Callable[[], bool] | None = None) -> None:
        """Go on until then, until `stop` says so, or until nothing is left to do."""
        self.until = until
        while self.heap and self.heap[0][0] <= until:
            if stop is not None and stop():
                self.until = float("inf")
                return
            at, _, what = heappop(self.heap)
            self.now = max(self.now, at)
            if isinstance(what, Task):
                what.resume()
            else:
                what()
        self.until = float("inf")
        if until != float("inf"):
            self.now = max(self.now, until)

    def kill(self, which: Callable[[Task], bool]) -> None:
        """End tasks where they stand. Called by the hub."""
        for task in list(self.tasks):
            if not task.is_over and which(task):
                task.kill()
        self.tasks = [task for task in self.tasks if not task.is_over]

    def die(self, which: Callable[[Task], bool]) -> None:
        """The same, called by a task that may be among them: it does not come back then."""
        heappush(self.heap, (self.now, -next(self.order), lambda: self.kill(which)))
        if self.task is not None:
            self.wake(self.task)
            self.hub.switch()
