"""Guards of the payment path, each switched off from outside: the simulation must notice every one.

A mutant is a patch of the product's modules for the time of a history. What it shows is that the guard is needed,
and that the oracle looks where it must. `EQUIVALENT` names guards that may go without harm, because another one
stands behind them, and says which.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from typing import Any
from unittest.mock import patch

from paywell.payments.models import AttemptState as S
from paywell.processors.contract import Disputed, Outcome, Verdict

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


def _set(stack: ExitStack, target: str, value: Any) -> None:
    stack.enter_context(patch(target, value))


def _row(stack: ExitStack, said: str, state: S, verdict: Verdict, to: S, effect: str = "NONE") -> None:
    """Change one cell of the state graph."""
    from paywell.payments import machine

    row = machine.GRAPH[machine.Said(said)][state]
    stack.enter_context(patch.dict(row, {verdict: machine.Transition(to, machine.Effect[effect])}))


# Starting a payment.


@mutant("an invoice line is claimed by one open payment", profile="clicks", crash_rate=0.0)
def no_claim(stack: ExitStack) -> None:
    from paywell.payments import settle, start

    class Nothing:
        def __init__(self, **fields: Any) -> None: ...

        class objects:
            @staticmethod
            def bulk_create(rows: Any) -> None: ...

    _set(stack, "paywell.payments.choose._get_holders", lambda practice_id, line_ids: {})
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

    _set(stack, "paywell.payments.actions.start_payment", start_payment)


@mutant("no call inside a transaction, each phase commits by itself")
def one_transaction(stack: ExitStack) -> None:
    from django.db import transaction

    from paywell.payments import start

    original = start.start_payment

    def start_payment(*, viewer: Any, form: Any) -> Any:
        with transaction.atomic():
            return original(viewer=viewer, form=form)

    for module in ("start", "settle", "settle_refunds", "reviews"):
        _set(stack, f"paywell.payments.{module}.phase", transaction.atomic)
    _set(stack, "paywell.processors.guard._refuse_in_transaction", lambda call: None)
    _set(stack, "paywell.payments.actions.start_payment", start_payment)


@mutant("the same form finds the same attempt", profile="clicks")
def no_form_id(stack: ExitStack) -> None:
    class Never:
        def first(self, **arguments: Any) -> None: ...

    _set(stack, "paywell.payments.start._ATTEMPT", Never())


@mutant("the same form with other content is an error", profile="clicks", crash_rate=0.0)
def no_content_hash(stack: ExitStack) -> None:
    _set(stack, "paywell.payments.start.hash_content", lambda form: "0" * 64)


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

    _set(stack, "paywell.payments.start._take_lease_to_submit", take)


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

    _set(stack, "paywell.payments.start._submit", submit)


@mutant("a time-out is unknown, never a failure", network_rate=0.45)
def timeout_is_failure(stack: ExitStack) -> None:
    _set(stack, "paywell.processors.guard._verdict_for", lambda error, moves: Verdict.NOT_SENT)


@mutant("an unknown answer keeps the claim", "KNO", network_rate=0.45)
def unknown_is_failure(stack: ExitStack) -> None:
    _row(stack, "submit", S.SUBMITTING, Verdict.UNKNOWN, S.FAILED)


@mutant("only a look-up's success is one", "KO", profile="late", network_rate=0.1)
def submit_is_truth(stack: ExitStack) -> None:
    _row(stack, "submit", S.SUBMITTING, Verdict.SUCCEEDED, S.SUCCEEDED, "POST")


@mutant("what is not found has failed only after the grace period", "NO", network_rate=0.45, is_later=False)
def no_grace(stack: ExitStack) -> None:
    from paywell.payments import machine

    stack.enter_context(patch.object(machine, "GRACE_S", 0))


# Fencing.


@mutant("a payment is canceled at the processor, never only here", "KNH", profile="late")
def local_cancel(stack: ExitStack) -> None:
    from paywell.payments.settle import settle

    def fence(*, attempt: Any, cause: str) -> Any:
        return settle(attempt_id=attempt.id, truth=Outcome(Verdict.CANCELED), cause=cause)

    for module in ("returning", "start", "reconcile", "sweep"):
        _set(stack, f"paywell.payments.{module}.fence", fence)


@mutant("what lies reserved and unsubmitted is fenced", "KN", network_rate=0.45)
def no_fence_of_reserved(stack: ExitStack) -> None:
    _set(stack, "paywell.payments.reconcile._lies_reserved", lambda attempt, verdict, has_step: False)


@mutant("the sweep fences what is alive there and closed here", "KNH", network_rate=0.45, crash_rate=0.03)
def no_fence_in_sweep(stack: ExitStack) -> None:
    _set(stack, "paywell.payments.sweep._fence_if_alive", lambda attempt, told: False)


@mutant("an invoice is not voided while a payment holds its lines", profile="void", crash_rate=0.0)
def void_ignores_claim(stack: ExitStack) -> None:
    _set(stack, "paywell.invoicing.actions.holds.any_held", lambda ids: False)


# Settling.


@mutant("a payment is posted once")
def posted_again(stack: ExitStack) -> None:
    from paywell.core.ids import new_key
    from paywell.payments import booking

    original = booking._post

    def post(attempt: Any, source: str, postings: Any, *, actor_id: Any = None) -> None:
        again = f"{source}:{new_key()[:8]}" if source.startswith("payment:") else source
        original(attempt, again, postings, actor_id=actor_id)

    _set(stack, "paywell.payments.booking._post", post)
    for said in ("look_up", "look_up_after_grace"):
        _row(stack, said, S.SUCCEEDED, Verdict.SUCCEEDED, S.SUCCEEDED, "POST")


@mutant("money that comes late goes to suspense and before a person", "O", is_later=True, network_rate=0.45)
def late_money_ignored(stack: ExitStack) -> None:
    for said in ("look_up", "look_up_after_grace"):
        for state in (S.FAILED, S.EXPIRED, S.CANCELED, S.DECLINED):
            _row(stack, said, state, Verdict.SUCCEEDED, state)


@mutant("amount, reference and mode of a success are compared with the order", profile="mixup", crash_rate=0.0)
def no_judge(stack: ExitStack) -> None:
    _set(stack, "paywell.payments.settle.find_objection", lambda attempt, outcome: "")


@mutant("receipts are written with the settlement")
def no_news(stack: ExitStack) -> None:
    from paywell.payments import settle

    stack.enter_context(patch.object(settle, "_NEWS", {}))


# Notices, recovery, sweep.


@mutant(
    "what a notice says is not believed",
    "KOH",
    profile="dispute",
    has_notices=True,
    has_sweep=False,
    notice_loss=0.0,
)
def notice_believed(stack: ExitStack) -> None:
    from paywell.core.money import Money
    from paywell.payments import noticing
    from paywell.payments.settle import settle

    def look(notice: Any, attempt: Any) -> Outcome:
        kind, *told = notice.kind.split(":")
        money = Money(attempt.amount_minor)
        disputes: tuple[Disputed, ...] = ()
        if kind == "dispute":
            disputes = (Disputed(told[0], Money(int(told[1])), Money(int(told[2])), told[3]),)
        verdict = Verdict.SUCCEEDED if kind in ("paid", "dispute") else Verdict.PENDING
        return Outcome(verdict, notice.charge_ref, notice.reference, money, disputes=disputes, live_mode=False)

    def settle_stored_notice(notice_id: Any) -> None:
        notice = noticing.StoredNotice.objects.get(pk=notice_id)
        attempt = noticing._find_attempt(notice)
        if attempt is not None and notice.done_at is None:
            settle(attempt_id=attempt.id, truth=look(notice, attempt), cause="notice")
        noticing.StoredNotice.objects.filter(pk=notice_id).update(done_at=noticing.clock.now())

    _set(stack, "paywell.payments.jobs.settle_stored_notice", settle_stored_notice)
    _set(stack, "paywell.payments.noticing.settle_stored_notice", settle_stored_notice)


@mutant("a notice of the other mode is refused", has_notices=True)
def notice_of_any_mode(stack: ExitStack) -> None:
    from paywell.payments import notices, processor_accounts

    def verify(account: Any, notice: Any) -> Any:
        return processor_accounts.make_processor(account).read_notice(notice)

    assert notices._verify is not verify
    _set(stack, "paywell.payments.notices._verify", verify)


@mutant("a return address must be signed", "H")
def any_return(stack: ExitStack) -> None:
    _set(stack, "paywell.payments.returning.is_return_signature", lambda attempt, signature: True)


@mutant("the reconciler looks again on its schedule", network_rate=0.3)
def no_reconciler(stack: ExitStack) -> None:
    _set(stack, "paywell.payments.jobs.reconcile_due", lambda: 0)


@mutant("the sweep compares the whole list", profile="dispute", notice_loss=0.5)
def no_sweep(stack: ExitStack) -> None:
    _set(stack, "paywell.payments.sweep.sweep_all", lambda: None)


@mutant("the reconciler gives the payer's unfinished step an end", "H")
def no_deadline(stack: ExitStack) -> None:
    from datetime import timedelta

    _set(stack, "paywell.payments.settle.STEP_VALID", timedelta(days=30))
    _set(stack, "paywell.payments.start.STEP_VALID", timedelta(days=30))


# Refunds.


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
        with patch.object(refunds, "_refuse_unless_refundable", lambda *arguments: None):
            return original(viewer, attempt_id, amount, reason, processor, refund_id)

    refunds_check = refunds._refuse_unless_refundable
    _set(stack, "paywell.payments.refunds._place", place)


@mutant("each refund has a key of its own", "KOH", profile="refund", crash_rate=0.0, network_rate=0.0)
def refund_key_from_amount(stack: ExitStack) -> None:
    from paywell.payments import orders

    original = orders.refund_order

    def refund_order(refund: Any, attempt: Any) -> Any:
        return replace(original(refund, attempt), key=f"{attempt.id}:{refund.amount_minor}")

    _set(stack, "paywell.payments.refunds.refund_order", refund_order)


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

    _set(stack, "paywell.payments.actions.refund_payment", refund_payment)


@mutant("a refund that the processor tells of is ours if it has our reference", profile="refund", network_rate=0.3)
def refunds_not_matched(stack: ExitStack) -> None:
    _set(stack, "paywell.payments.settle_refunds._find", lambda refunds, told: None)


@mutant("a refund without an answer is not a failed one", profile="refund", network_rate=0.45)
def refund_timeout_is_failure(stack: ExitStack) -> None:
    from paywell.payments.models import RefundState
    from paywell.payments.refund_machine import _MOVES

    stack.enter_context(patch.dict(_MOVES[RefundState.SENDING], {Verdict.UNKNOWN: RefundState.FAILED}))


# E-mails.


@mutant("one worker owns an event and an e-mail", workers=2, may_stand_still=False, crash_rate=0.0, mail_rate=0.0)
def no_mail_lease(stack: ExitStack) -> None:
    from django.db.models import Q

    _set(stack, "paywell.outbox.delivery._free", Q)
    _set(stack, "paywell.notifications.send._lease", lambda delivery: True)


@mutant("an event is marked after its e-mail was accepted", mail_rate=0.4, mail_is_down=False)
def mail_marked_before(stack: ExitStack) -> None:
    from paywell.notifications import send

    original = send._make_email

    def make(practice: Any, mail: Any, message_id: str) -> Any:
        send.Delivery.objects.filter(message_id=message_id).update(sent_at=send.clock.now())
        return original(practice, mail, message_id)

    _set(stack, "paywell.notifications.send._make_email", make)


#: Guards that may go, and what then holds.
EQUIVALENT: dict[str, str] = {
    "unique source of a posting": "the state graph posts on the way to succeeded only; both off: posted_again",
    "lease of the outbox": "each e-mail has a lease of its own; both off: no_mail_lease",
    "lease of a look-up": "a look-up only reads, and settling twice changes nothing; the lease saves calls",
    "a notice is marked done after its effect": "the reconciler and the sweep find what a lost notice told",
    "a notice is stored once (the application's check)": "the unique rule of the table refuses the second",
    "new key when `open` is repeated": "what `open` makes can't take money, and the sweep fences what nobody used",
    "payments under way are not replaced": "replacing begins with a fence, which they survive: it stops there",
    "a refund is decided under the lock (K, O, H)": "these processors refuse to give back more than they took",
    "refund refused in a dispute": "the processor refuses it too, and the refund's row fails with a review",
}
