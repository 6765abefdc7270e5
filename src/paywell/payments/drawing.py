"""The state graph of `payments.machine` as a page of documentation. A test keeps the page up to date."""

from __future__ import annotations

from paywell.payments import machine
from paywell.payments.machine import Effect, Said
from paywell.payments.models import AttemptState

_HEAD = """# The states of a payment

Drawn by `paywell draw_machine` from `src/paywell/payments/machine.py`; don't edit it by hand.

An arrow is labeled with the call that was answered and the verdict. Answers that leave the state as it is are
in the table below; whatever is in neither is refused: it is noted as an event and changes nothing.

"""


def draw() -> str:
    """The whole page, in Markdown with a Mermaid diagram."""
    return _HEAD + _diagram() + "\n" + _table()


def _diagram() -> str:
    arrows: dict[tuple[str, str], list[str]] = {
        (AttemptState.CREATED, AttemptState.SUBMITTING): ["our lease"],
    }
    for said, rows in machine.GRAPH.items():
        for state, row in rows.items():
            for verdict, transition in row.items():
                if transition.to != state:
                    arrows.setdefault((state, transition.to), []).append(f"{said}: {verdict}")
    for open_state in machine.OPEN:
        arrows.setdefault((open_state, AttemptState.IN_REVIEW), []).append("contradiction, or 72 hours")
    lines = ["```mermaid", "stateDiagram-v2", "    [*] --> created"]
    for (before, after), labels in sorted(arrows.items()):
        lines.append(f"    {before} --> {after}: {_shorten(labels)}")
    lines += [f"    {state} --> [*]" for state in sorted(machine.CLOSED)]
    return "\n".join([*lines, "```", ""])


def _shorten(labels: list[str]) -> str:
    """Calls with the same verdict in one word each, so that an arrow can be read."""
    by_verdict: dict[str, list[str]] = {}
    for label in labels:
        said, _, verdict = label.partition(": ")
        by_verdict.setdefault(verdict, []).append(said.replace("_", " "))
    return "<br>".join(
        f"{verdict.replace('_', ' ')} ({', '.join(said)})" if verdict else said[0]
        for verdict, said in by_verdict.items()
    )


def _table() -> str:
    lines = ["| State | Answer | What happens |", "| --- | --- | --- |"]
    for state in AttemptState:
        for said in Said:
            row = machine.GRAPH[said].get(state, {})
            for effect, words in _EFFECTS.items():
                verdicts = [v for v, t in row.items() if t.to == state and t.effect is effect]
                if verdicts:
                    names = ", ".join(f"`{verdict}`" for verdict in sorted(verdicts))
                    lines.append(f"| `{state}` | {said.replace('_', ' ')}: {names} | {words} |")
    return "\n".join([*lines, ""])


_EFFECTS = {
    Effect.NONE: "stays",
    Effect.SUSPEND: "stays; the money goes to suspense, a review is opened",
    Effect.REVIEW: "stays; a review is opened",
}
