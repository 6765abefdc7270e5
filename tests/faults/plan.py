"""What a seed means: which troubles a history has, and how often. Each seed has some and not others."""

from __future__ import annotations

import random
from dataclasses import dataclass, replace
from typing import Any

from tests.faults.network import INFLIGHT_S
from tests.faults.processor import Kind

#: Rare troubles need histories that are bent on them: uniform seeds hardly meet them.
PROFILES = ("plain", "clicks", "family", "void", "refund", "dispute", "late", "cards", "restore", "outage")


@dataclass(frozen=True, slots=True)
class Plan:
    kind: Kind
    seed: int
    profile: str
    network_rate: float = 0.0
    database_rate: float = 0.0
    mail_rate: float = 0.0
    crash_rate: float = 0.0
    notice_loss: float = 0.1
    has_notices: bool = True
    has_returns: bool = True  #: browsers come back from the processor's page
    has_sweep: bool = True
    has_reconciler: bool = True
    mail_is_down: bool = False
    may_stand_still: bool = False
    is_later: bool = False  #: requests arrive later than anybody promised
    workers: int = 1
    first_sweep_s: float = 1800.0
    list_lag_s: float = 0.0
    skew_s: float = 0.0
    pays_again: bool = False  #: after a restore the payers find their services open and come back
    outlasts: bool = False  #: an outage that is longer than payments are looked up
    ends_while_charged: bool = False  #: the payer ends the agreement in the tenth of a second of a charge
    crash_at: frozenset[int] = frozenset()
    mutant: str = ""  #: the guard that is switched off (`mutants.py`)


def make_plan(kind: Kind, seed: int, **changes: Any) -> Plan:
    """The plan of a seed; `changes` override single parts of it."""
    draw = random.Random(f"{kind}:{seed}:plan")
    asked = {name for name, value in changes.items() if value is not None}
    profile = changes.pop("profile", None) or PROFILES[seed % len(PROFILES)]
    rough = draw.random()
    plan = Plan(
        kind=kind,
        seed=seed,
        profile=profile,
        network_rate=draw.choice((0.0, 0.1, 0.25, 0.45)),
        database_rate=draw.choice((0.0, 0.0, 0.02, 0.06)),
        mail_rate=draw.choice((0.0, 0.0, 0.4)),
        crash_rate=draw.choice((0.0, 0.0, 0.01, 0.03)),
        notice_loss=draw.choice((0.0, 0.1, 0.5)),
        has_notices=draw.random() > 0.12,
        has_returns=draw.random() > 0.12,
        mail_is_down=draw.random() < 0.04,
        may_stand_still=draw.random() < 0.3,
        workers=draw.choice((1, 1, 2)),
        first_sweep_s=draw.uniform(30, 3600),
        list_lag_s=draw.choice((0.0, 60.0, 600.0)) if kind is Kind.N else 0.0,
        skew_s=draw.choice((0.0, 0.0, 0.0, -600.0, 600.0)),
        pays_again=draw.random() < 0.7,
        outlasts=draw.random() < 0.2,
    )
    if "profile" not in asked and profile in ("plain", "cards") and kind is not Kind.H and draw.random() < 0.12:
        plan = replace(plan, profile="autopay")
    if rough < 0.05:  # all is well: nothing may go to a person then
        plan = replace(
            plan, network_rate=0.0, database_rate=0.0, mail_rate=0.0, crash_rate=0.0, mail_is_down=False,
            may_stand_still=False, notice_loss=0.0, skew_s=0.0,
        )  # fmt: skip
    return replace(plan, **changes) if changes else plan


__all__ = ["INFLIGHT_S", "PROFILES", "Plan", "make_plan"]
