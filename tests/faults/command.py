"""The command `./run faults`."""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence

from tests.faults.figures import write_figures
from tests.faults.history import History, Result
from tests.faults.mutants import MUTANTS
from tests.faults.mutating import Hunt, read_known
from tests.faults.plan import make_plan
from tests.faults.processor import Kind
from tests.faults.runs import Figures, Job, run_hunts, run_jobs
from tests.faults.seeds import kept_jobs
from tests.faults.stage import get_stage

KINDS = tuple(Kind)
#: The gate of every change: seeds of each kind, and seeds that are crashed at each of their points.
GATE_SEEDS, GATE_EVERYWHERE = 1000, 25
NIGHTLY_SEEDS, NIGHTLY_EVERYWHERE, NIGHTLY_LATER = 10_000, 300, 1500
#: Of each kind: seeds, and histories of each that are crashed at two points.
NIGHTLY_TWICE = (250, 20)
#: Restores to a random moment, of each kind, before a release.
RELEASE_RESTORES = 200


def main(arguments: Sequence[str]) -> int:
    options = _read(arguments)
    kinds = [Kind(options.kind)] if options.kind else list(KINDS)
    changes = (("profile", options.profile),) if options.profile else ()
    if options.mutants:
        return 0 if report_mutants(hunt_all(options.mutants, kinds, only=options.mutant)) else 1
    if options.known_mutants:
        return 0 if report_mutants(hunt_known()) else 1
    if options.seed is not None and not options.crash_everywhere:
        if options.mutant:
            changes = (*changes, *MUTANTS[options.mutant].changes.items(), ("mutant", options.mutant))
        return _show(kinds[0], options.seed, options.crash, dict(changes), after=options.after)
    if options.seed is not None:
        jobs = [Job(kind, options.seed, changes, everywhere=True) for kind in kinds]
        return _report({"crashed everywhere": run_jobs(jobs, processes=1)})
    if options.kept:
        return _report({"kept seeds": run_jobs(kept_jobs())})
    if options.seeds is not None:
        return _report(_seeds_of(kinds, options.start, options.seeds, changes, everywhere=options.crash_everywhere))
    if options.nightly:
        return _nightly(kinds, share=options.share)
    if options.release:
        return _release(kinds, share=options.share)
    return _gate(kinds, write=options.write, share=options.share)


def _read(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="./run faults",
        description="The payment path under every fault. Without options: the gate of a change.",
    )
    parser.add_argument("--kind", choices=[*KINDS], help="only this kind of processor")
    parser.add_argument("--seed", type=int, help="one history, printed step by step")
    parser.add_argument(
        "--crash",
        type=int,
        nargs="+",
        default=[],
        metavar="POINT",
        help="with --seed: crash at that point, or at two",
    )
    parser.add_argument(
        "--after", type=int, default=0, metavar="N", help="with --seed: after the N seeds before it"
    )
    parser.add_argument("--crash-everywhere", action="store_true", help="crash at every point, one after the other")
    parser.add_argument("--profile", help="with --seed or --seeds: this profile, whatever the seed has")
    parser.add_argument("--seeds", type=int, help="that many seeds of each kind")
    parser.add_argument("--start", type=int, default=0, help="the first seed")
    parser.add_argument("--kept", action="store_true", help="the seeds that once found something")
    parser.add_argument("--mutant", metavar="NAME", help="with --seed or --mutants: this guard switched off")
    parser.add_argument("--mutants", type=int, metavar="N", help="each guard off, until N seeds have noticed it")
    parser.add_argument(
        "--known-mutants", action="store_true", help="each guard off, with a seed known to notice it"
    )
    parser.add_argument("--share", type=float, default=1.0, help="of the gate's size, for a slow machine")
    parser.add_argument("--write", action="store_true", help="put the gate's figures into docs/reliability.md")
    parser.add_argument("--nightly", action="store_true", help="the long run; with PAYWELL_TEST_DATABASE_URL there")
    parser.add_argument("--release", action="store_true", help="real kills, on both databases")
    return parser.parse_args(arguments)


def _seeds_of(
    kinds: Sequence[Kind],
    start: int,
    number: int,
    changes: tuple[tuple[str, object], ...] = (),
    *,
    everywhere: bool,
) -> dict[str, Figures]:
    seeds = range(start, start + number)
    what = "crashed everywhere" if everywhere else "seeds"
    return {
        f"{kind}, {what}": run_jobs([Job(kind, seed, changes, everywhere=everywhere) for seed in seeds])
        for kind in kinds
    }


def _gate(kinds: Sequence[Kind], *, write: bool, share: float) -> int:
    """G1 and G2, the kept seeds, and every mutant by the seed that is known to notice it."""
    parts = _seeds_of(kinds, 0, max(1, int(GATE_SEEDS * share)), everywhere=False)
    parts |= _seeds_of(kinds, 0, max(1, int(GATE_EVERYWHERE * share)), everywhere=True)
    parts["kept seeds"] = run_jobs(kept_jobs())
    failed = _report(parts)
    hunts = hunt_known()
    survived = not report_mutants(hunts)
    if write and not failed and not survived:
        write_figures(parts, hunts, share=share)
    return 1 if failed or survived else 0


def _nightly(kinds: Sequence[Kind], *, share: float) -> int:
    """G5 to G9: many seeds, one crash and two, requests later than promised, no notices or returns, all mutants."""

    def some(number: int) -> int:
        return max(1, int(number * share))

    parts = _seeds_of(kinds, 1_000_000, some(NIGHTLY_SEEDS), everywhere=False)
    parts |= _seeds_of(kinds, 2_000_000, some(NIGHTLY_EVERYWHERE), everywhere=True)
    seeds, pairs = NIGHTLY_TWICE
    for kind in kinds:
        twice = [Job(kind, 2_500_000 + number, twice=pairs) for number in range(some(seeds))]
        parts[f"{kind}, crashed twice"] = run_jobs(twice)
    for name, change in (("later", ("is_later", True)), ("no notices", ("has_notices", False))):
        for kind in kinds:
            jobs = [Job(kind, 3_000_000 + number, (change,)) for number in range(some(NIGHTLY_LATER))]
            parts[f"{kind}, {name}"] = run_jobs(jobs)
    jobs = [Job("H", 4_000_000 + number, (("has_returns", False),)) for number in range(some(NIGHTLY_LATER))]
    parts["H, no returns"] = run_jobs(jobs)
    failed = _report(parts)
    return 1 if not report_mutants(hunt_all(3, kinds)) or failed else 0


def _release(kinds: Sequence[Kind], *, share: float) -> int:
    """Restores to random moments, the processor ahead; real processes, SIGKILL and an upgrade on both databases."""
    import subprocess
    import sys

    restores = max(1, int(RELEASE_RESTORES * share))
    parts = {
        f"{kind}, restored": run_jobs(
            [Job(kind, 5_000_000 + number, (("profile", "restore"),)) for number in range(restores)]
        )
        for kind in kinds
    }
    if _report(parts):
        return 1
    for database in ("sqlite", "postgresql"):
        for what in (["sigkill", "--kills", str(max(1, int(1000 * share)))], ["upgrade"]):
            done = subprocess.run(
                [sys.executable, "-m", f"tests.concurrency.{what[0]}", *what[1:], "--database", database],
                env=os.environ | {"DJANGO_SETTINGS_MODULE": "paywell.config.settings.test"},
                check=False,
            )
            if done.returncode:
                return done.returncode
    return 0


def hunt_all(wanted: int, kinds: Sequence[Kind], *, only: str | None = None, most: int = 400) -> list[Hunt]:
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


def _show(kind: Kind, seed: int, crash: Sequence[int], changes: dict[str, object], *, after: int) -> int:
    stage = get_stage()
    for earlier in range(seed - after, seed):
        History(stage.database, stage.world, make_plan(kind, earlier, **changes)).run()
    if crash:
        changes |= {"crash_rate": 0.0, "crash_at": frozenset(crash)}
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
        crash = f" --crash {' '.join(map(str, result.crash_at))}" if result.crash_at else ""
        print(f"VIOLATION ./run faults --kind {result.kind} --seed {result.seed}{crash}: {result.violations[0]}")
    return 1 if failed else 0
