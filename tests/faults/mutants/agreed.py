"""Guards of charges that a payer agreed to."""

from __future__ import annotations

from contextlib import ExitStack

from tests.faults.mutants.registry import mutant, put


@mutant("what came of a try is written down", "KNO", profile="autopay")
def try_not_concluded(stack: ExitStack) -> None:
    from paywell.agreements.models import Charge

    put(stack, "paywell.agreements.charging.conclude", lambda charge_id, attempt: Charge.objects.get(pk=charge_id))


@mutant(
    "the payment asks once more, within its own first transaction, whether it is agreed", "KNO",
    profile="autopay", crash_rate=0.0, ends_while_charged=True,
)  # fmt: skip
def not_asked_again(stack: ExitStack) -> None:
    put(stack, "paywell.agreements.charging._still_agreed", lambda agreement_id: None)
