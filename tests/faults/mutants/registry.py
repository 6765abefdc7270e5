"""What a mutant is, and how one is switched on for the time of a history."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any
from unittest.mock import patch

from paywell.payments.models import AttemptState
from paywell.processors.contract import Verdict

Apply = Callable[[ExitStack], None]


@dataclass(frozen=True)
class Mutant:
    """One guard taken away. `kinds` and `changes`: the histories that are bent on showing it."""

    name: str
    guard: str
    apply: Apply
    kinds: str = "KNOH"
    changes: dict[str, Any] = field(default_factory=dict)


MUTANTS: dict[str, Mutant] = {}


def mutant(guard: str, kinds: str = "KNOH", **changes: Any) -> Callable[[Apply], Apply]:
    def add(apply: Apply) -> Apply:
        name = apply.__name__
        MUTANTS[name] = Mutant(name, guard, apply, kinds, changes)
        return apply

    return add


@contextmanager
def switched_off(name: str) -> Iterator[None]:
    """Within the block the guard is gone."""
    with ExitStack() as stack:
        if name:
            MUTANTS[name].apply(stack)
        yield


def put(stack: ExitStack, target: str, value: Any) -> None:
    stack.enter_context(patch(target, value))


def change_cell(
    stack: ExitStack, said: str, state: AttemptState, verdict: Verdict, to: AttemptState, effect: str = "NONE"
) -> None:
    """Change one cell of the state graph."""
    from paywell.payments import machine

    row = machine.GRAPH[machine.Said(said)][state]
    stack.enter_context(patch.dict(row, {verdict: machine.Transition(to, machine.Effect[effect])}))
