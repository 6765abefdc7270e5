"""Whether a success that a processor reports is one: its money, its references, its mode."""

from __future__ import annotations

from paywell.payments.models import Attempt
from paywell.processors.contract import Outcome, Verdict
from paywell.processors.guard import LOWERED


def find_objection(attempt: Attempt, truth: Outcome) -> str:
    """Why this success can't be that of the attempt; empty where it can, and for every other verdict.

    Another amount than ordered is none: it is ours, it is booked as it is, and a person looks at it.
    """
    if truth.verdict is not Verdict.SUCCEEDED:
        return ""
    if truth.live_mode is not None and truth.live_mode != attempt.processor_account.live_mode:
        return "other_mode"
    if truth.money is None or truth.money.minor <= 0 or not truth.processor_ref or not truth.reference:
        return "incomplete"
    if truth.reference != attempt.reference:
        return "other_reference"
    if truth.money.currency != attempt.currency:
        return "other_currency"
    if attempt.processor_ref and truth.processor_ref != attempt.processor_ref:
        return "second_charge"
    return ""


def is_half_a_success(truth: Outcome) -> bool:
    """Whether the guard lowered a success that lacked amount or reference: not believed, but a person hears."""
    return truth.verdict is Verdict.UNKNOWN and truth.detail.startswith(LOWERED)
