"""Guards of refunds."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import replace
from typing import Any
from unittest.mock import patch

from paywell.processors.contract import Verdict
from tests.faults.mutants.registry import mutant, put


@mutant(
    "a refund is decided and written in one transaction", "N", profile="refund", crash_rate=0.0, network_rate=0.0
)
def refund_checked_before(stack: ExitStack) -> None:
    from paywell.core.db import phase
    from paywell.payments import refunds
    from paywell.payments.models import Attempt

    original = refunds._place

    def place(viewer: Any, attempt_id: Any, amount: Any, reason: str, processor: Any, refund_id: Any) -> Any:
        with phase():
            attempt = Attempt.objects.get(pk=attempt_id)
            refunds_check(attempt, amount, processor)
        return original(viewer, attempt_id, amount, reason, processor, refund_id)

    refunds_check = refunds._refuse_unless_refundable
    # For the whole history: patched around one call, it would stay so where two of them overlap.
    put(stack, "paywell.payments.refunds._refuse_unless_refundable", lambda *arguments: None)
    put(stack, "paywell.payments.refunds._place", place)


@mutant("each refund has a key of its own", "KOH", profile="refund", crash_rate=0.0, network_rate=0.0)
def refund_key_from_amount(stack: ExitStack) -> None:
    from paywell.payments import orders

    original = orders.refund_order

    def refund_order(refund: Any, attempt: Any) -> Any:
        return replace(original(refund, attempt), key=f"{attempt.id}:{refund.amount_minor}")

    put(stack, "paywell.payments.refunds.refund_order", refund_order)


@mutant("a refund's row is committed before the call", profile="refund", crash_rate=0.03, database_rate=0.06)
def refund_recorded_after(stack: ExitStack) -> None:
    from paywell.payments import refunds
    from paywell.payments.models import Attempt, Refund

    def refund_payment(*, viewer: Any, attempt: Any, amount: Any, reason: str) -> Any:
        attempt = Attempt.objects.select_related("processor_account").get(pk=attempt.pk)
        processor = refunds.processor_accounts.make_processor(attempt.processor_account)
        refunds._refuse_unless_refundable(attempt, amount, processor)
        ghost = Refund(amount_minor=amount.minor, currency=amount.currency)
        told = processor.refund(refunds.refund_order(ghost, attempt))
        refund, *_ = refunds._place(viewer, attempt.id, amount, reason, processor, ghost.id)
        Refund.objects.filter(pk=refund.pk).update(key=ghost.key, reference=ghost.reference)
        return refunds.settle_refund(refund_id=refund.id, told=told, said=refunds.RefundSaid.REFUND)

    put(stack, "paywell.payments.actions.refund_payment", refund_payment)


@mutant("a refund that the processor tells of is ours if it has our reference", profile="refund", network_rate=0.3)
def refunds_not_matched(stack: ExitStack) -> None:
    put(stack, "paywell.payments.settle_refunds._find", lambda refunds, told: None)


@mutant("a refund without an answer is not a failed one", profile="refund", network_rate=0.45)
def refund_timeout_is_failure(stack: ExitStack) -> None:
    from paywell.payments.models import RefundState
    from paywell.payments.refund_machine import _MOVES

    stack.enter_context(patch.dict(_MOVES[RefundState.SENDING], {Verdict.UNKNOWN: RefundState.FAILED}))


@mutant("what was refunded in the processor's pages is heard of before more is given back", "N", profile="refund")
def refund_unheard(stack: ExitStack) -> None:
    put(stack, "paywell.payments.refunds._bring_up_to_date", lambda attempt, processor: None)


@mutant("a refund that fails late gives a line no more than it still owes", "OH", profile="refund")
def late_refund_over_line(stack: ExitStack) -> None:
    def all_open(attempt: Any, line_ids: Any) -> Any:
        return dict.fromkeys(line_ids, 10**9)

    put(stack, "paywell.payments.booking._get_owed_and_unclaimed", all_open)
