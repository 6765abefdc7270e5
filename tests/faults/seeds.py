"""Seeds that once found something. They stay, and run on every change."""

from __future__ import annotations

from typing import Any

from tests.faults.runs import Job

#: Kind, seed, what was changed of its plan, and what it found.
KEPT: tuple[tuple[str, int, dict[str, Any], str], ...] = (
    ("K", 3, {"profile": "void"}, "an e-mail of a voided invoice waited for ever after its sender had died"),
    ("K", 1, {"network_rate": 0.45, "crash_rate": 0.03}, "a bank check whose answer was lost was never shown"),
    ("K", 8, {"network_rate": 0.45, "crash_rate": 0.03}, "the same, with the payer away"),
    (
        "K",
        2,
        {"profile": "restore", "pays_again": False},
        "two workers used up the tries of a notice before a person could hear of it",
    ),
    ("O", 4, {"profile": "restore", "pays_again": False}, "the same with one call that charges"),
    ("K", 25, {"profile": "restore"}, "a restore went on without a clear answer to a fence"),
    ("H", 43, {"profile": "restore"}, "the same with a page of the processor's own"),
    ("K", 8, {"profile": "mixup", "crash_rate": 0.0}, "an accepted charge of another amount, and no review of it"),
    ("N", 204, {}, "a look-up from before the charge was listed asked a person about a sound payment"),
    ("N", 254, {}, "the same, from the payment's own request"),
    (
        "N",
        7174,
        {"profile": "refund"},
        "the desk gave back what somebody had given back in the processor's pages before any notice of it",
    ),
    ("N", 7109, {"profile": "refund"}, "the same"),
    ("N", 7119, {"profile": "refund"}, "the simulated list hid an old charge again, and it was closed as failed"),
    (
        "N",
        5,
        {"profile": "outage", "outlasts": True},
        "a late charge that was refunded at the processor could be neither accepted nor closed as unpaid",
    ),
    ("N", 7362, {"profile": "refund"}, "a refund that failed after its service was paid again"),
    ("K", 3_001_079, {}, "a late charge, half refunded and half lost in a dispute, could never be closed"),
    ("N", 3_000_423, {"is_later": True}, "a refund that failed after its line was voided (the judge's own slip)"),
    (
        "H",
        3_001_009,
        {"is_later": True},
        "the person did not wait for the end of a dispute (the simulation's own slip)",
    ),
    ("K", 3_001_042, {"is_later": True}, "a charge that was known to be dead came alive, and a person is asked"),
    ("K", 3_000_546, {"is_later": True}, "a refund that was known to be dead was done after all"),
    (
        "O",
        3_001_123,
        {"is_later": True},
        "judged between a late charge and the sweep after it (the simulation's own slip)",
    ),
    ("K", 1_002_622, {}, "accepted, then declined while the look-up after it hung: a person was asked for nothing"),
    ("K", 1_006_786, {}, "the same"),
    ("O", 1_007_423, {}, "the same with one call that charges"),
    ("O", 1_004_279, {}, "a refund without an answer for 72 hours could never be settled again"),
    ("O", 1_005_374, {}, "a refund's own answer, older than the news that it came back, left it without an end"),
)


def kept_jobs() -> list[Job]:
    return [Job(kind, seed, tuple(changes.items())) for kind, seed, changes, _what in KEPT]
