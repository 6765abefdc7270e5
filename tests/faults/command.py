"""The command `./run faults`."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from tests.faults.history import History, Result
from tests.faults.mutants import MUTANTS
from tests.faults.mutating import Hunt
from tests.faults.plan import make_plan
from tests.faults.processor import Kind
from tests.faults.runs import Figures, Job, run_hunts, run_jobs
from tests.faults.stage import get_stage

KINDS = tuple(Kind)
#: The gate of every change.
GATE_SEEDS, GATE_EVERYWHERE = 1000, 25


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(
        prog="./run faults",
        description="The payment path under every fault. Without options: the gate of a change.",
    )
    parser.add_argument("--kind", choices=[*KINDS], help="only this kind of processor")
    parser.add_argument("--seed", type=int, help="one history, printed step by step")
    parser.add_argument("--crash", type=int, default=0, metavar="POINT", help="with --seed: crash at that point")
    parser.add_argument("--crash-everywhere", action="store_true", help="crash at every point, one after the other")
    parser.add_argument("--profile", help="with --seed or --seeds: this profile, whatever the seed has")
    parser.add_argument("--seeds", type=int, help="that many seeds of each kind")
    parser.add_argument("--start", type=int, default=0, help="the first seed")
    parser.add_argument("--mutant", metavar="NAME", help="with --seed: with this guard switched off")
    parser.add_argument("--mutants", type=int, metavar="N", help="each guard off, until N seeds have noticed it")
    options = parser.parse_args(arguments)
    if options.mutants:
        return 0 if report_mutants(hunt_all(options.mutants, kinds=options.kind or "")) else 1
    kinds = [Kind(options.kind)] if options.kind else list(KINDS)
    changes = (("profile", options.profile),) if options.profile else ()
    if options.seed is not None and not options.crash_everywhere:
        if options.mutant:
            changes += (*tuple(MUTANTS[options.mutant].changes.items()), ("mutant", options.mutant))
        return _show(kinds[0], options.seed, options.crash, dict(changes))
    if options.seed is not None:
        jobs = [Job(kind, options.seed, changes, everywhere=True) for kind in kinds]
        return _report({"crashed everywhere": run_jobs(jobs, processes=1)})
    if options.seeds is not None:
        seeds = range(options.start, options.start + options.seeds)
        return _report(
            {
                kind: run_jobs([Job(kind, seed, changes, everywhere=options.crash_everywhere) for seed in seeds])
                for kind in kinds
            }
        )
    parts = {}
    for kind in kinds:
        parts[f"{kind}, seeds"] = run_jobs([Job(kind, seed) for seed in range(GATE_SEEDS)])
        parts[f"{kind}, crashes"] = run_jobs([Job(kind, seed, everywhere=True) for seed in range(GATE_EVERYWHERE)])
    return _report(parts)


def hunt_all(wanted: int, *, kinds: str = "", most: int = 400) -> list[Hunt]:
    """Every mutant with every kind of processor that its guard stands in the way of."""
    jobs = [
        (name, kind, wanted, most)
        for name, each in MUTANTS.items()
        for kind in each.kinds
        if not kinds or kind in kinds
    ]
    return run_hunts(jobs)


def report_mutants(hunts: list[Hunt]) -> bool:
    """Print what noticed each; False where a mutant survived with one of its kinds."""
    survivors = 0
    for each in hunts:
        survivors += not each.seeds
        seeds = " ".join(map(str, each.seeds)) or f"SURVIVED {each.tried} histories"
        print(f"{each.mutant} {each.kind} {seeds}    # {each.why}", flush=True)
    print(f"{len({each.mutant for each in hunts})} mutants, {len(hunts)} with their kinds, {survivors} survived")
    return not survivors


def _show(kind: Kind, seed: int, crash: int, changes: dict[str, object]) -> int:
    stage = get_stage()
    if crash:
        changes |= {"crash_rate": 0.0, "crash_at": frozenset({crash})}
    plan = make_plan(kind, seed, **changes)
    result = History(stage.database, stage.world, plan, trace=True).run()
    print(plan)
    print("\n".join(result.lines))
    for each in result.violations:
        print(f"VIOLATION: {each}")
    print(f"{result.captures} captures, {result.crashes} crashes, {len(result.violations)} violations")
    return 1 if result.violations else 0


def _report(parts: dict[str, Figures]) -> int:
    failed: list[Result] = []
    for name, figures in parts.items():
        print(f"{name}: {figures.line()}", flush=True)
        failed += figures.failed
    for result in failed[:40]:
        crash = f" --crash {result.crash_at}" if result.crash_at else ""
        print(f"VIOLATION ./run faults --kind {result.kind} --seed {result.seed}{crash}: {result.violations[0]}")
    return 1 if failed else 0
