"""Many histories, over several processes, and what they add up to."""

from __future__ import annotations

import multiprocessing
import os
import random
import statistics
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from tests.faults.history import History, Result
from tests.faults.mutating import Hunt, hunt_job
from tests.faults.plan import make_plan
from tests.faults.pool import begin
from tests.faults.processor import Kind
from tests.faults.stage import Stage, get_stage


@dataclass(frozen=True, slots=True)
class Job:
    """One history to run, or with `everywhere` one history for each of its crash points."""

    kind: str
    seed: int
    changes: tuple[tuple[str, Any], ...] = ()
    everywhere: bool = False
    part: tuple[int, int] = (0, 1)  #: with `everywhere`: which of so many parts of the crash points
    twice: int = 0  #: as many histories that are crashed at two points, drawn from all of them
    mutant: str = ""


@dataclass
class Figures:
    """What was run and what came of it."""

    histories: int = 0
    captures: int = 0
    points: int = 0  #: crash points that were tried one by one
    crashes: int = 0
    faults: int = 0
    attempts: int = 0
    restores: int = 0
    failed: list[Result] = field(default_factory=list)
    recovered: list[float] = field(default_factory=list)
    seen: Counter[str] = field(default_factory=Counter)
    took_s: float = 0.0

    def add(self, result: Result, *, is_point: bool = False) -> None:
        self.histories += 1
        self.points += is_point
        self.captures += result.captures
        self.crashes += result.crashes
        self.faults += result.faults
        self.attempts += result.attempts
        self.restores += result.restores
        self.recovered.append(result.recovered_s)
        self.seen.update(result.seen)
        if result.violations:
            self.failed.append(result)

    def merge(self, other: Figures) -> None:
        for name in ("histories", "captures", "points", "crashes", "faults", "attempts", "restores"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.failed += other.failed
        self.recovered += other.recovered
        self.seen += other.seen

    @property
    def median_s(self) -> float:
        return statistics.median(self.recovered) if self.recovered else 0.0

    @property
    def longest_s(self) -> float:
        return max(self.recovered, default=0.0)

    def line(self) -> str:
        rate = self.histories / self.took_s if self.took_s else 0.0
        return (
            f"{self.histories:,} histories ({self.points:,} of them crashed at one point each), "
            f"{self.captures:,} captures, {self.faults:,} faults, {self.crashes:,} crashes, "
            f"{len(self.failed)} with violations, recovery median {self.median_s:.0f} s, "
            f"longest {self.longest_s:.0f} s, {rate:.0f} histories/s"
        )


def run_job(stage: Stage, job: Job) -> Iterator[tuple[Result, bool]]:
    """The job's histories, each with whether it was one of the crash points."""
    changes = dict(job.changes)
    plan = make_plan(Kind(job.kind), job.seed, **changes)
    if not job.everywhere and not job.twice:
        yield History(stage.database, stage.world, plan).run(), False
        return
    plain = make_plan(Kind(job.kind), job.seed, **(changes | {"crash_rate": 0.0}))
    first = History(stage.database, stage.world, plain).run()
    if job.part[0] == 0:
        yield first, False
    for points in _crash_points(job, first.points):
        crashed = make_plan(Kind(job.kind), job.seed, **(changes | {"crash_rate": 0.0, "crash_at": points}))
        result = History(stage.database, stage.world, crashed).run()
        result.crash_at = tuple(sorted(points))
        yield result, len(points) == 1


def _crash_points(job: Job, points: int) -> Iterator[frozenset[int]]:
    """Each point alone where that is wanted; then pairs: the first crash may put the second out of reach."""
    if job.everywhere:
        place, parts = job.part
        yield from (frozenset({point}) for point in range(1 + place, points + 1, parts))
    draw = random.Random(f"{job.kind}:{job.seed}:twice")
    for _ in range(job.twice if points > 1 else 0):
        yield frozenset(draw.sample(range(1, points + 1), 2))


def _work(job: Job) -> Figures:
    figures = Figures()
    for result, is_point in run_job(get_stage(), job):
        result.changes = job.changes
        figures.add(result, is_point=is_point)
    return figures


def get_processes() -> int:
    """As many as the environment says, or one for each core."""
    return int(os.environ.get("PAYWELL_FAULT_PROCESSES", "0")) or os.cpu_count() or 1


def make_jobs(
    kind: str, seeds: Iterable[int], changes: tuple[tuple[str, Any], ...] = (), *, everywhere: bool = False
) -> Iterator[Job]:
    """One for each seed. Of a history that is crashed everywhere one for each process: one in a hundred has ten
    times the points of the others, and would keep a single process at work long after the rest have ended."""
    parts = get_processes() if everywhere else 1
    for seed in seeds:
        yield from (Job(kind, seed, changes, everywhere, (place, parts)) for place in range(parts))


def run_jobs(jobs: Iterable[Job], *, processes: int | None = None) -> Figures:
    """All of them, on every core."""
    total, began = Figures(), time.monotonic()
    processes = processes or get_processes()
    if processes == 1:
        for job in jobs:
            total.merge(_work(job))
    else:
        with multiprocessing.get_context("spawn").Pool(processes, initializer=begin) as pool:
            for figures in pool.imap_unordered(_work, jobs, chunksize=2):
                total.merge(figures)
    total.took_s = time.monotonic() - began
    total.failed.sort(key=lambda result: (result.kind, result.seed))
    return total


def run_hunts(jobs: list[tuple[str, str, int, int]], *, processes: int | None = None) -> list[Hunt]:
    """Hunts of mutants, on every core: (mutant, kind, seeds wanted, seeds at most)."""
    processes = processes or get_processes()
    if processes == 1:
        return [hunt_job(job) for job in jobs]
    with multiprocessing.get_context("spawn").Pool(processes, initializer=begin) as pool:
        return list(pool.imap(hunt_job, jobs))
