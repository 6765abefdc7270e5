"""What the upgrade under load calls well. The run itself takes minutes: `python -m tests.concurrency.upgrade`."""

from __future__ import annotations

from typing import Any

import pytest

from tests.concurrency.upgrade import LONGEST_S, is_well

WELL: dict[str, Any] = {
    "stuck": [], "charged_twice": 0, "claims": 0, "offences": [], "unasked": [], "errors_shown": 0, "no_answer": 0,
    "tracebacks": [], "charges": 400, "longest_s": LONGEST_S,
}  # fmt: skip


def test_f70_an_upgrade_without_a_loss_is_well() -> None:
    assert is_well(WELL)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("longest_s", LONGEST_S + 0.01), ("no_answer", 1), ("errors_shown", 1), ("charged_twice", 1), ("claims", 1),
        ("offences", ["law 3"]), ("unasked", ["acct"]), ("tracebacks", ["web"]), ("stuck", ["events"]),
        ("charges", 0),
    ],
)  # fmt: skip
def test_f70_and_each_single_loss_is_not(name: str, value: object) -> None:
    assert not is_well(WELL | {name: value})
