"""The only writer of outcomes. Request, return page, notice job, reconciler and sweep all end here.

`settle` brings an attempt to what the processor says, in one transaction, however often and in whatever order
it is told: state, ledger, card, refunds, disputes, claims, events. It never calls a processor.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from uuid import UUID

from paywell.audit.actions import record
from paywell.clients.models import BillingAccount
from paywell.core import clock
from paywell.core.db import lock, phase, repeat
from paywell.core.money import Money
from paywell.core.prepared import Prepared
from paywell.outbox.actions import emit
from paywell.payments import booking, errors, machine
from paywell.payments.cards import keep_card
from paywell.payments.judge import find_objection, is_half_a_success
from paywell.payments.machine import Effect, Refused, Said, Transition
from paywell.payments.models import Attempt, AttemptEvent, AttemptState, Claim
from paywell.payments.reviews import open_review
from paywell.payments.schedule import LOOK_AFTER, STEP_VALID
from paywell.payments.settle_refunds import sync_disputes, sync_refunds
from paywell.processors.contract import Outcome, Verdict

_TRUTH: Final = frozenset({Said.LOOK_UP, Said.LOOK_UP_AFTER_GRACE, Said.FENCE, Said.FENCE_AT_DEADLINE})
#: Only these tell of a charge with all its refunds and disputes.
_WHOLE_TRUTH: Final = frozenset({Said.LOOK_UP, Said.LOOK_UP_AFTER_GRACE})
#: Given by the worker that holds the lease, which ends with it.
_OF_LEASE_HOLDER: Final = frozenset({Said.OPEN, Said.SUBMIT})
_WRITTEN: Final = (
    "state", "processor_ref", "step_url", "step_fields", "card_brand", "card_last4", "decline", "captured_minor",
    "refunded_minor", "disputed", "closed_at", "deadline_at", "lease_until", "next_check_at", "checks",
)  # fmt: skip


_ACCOUNT = Prepared(lambda attempt: lock(BillingAccount.objects.filter(attempts__id=attempt)).values_list("id"))
_ATTEMPT = Prepared(lambda attempt: lock(Attempt.objects.select_related("processor_account").filter(id=attempt)))


@dataclass(frozen=True, slots=True)
class Answer:
    """What a processor said, and why it was asked (a key of `machine.CAUSES`)."""

    outcome: Outcome
    cause: str


def settle(*, attempt_id: UUID, truth: Outcome, cause: str) -> Attempt:
    """Bring the attempt to what the processor says. Idempotent. Returns it as it stands afterwards."""
    return settle_answers(attempt_id=attempt_id, answers=[Answer(truth, cause)])


def settle_answers(*, attempt_id: UUID, answers: Sequence[Answer]) -> Attempt:
    """The same for several answers that were had one after the other, in one transaction."""
    return repeat(lambda: _settle_once(attempt_id, answers))


def _settle_once(attempt_id: UUID, answers: Sequence[Answer]) -> Attempt:
    with phase():
        attempt = lock_attempt(attempt_id)
        settlement = _Settlement(attempt)
        for answer in answers:
            settlement.hear(answer)
        settlement.write()
    return attempt


def give_up(*, attempt_id: UUID) -> Attempt:
    """The schedule of look-ups is over without a trustworthy answer: a person looks. The claims stay."""
    with phase():
        attempt = lock_attempt(attempt_id)
        transition = machine.give_up(AttemptState(attempt.state))
        if isinstance(transition, Transition):
            settlement = _Settlement(attempt)
            settlement.move(transition, cause="give_up", verdict="", detail="no answer in 72 hours")
            settlement.review("given_up", about=str(attempt.id))
            settlement.write()
    return attempt


def decide_unpaid(*, attempt_id: UUID, actor_id: UUID, said: Verdict) -> Attempt:
    """A person found that no money moved: the attempt has failed, and its lines are free. Raises UserError."""
    with phase():
        settlement = _Settlement(lock_attempt(attempt_id))
        settlement.decide(is_paid=False, verdict=said, actor_id=actor_id)
        settlement.write()
    return settlement.attempt


def decide_paid(*, attempt_id: UUID, actor_id: UUID, truth: Outcome) -> Attempt:
    """A person accepts the charge, whose money waits in suspense, as this payment. Raises UserError."""
    with phase():
        attempt = lock_attempt(attempt_id)
        captured = truth.money
        is_sound = truth.verdict is Verdict.SUCCEEDED and not find_objection(attempt, truth)
        if is_sound and captured is not None and booking.net_of(truth) != captured.minor:
            raise errors.partly_returned()
        if captured is None or not is_sound or not booking.is_suspended(attempt.processor_account, truth):
            raise errors.not_acceptable()
        settlement = _Settlement(attempt)
        settlement.decide(is_paid=True, verdict=truth.verdict, actor_id=actor_id)
        settlement.accept(captured, truth, actor_id)
        settlement.write()
    return attempt


def lock_attempt(attempt_id: UUID) -> Attempt:
    """The attempt, with its billing account held first: the order in which everybody locks."""
    if not _ACCOUNT(attempt=attempt_id):
        raise BillingAccount.DoesNotExist
    return _ATTEMPT(attempt=attempt_id)[0]


class _Settlement:
    """One attempt being settled: hears answers one by one, then writes what has changed."""

    def __init__(self, attempt: Attempt) -> None:
        self.attempt = attempt
        self.now = clock.now()
        self.before = {name: getattr(attempt, name) for name in _WRITTEN}
        self.events: list[AttemptEvent] = []

    def hear(self, answer: Answer) -> None:
        """Take one answer in."""
        attempt, outcome = self.attempt, answer.outcome
        said = self._said(answer.cause)
        state = AttemptState(attempt.state)
        objection = find_objection(attempt, outcome) if said in _TRUTH else ""
        if objection:
            self._object(objection, outcome, answer.cause)
            return
        if is_half_a_success(outcome):
            self.review("incomplete", about=str(attempt.id), detail=outcome.detail)
        verdict = machine.read(outcome.verdict, has_step=outcome.step is not None)
        transition = machine.next_state(state, verdict, said)
        if said in _OF_LEASE_HOLDER:
            attempt.lease_until = None
        if isinstance(transition, Refused):
            self._note(answer.cause, outcome.verdict, transition.why, state)
            return
        self._learn(outcome)
        self.move(transition, cause=answer.cause, verdict=outcome.verdict, detail=outcome.detail)
        self._take_effect(transition.effect, outcome)
        if attempt.state == AttemptState.SUCCEEDED and said in _WHOLE_TRUTH:
            sync_refunds(attempt, outcome.refunds)
            sync_disputes(attempt, outcome.disputes)

    def move(self, transition: Transition, *, cause: str, verdict: str, detail: str) -> None:
        """Change the state, with what belongs to being in it, and write the event."""
        attempt, before = self.attempt, AttemptState(self.attempt.state)
        attempt.state = transition.to
        self._note(cause, verdict, detail, before)
        if transition.to == before:
            return
        attempt.lease_until = None
        attempt.checks = 0
        if transition.to in machine.OPEN:
            attempt.next_check_at = self.now + LOOK_AFTER[0]
        else:
            attempt.next_check_at = None
            attempt.step_url, attempt.step_fields = "", {}
        if transition.to == AttemptState.AWAITING_ACTION:
            attempt.deadline_at = self.now + STEP_VALID
        if transition.to in machine.CLOSED:
            self._close()

    def decide(self, *, is_paid: bool, verdict: Verdict, actor_id: UUID) -> None:
        """Move as a person says, who stands in the audit log."""
        attempt = self.attempt
        transition = machine.decide(AttemptState(attempt.state), is_paid=is_paid)
        if isinstance(transition, Refused):
            raise errors.not_decidable()
        self.move(transition, cause="person", verdict=verdict, detail="")
        record(
            practice_id=attempt.practice_id,
            actor_id=actor_id,
            action="payments.accept_charge" if is_paid else "payments.close_unpaid",
            target_kind="attempt",
            target_id=attempt.id,
        )

    def accept(self, captured: Money, truth: Outcome, actor_id: UUID) -> None:
        """Out of suspense, onto the lines; what they no longer owe becomes credit."""
        self._learn(truth)
        booking.book_accepted(self.attempt, captured, actor_id)
        self.attempt.captured_minor = captured.minor
        self.attempt.decline = ""
        if captured.minor != self.attempt.amount_minor:
            self.review("amount_differs", about=str(self.attempt.id), money=captured)

    def review(self, kind: str, *, about: str, money: Money | None = None, detail: str = "") -> None:
        attempt = self.attempt
        open_review(
            practice_id=attempt.practice_id,
            kind=kind,
            about=about,
            money=money or Money(attempt.amount_minor, attempt.currency),
            attempt_id=attempt.id,
            processor_account_id=attempt.processor_account_id,
            detail=detail,
        )

    def write(self) -> None:
        """Save the columns that changed, and every event."""
        changed = [name for name in _WRITTEN if getattr(self.attempt, name) != self.before[name]]
        if changed:
            self.attempt.save(update_fields=changed)
        AttemptEvent.objects.bulk_create(self.events)

    def _said(self, cause: str) -> Said:
        said = machine.CAUSES[cause]
        sent_at = self.attempt.submitted_at or self.attempt.created_at
        if said is Said.LOOK_UP and self.now - sent_at >= timedelta(seconds=machine.GRACE_S):
            return Said.LOOK_UP_AFTER_GRACE
        return said

    def _learn(self, outcome: Outcome) -> None:
        """Facts that come with any answer about this very charge."""
        attempt = self.attempt
        is_ours = outcome.reference in ("", attempt.reference)
        if outcome.processor_ref and not attempt.processor_ref and is_ours:
            attempt.processor_ref = outcome.processor_ref
        if outcome.step is not None and attempt.state in machine.OPEN:
            attempt.step_url, attempt.step_fields = outcome.step.url, dict(outcome.step.fields)
        if outcome.card is not None and outcome.card.last4:
            attempt.card_brand, attempt.card_last4 = outcome.card.brand, outcome.card.last4
        if outcome.verdict is Verdict.DECLINED and outcome.decline is not None:
            attempt.decline = outcome.decline

    def _take_effect(self, effect: Effect, outcome: Outcome) -> None:
        attempt = self.attempt
        if effect is Effect.POST:
            self._book(outcome)
        elif effect is Effect.SUSPEND:
            self._suspend("late_success", outcome)
        elif effect is Effect.REVIEW:
            self.review("contradiction", about=f"{attempt.id}:{outcome.verdict}", detail=outcome.detail)
        elif attempt.state == AttemptState.SUCCEEDED and outcome.money is not None:
            self._compare_capture(outcome)

    def _book(self, outcome: Outcome) -> None:
        """The payment: ledger, saved card, and the news of it. `find_objection` made sure of the money."""
        attempt, captured = self.attempt, outcome.money
        if captured is None:
            raise ValueError("A success without money passed as sound.")
        surplus = booking.book_payment(attempt, captured)
        attempt.captured_minor = captured.minor
        attempt.decline = ""
        if captured.minor != attempt.amount_minor:
            self.review("amount_differs", about=str(attempt.id), money=captured)
        elif surplus:
            self.review("surplus", about=str(attempt.id), money=surplus)
        if attempt.rebuilt_at is not None:
            self.review("payment_rebuilt", about=str(attempt.id), money=captured)
        if outcome.saved_card is not None and attempt.consent_version:
            keep_card(attempt, outcome.saved_card)

    def _compare_capture(self, outcome: Outcome) -> None:
        attempt, captured = self.attempt, outcome.money
        if outcome.verdict is Verdict.SUCCEEDED and captured and captured.minor != attempt.captured_minor:
            booking.book_changed_capture(attempt, captured)
            attempt.captured_minor = captured.minor
            self.review("capture_changed", about=f"{attempt.id}:{captured.minor}", money=captured)

    def _object(self, objection: str, outcome: Outcome, cause: str) -> None:
        """The answer can't be about this order: a person looks, and money that moved waits in suspense."""
        transition = machine.contradict(AttemptState(self.attempt.state))
        self.move(transition, cause=cause, verdict=outcome.verdict, detail=f"{objection} {outcome.detail}".strip())
        self._suspend(objection, outcome)

    def _suspend(self, kind: str, outcome: Outcome) -> None:
        attempt = self.attempt
        charge = hashlib.sha256((outcome.processor_ref or outcome.reference).encode()).hexdigest()[:16]
        is_money_of_this_mode = outcome.money is not None and kind != "other_mode"
        if is_money_of_this_mode and not self._belongs_to_another(outcome):
            booking.suspend_charge(attempt.processor_account, outcome)
        self.review(kind, about=f"{attempt.id}:{charge}", money=outcome.money, detail=outcome.detail)

    def _belongs_to_another(self, outcome: Outcome) -> bool:
        """Whether the charge is that of another attempt, which books it itself."""
        if outcome.reference in ("", self.attempt.reference):
            return False
        return Attempt.objects.filter(
            practice_id=self.attempt.practice_id,
            processor_account_id=self.attempt.processor_account_id,
            reference=outcome.reference,
        ).exists()

    def _close(self) -> None:
        """Let go of the lines, and tell of the result."""
        attempt = self.attempt
        attempt.closed_at = self.now
        Claim.objects.filter(attempt_id=attempt.id).delete()
        kind = _NEWS.get(AttemptState(attempt.state))
        if kind:
            emit(
                practice_id=attempt.practice_id,
                kind=kind,
                dedupe=f"{kind}:{attempt.id}",
                payload={"attempt_id": str(attempt.id)} | ({"rebuilt": "yes"} if attempt.rebuilt_at else {}),
            )

    def _note(self, cause: str, verdict: str, detail: str, before: AttemptState) -> None:
        self.events.append(
            AttemptEvent(
                practice_id=self.attempt.practice_id,
                attempt=self.attempt,
                at=self.now,
                from_state=before,
                to_state=self.attempt.state,
                cause=cause,
                verdict=verdict,
                detail=detail[:300],
            )
        )


_NEWS: Final[dict[AttemptState, str]] = {
    AttemptState.SUCCEEDED: "payments.payment_succeeded",
    AttemptState.DECLINED: "payments.payment_declined",
}
