"""Writes what the gate measured into `docs/reliability.md`, between two marks."""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.faults.mutating import Hunt
from tests.faults.runs import Figures, get_processes

PAGE = Path(__file__).resolve().parents[2] / "docs" / "reliability.md"
BEGIN, END = "<!-- figures of ./run faults -->", "<!-- end of the figures -->"


def write_figures(parts: Mapping[str, Figures], hunts: Sequence[Hunt], *, share: float) -> None:
    """Replace the section between the marks. Raises ValueError where they are missing."""
    page = PAGE.read_text(encoding="utf-8")
    before, _, rest = page.partition(BEGIN)
    _, mark, after = rest.partition(END)
    if not mark:
        raise ValueError(f"{PAGE} has no place for the figures.")
    PAGE.write_text(f"{before}{BEGIN}\n{draw(parts, hunts, share=share)}\n{END}{after}", encoding="utf-8")


def draw(parts: Mapping[str, Figures], hunts: Sequence[Hunt], *, share: float) -> str:
    rows = [
        "| Run | histories | crashed once | captures | faults | violations | recovery: median, longest | per s |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for name, each in parts.items():
        rate = each.histories / each.took_s if each.took_s else 0.0
        rows.append(
            f"| {name} | {each.histories:,} | {each.points:,} | {each.captures:,} | {each.faults:,} | "
            f"{len(each.failed)} | {each.median_s:.0f} s / {each.longest_s:.0f} s | {rate:.1f} |"
        )
    histories = sum(each.histories for each in parts.values())
    killed = {each.mutant for each in hunts if each.seeds}
    rows += [
        "",
        f"Written by `./run faults --write --share {share:g}`, which is {share:.0%} of the gate: {histories:,} "
        f"histories on Python {platform.python_version()}, {get_processes()} processes on {os.cpu_count()} cores "
        f"at a load of {os.getloadavg()[1]:.0f}. With n histories and nothing found, the 95 % bound is 3/n: "
        f"{300 / max(histories, 1):.3f} %. Mutants noticed: "
        f"{len(killed)} of {len({each.mutant for each in hunts})}.",
    ]
    return "\n".join(rows)
