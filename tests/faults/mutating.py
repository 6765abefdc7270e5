"""Runs the mutants: each guard is switched off, and the simulation has to notice.

A history counts as noticing only if the same history with the guard in place breaks no law.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from tests.faults.history import History
from tests.faults.mutants import MUTANTS
from tests.faults.plan import make_plan
from tests.faults.processor import Kind
from tests.faults.stage import get_stage

#: Seeds by which each mutant is known to be noticed; tried first.
KNOWN = Path(__file__).with_name("killers.txt")


@dataclass
class Hunt:
    """What was tried on one mutant with one kind of processor."""

    mutant: str
    kind: str
    seeds: list[int] = field(default_factory=list)  #: that noticed it
    tried: int = 0
    why: str = ""


def read_known() -> dict[tuple[str, str], list[int]]:
    """By mutant and kind, the seeds written in `killers.txt`."""
    known: dict[tuple[str, str], list[int]] = {}
    if KNOWN.exists():
        for line in KNOWN.read_text().splitlines():
            if line and not line.startswith("#"):
                mutant, kind, *seeds = line.split()
                known[mutant, kind] = [int(seed) for seed in seeds]
    return known


def hunt(mutant: str, kind: str, *, wanted: int, most: int) -> Hunt:
    """Try seeds, the known ones first, until `wanted` of them notice the mutant, or `most` were tried."""
    done = Hunt(mutant, kind)
    known = read_known().get((mutant, kind), [])
    for seed in [*known, *(seed for seed in range(most) if seed not in known)]:
        if len(done.seeds) >= wanted or done.tried >= most:
            break
        done.tried += 1
        why = _notices(mutant, kind, seed)
        if why:
            done.seeds.append(seed)
            done.why = done.why or why
    return done


def _notices(mutant: str, kind: str, seed: int) -> str:
    """The first violation that the mutant causes with this seed; empty where it causes none."""
    stage, changes = get_stage(), MUTANTS[mutant].changes
    mutated = History(stage.database, stage.world, make_plan(Kind(kind), seed, mutant=mutant, **changes)).run()
    if not mutated.violations:
        return ""
    whole = History(stage.database, stage.world, make_plan(Kind(kind), seed, **changes)).run()
    return "" if whole.violations else mutated.violations[0]


def hunt_job(job: tuple[str, str, int, int]) -> Hunt:
    mutant, kind, wanted, most = job
    return hunt(mutant, kind, wanted=wanted, most=most)
