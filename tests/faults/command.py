"""The command `./run faults`."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Iterator, Sequence

from tests.faults.elsewhere import run_on_postgresql
from tests.faults.figures import write_figures
from tests.faults.goals import GOALS, NIGHTLY, RELEASE, run_goals
from tests.faults.history import History
from tests.faults.mutants import MUTANTS
from tests.faults.plan import make_plan
from tests.faults.processor import Kind
from tests.faults.reporting import FLAGS, hunt_all, hunt_known, report, report_mutants
from tests.faults.runs import Figures, make_jobs, run_jobs
from tests.faults.seeds import kept_jobs
from tests.faults.stage import get_stage

KINDS = tuple(Kind)
#: The gate of every change: seeds of each kind, and seeds that are crashed at each of their points.
GATE_SEEDS, GATE_EVERYWHERE = 1000, 25


def main(arguments: Sequence[str]) -> int:
    options = _read(arguments)
    if options.postgresql:
        return run_on_postgresql([each for each in arguments if each != "--postgresql"])
    kinds = [Kind(options.kind)] if options.kind else list(KINDS)
    changes: tuple[tuple[str, object], ...] = (("profile", options.profile),) if options.profile else ()
    changes += tuple(change for change, flag in FLAGS.items() if flag in arguments)
    if options.mutants:
        return 0 if report_mutants(hunt_all(options.mutants, kinds, only=options.mutant)) else 1
    if options.known_mutants:
        return 0 if report_mutants(hunt_known()) else 1
    if options.seed is not None and not options.crash_everywhere:
        if options.mutant:
            changes = (*changes, *MUTANTS[options.mutant].changes.items(), ("mutant", options.mutant))
        return _show(kinds[0], options.seed, options.crash, dict(changes), after=options.after)
    if options.seed is not None:
        parts = _seeds_of(kinds, options.seed, 1, changes, everywhere=True)
        return 0 if report(parts) else 1
    if options.kept:
        return 0 if report([("kept seeds", run_jobs(kept_jobs()))]) else 1
    if options.seeds is not None:
        parts = _seeds_of(kinds, options.start, options.seeds, changes, everywhere=options.crash_everywhere)
        return 0 if report(parts) else 1
    goals = options.goal or (NIGHTLY if options.nightly else RELEASE if options.release else ())
    if goals:
        return 0 if run_goals(goals, kinds, options.share) else 1
    return _gate(kinds, write=options.write, share=options.share)


def _read(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="./run faults",
        description="The payment path under every fault. Without options: the gate of a change.",
    )
    parser.add_argument("--postgresql", action="store_true", help="there instead of on SQLite")
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
    for flag in FLAGS.values():
        parser.add_argument(flag, action="store_true", help="so in each of these histories, whatever the seed says")
    parser.add_argument("--seeds", type=int, help="that many seeds of each kind")
    parser.add_argument("--start", type=int, default=0, help="the first seed")
    parser.add_argument("--kept", action="store_true", help="the seeds that once found something")
    parser.add_argument("--mutant", metavar="NAME", help="with --seed or --mutants: this guard switched off")
    parser.add_argument("--mutants", type=int, metavar="N", help="each guard off, until N seeds have noticed it")
    parser.add_argument(
        "--known-mutants", action="store_true", help="each guard off, with a seed known to notice it"
    )
    parser.add_argument(
        "--share", type=float, default=1.0, help="of the gate's or the goals' size, for a slow machine"
    )
    parser.add_argument("--write", action="store_true", help="put the gate's figures into docs/reliability.md")
    parser.add_argument("--nightly", action="store_true", help="G5 to G9: most of an hour on two free cores")
    parser.add_argument("--release", action="store_true", help="G10 to G12: restores, an upgrade and real kills")
    parser.add_argument("--goal", nargs="+", choices=[*GOALS], help="only these of the nightly or release goals")
    return parser.parse_args(arguments)


def _seeds_of(
    kinds: Sequence[Kind],
    start: int,
    number: int,
    changes: tuple[tuple[str, object], ...] = (),
    *,
    everywhere: bool,
) -> Iterator[tuple[str, Figures]]:
    seeds = range(start, start + number)
    what = "crashed everywhere" if everywhere else "seeds"
    for kind in kinds:
        yield f"{kind}, {what}", run_jobs(make_jobs(kind, seeds, changes, everywhere=everywhere))


def _gate(kinds: Sequence[Kind], *, write: bool, share: float) -> int:
    """G1 and G2, the kept seeds, and every mutant by the seed that is known to notice it."""
    parts: dict[str, Figures] = {}
    clean = report(_kept_in(parts, _gate_parts(kinds, share)))
    hunts = hunt_known()
    noticed = report_mutants(hunts)
    if write and clean and noticed:
        write_figures(parts, hunts, share=share)
    return 0 if clean and noticed else 1


def _gate_parts(kinds: Sequence[Kind], share: float) -> Iterator[tuple[str, Figures]]:
    yield from _seeds_of(kinds, 0, max(1, int(GATE_SEEDS * share)), everywhere=False)
    yield from _seeds_of(kinds, 0, max(1, int(GATE_EVERYWHERE * share)), everywhere=True)
    yield "kept seeds", run_jobs(kept_jobs())


def _kept_in(kept: dict[str, Figures], parts: Iterable[tuple[str, Figures]]) -> Iterator[tuple[str, Figures]]:
    for name, figures in parts:
        kept[name] = figures
        yield name, figures


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
