"""What a run prints: a line as each part ends, how to replay what failed, and which seeds noticed each mutant."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence

from tests.faults.elsewhere import ADDRESS
from tests.faults.history import Result
from tests.faults.mutants import MUTANTS
from tests.faults.mutating import Hunt, read_known
from tests.faults.processor import Kind
from tests.faults.runs import Figures, run_hunts

#: What a plan can be asked for beside its seed, as an option of the command.
FLAGS = {
    ("is_later", True): "--later",
    ("has_notices", False): "--no-notices",
    ("has_returns", False): "--no-returns",
}
#: Of the histories that failed in a part, so many are named.
MOST_NAMED = 20


def report(parts: Iterable[tuple[str, Figures]]) -> bool:
    """Print each part as it comes. True where no history was violated."""
    clean = True
    for name, figures in parts:
        clean &= not figures.failed
        print(f"{name}: {figures.line()}", flush=True)
        for result in figures.failed[:MOST_NAMED]:
            print(f"VIOLATION {_replay(result)}: {result.violations[0]}", flush=True)
    return clean


def _replay(result: Result) -> str:
    """The command that shows this history step by step."""
    words = ["./run faults", f"--kind {result.kind}", f"--seed {result.seed}"]
    words += ["--postgresql"] if os.environ.get(ADDRESS) else []
    words += [f"--profile {value}" if name == "profile" else FLAGS[name, value] for name, value in result.changes]
    if result.crash_at:
        words.append(f"--crash {' '.join(map(str, result.crash_at))}")
    return " ".join(words)


def hunt_all(wanted: int, kinds: Sequence[Kind], *, only: str | None = None, most: int = 2000) -> list[Hunt]:
    """Every mutant, or only one, with every kind of processor that its guard stands in the way of."""
    chosen = [MUTANTS[only]] if only else list(MUTANTS.values())
    return run_hunts([(each.name, kind, wanted, most) for each in chosen for kind in each.kinds if kind in kinds])


def hunt_known() -> list[Hunt]:
    """Every mutant by the seeds in `killers.txt`: one that is not there, or no longer noticed, has survived."""
    known = read_known()
    jobs = [(name, kind, 1, len(seeds)) for (name, kind), seeds in known.items()]
    hunts = run_hunts(jobs)
    return hunts + [Hunt(name, "-") for name in MUTANTS if name not in {mutant for mutant, _ in known}]


def report_mutants(hunts: Sequence[Hunt]) -> bool:
    """Print what noticed each; False where a mutant survived with one of its kinds."""
    survivors = 0
    for each in hunts:
        survivors += not each.seeds
        seeds = " ".join(map(str, each.seeds)) or f"SURVIVED {each.tried} histories"
        print(f"{each.mutant} {each.kind} {seeds}    # {each.why}", flush=True)
    print(f"{len({each.mutant for each in hunts})} mutants, {len(hunts)} with their kinds, {survivors} survived")
    return not survivors
