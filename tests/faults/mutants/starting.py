"""Guards of starting a payment, and of voiding and fencing beside it."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import replace
from typing import Any
from unittest.mock import patch

from paywell.payments.models import AttemptState as S
from paywell.processors.contract import Outcome, Verdict
from tests.faults.mutants.registry import change_cell, mutant, put


@mutant("an invoice line is claimed by one open payment", profile="clicks", crash_rate=0.0)
def no_claim(stack: ExitStack) -> None:
    from paywell.payments import settle, start

    class Nothing:
        def __init__(self, **fields: Any) -> None: ...

        class objects:
            @staticmethod
            def bulk_create(rows: Any) -> None: ...

    put(stack, "paywell.payments.choose._get_holders", lambda practice_id, line_ids: {})
    stack.enter_context(patch.object(start, "Claim", Nothing))
    assert settle.Claim is not Nothing


@mutant("the attempt's row is committed before the processor is called", "KNO", crash_rate=0.03)
def record_after_charge(stack: ExitStack) -> None:
    from paywell.core.db import phase
    from paywell.payments import start
    from paywell.payments.models import Attempt
    from paywell.payments.settle import Answer
    from paywell.processors.contract import ChargeOrder, Submission

    def start_payment(*, viewer: Any, form: Any) -> Any:
        form = start._clean(form)
        account = start.processor_accounts.get_active(viewer.practice.id)
        with phase():
            if Attempt.objects.filter(pk=form.attempt_id).exists():
                return Attempt.objects.get(pk=form.attempt_id)
            chosen = start.choose_lines(viewer, form)
        if any(each.held_by for each in chosen):
            raise start.errors.being_paid()
        ghost = Attempt(id=form.attempt_id, practice_id=viewer.practice.id)
        total = sum((each.share for each in chosen[1:]), start=chosen[0].share)
        processor = start.processor_accounts.make_processor(account)
        order = ChargeOrder(
            ghost.reference, total, ghost.open_key, ghost.submit_key, "", "", "", created_at=start.clock.now()
        )
        opened = processor.open(order)
        order = replace(order, processor_ref=opened.processor_ref)
        answers = start._submit(processor, order, Submission(form.card_token))
        placed = start._place(viewer, form, account)
        Attempt.objects.filter(pk=placed.attempt.pk).update(
            reference=ghost.reference, open_key=ghost.open_key, submit_key=ghost.submit_key, state=S.SUBMITTING,
            processor_ref=opened.processor_ref,
        )  # fmt: skip
        return start._settle_or_leave(placed.attempt, [Answer(each.outcome, each.cause) for each in answers])

    put(stack, "paywell.payments.actions.start_payment", start_payment)


@mutant("no call inside a transaction, each phase commits by itself")
def one_transaction(stack: ExitStack) -> None:
    from django.db import transaction

    from paywell.payments import start

    original = start.start_payment

    def start_payment(*, viewer: Any, form: Any) -> Any:
        with transaction.atomic():
            return original(viewer=viewer, form=form)

    for module in ("start", "settle", "settle_refunds", "reviews"):
        put(stack, f"paywell.payments.{module}.phase", transaction.atomic)
    put(stack, "paywell.processors.guard._refuse_in_transaction", lambda call: None)
    put(stack, "paywell.payments.actions.start_payment", start_payment)


@mutant("the same form finds the same attempt", profile="clicks")
def no_form_id(stack: ExitStack) -> None:
    class Never:
        def first(self, **arguments: Any) -> None: ...

    put(stack, "paywell.payments.start._ATTEMPT", Never())


@mutant("the same form with other content is an error", profile="clicks", crash_rate=0.0)
def no_content_hash(stack: ExitStack) -> None:
    put(stack, "paywell.payments.start.hash_content", lambda form: "0" * 64)


@mutant(
    "one worker takes the lease before the call that moves money", "KNO", may_stand_still=True, network_rate=0.3
)
def no_lease_to_submit(stack: ExitStack) -> None:
    from paywell.payments import start
    from paywell.payments.models import Attempt

    def take(attempt: Any, opened: Outcome) -> bool:
        now = start.clock.now()
        before = Attempt.objects.get(pk=attempt.pk).state
        start.AttemptEvent.objects.create(
            practice_id=attempt.practice_id, attempt=attempt, at=now, from_state=before, to_state=S.SUBMITTING,
            cause="open", verdict=opened.verdict,
        )  # fmt: skip
        Attempt.objects.filter(pk=attempt.pk).update(
            state=S.SUBMITTING, processor_ref=opened.processor_ref, submitted_at=now, lease_until=now + start.LEASE,
            next_check_at=now + start.LEASE,
        )  # fmt: skip
        return True

    put(stack, "paywell.payments.start._take_lease_to_submit", take)


@mutant("a call that moves money is never repeated under a new key", "NO", network_rate=0.45)
def new_key_on_retry(stack: ExitStack) -> None:
    from paywell.core.ids import new_key
    from paywell.payments import start

    original = start._submit

    def submit(processor: Any, order: Any, submission: Any) -> Any:
        answers = original(processor, order, submission)
        if answers[0].outcome.verdict is Verdict.UNKNOWN:
            return original(processor, replace(order, submit_key=new_key()), submission)
        return answers

    put(stack, "paywell.payments.start._submit", submit)


@mutant("a time-out is unknown, never a failure", network_rate=0.45)
def timeout_is_failure(stack: ExitStack) -> None:
    put(stack, "paywell.processors.guard._verdict_for", lambda error, moves: Verdict.NOT_SENT)


@mutant("an unknown answer keeps the claim", "KNO", network_rate=0.45)
def unknown_is_failure(stack: ExitStack) -> None:
    change_cell(stack, "submit", S.SUBMITTING, Verdict.UNKNOWN, S.FAILED)


@mutant("only a look-up's success is one", "KO", profile="late", network_rate=0.1)
def submit_is_truth(stack: ExitStack) -> None:
    change_cell(stack, "submit", S.SUBMITTING, Verdict.SUCCEEDED, S.SUCCEEDED, "POST")


@mutant("what is not found has failed only after the grace period", "NO", network_rate=0.45, is_later=False)
def no_grace(stack: ExitStack) -> None:
    from paywell.payments import machine

    stack.enter_context(patch.object(machine, "GRACE_S", 0))


@mutant("a payment is canceled at the processor, never only here", "KNH", profile="late")
def local_cancel(stack: ExitStack) -> None:
    from paywell.payments.settle import settle

    def fence(*, attempt: Any, cause: str) -> Any:
        return settle(attempt_id=attempt.id, truth=Outcome(Verdict.CANCELED), cause=cause)

    for module in ("returning", "start", "reconcile", "sweep"):
        put(stack, f"paywell.payments.{module}.fence", fence)


@mutant("what lies reserved and unsubmitted is fenced", "KN", network_rate=0.45)
def no_fence_of_reserved(stack: ExitStack) -> None:
    put(stack, "paywell.payments.reconcile._lies_reserved", lambda attempt, verdict, has_step: False)


@mutant("the sweep fences what is alive there and closed here", "KNH", network_rate=0.45, crash_rate=0.03)
def no_fence_in_sweep(stack: ExitStack) -> None:
    put(stack, "paywell.payments.sweep._fence_if_alive", lambda attempt, told: False)


@mutant("an invoice is not voided while a payment holds its lines", profile="void", crash_rate=0.0)
def void_ignores_claim(stack: ExitStack) -> None:
    put(stack, "paywell.invoicing.actions.holds.any_held", lambda ids: False)
