from __future__ import annotations

from itertools import product
from pathlib import Path

import pytest

from paywell.payments import machine
from paywell.payments.drawing import draw
from paywell.payments.machine import Effect, Refused, Said, Transition, next_state
from paywell.payments.models import AttemptState as S
from paywell.payments.models import RefundState as R
from paywell.payments.refund_machine import RefundSaid, next_refund_state
from paywell.processors.contract import Verdict as V

EVERY = list(product(S, V, Said))
LOOK_UPS = (Said.LOOK_UP, Said.LOOK_UP_AFTER_GRACE)


@pytest.mark.parametrize(("state", "verdict", "said"), EVERY)
def test_every_answer_in_every_state_obeys_the_laws(state: S, verdict: V, said: Said) -> None:
    result = next_state(state, verdict, said)
    if isinstance(result, Refused):
        assert verdict is V.ABSENT or said in (Said.OPEN, Said.SUBMIT)
        return
    to, effect = result.to, result.effect
    # What is closed stays closed, and only a person leaves review.
    if state in machine.CLOSED | {S.IN_REVIEW}:
        assert to == state
    # Only an explicit success that a look-up or a fence tells of is one, and it is always posted.
    assert (effect is Effect.POST) == (to == S.SUCCEEDED and state != S.SUCCEEDED)
    if effect is Effect.POST:
        assert verdict is V.SUCCEEDED
        assert said not in (Said.OPEN, Said.SUBMIT)
    # Money where none was expected never stays unnoticed.
    if verdict is V.SUCCEEDED and said in LOOK_UPS and state in machine.CLOSED_UNPAID | {S.IN_REVIEW}:
        assert effect is Effect.SUSPEND
    # Unknown is never a failure, and never news.
    if verdict is V.UNKNOWN:
        assert to == state or to not in machine.CLOSED
        assert effect is Effect.NONE
    # What never left says nothing about what left before.
    if verdict is V.NOT_SENT and to != state:
        assert (state, said) in ((S.CREATED, Said.OPEN), (S.SUBMITTING, Said.SUBMIT))
    # "There is no such charge" is believed only of what was never sent, or after the grace period.
    if verdict is V.ABSENT and to != state:
        assert state == S.CREATED or said is Said.LOOK_UP_AFTER_GRACE
    # A definite no closes; nothing else does.
    if to in machine.CLOSED_UNPAID and to != state:
        assert verdict in (V.DECLINED, V.CANCELED, V.ABSENT, V.NOT_SENT)
    # Nothing goes back to before it was sent.
    assert to != S.CREATED or state == S.CREATED


def test_look_ups_and_fences_are_heard_in_every_state() -> None:
    for state, verdict, said in EVERY:
        if said in LOOK_UPS:
            assert isinstance(next_state(state, verdict, said), Transition)


def test_not_sent_never_closes_unknown() -> None:
    for said in Said:
        result = next_state(S.UNKNOWN, V.NOT_SENT, said)
        assert isinstance(result, Refused) or result.to == S.UNKNOWN


def test_absent_closes_unknown_only_after_the_grace_period() -> None:
    assert next_state(S.UNKNOWN, V.ABSENT, Said.LOOK_UP) == Transition(S.UNKNOWN)
    assert next_state(S.UNKNOWN, V.ABSENT, Said.LOOK_UP_AFTER_GRACE) == Transition(S.FAILED)
    assert machine.GRACE_S == 900


def test_a_success_of_submit_waits_for_the_look_up() -> None:
    assert next_state(S.SUBMITTING, V.SUCCEEDED, Said.SUBMIT) == Transition(S.PROCESSING)
    assert next_state(S.PROCESSING, V.SUCCEEDED, Said.LOOK_UP) == Transition(S.SUCCEEDED, Effect.POST)


def test_a_success_of_submit_heard_after_the_decline_is_no_contradiction_and_a_paid_one_is_money() -> None:
    assert next_state(S.DECLINED, V.SUCCEEDED, Said.SUBMIT) == Transition(S.DECLINED)
    for said in LOOK_UPS:
        assert next_state(S.DECLINED, V.SUCCEEDED, said) == Transition(S.DECLINED, Effect.SUSPEND)
    for state in machine.CLOSED_UNPAID - {S.DECLINED}:
        assert next_state(state, V.SUCCEEDED, Said.SUBMIT) == Transition(state, Effect.REVIEW)


def test_f58_a_bank_check_whose_answer_was_lost_waits_for_the_payer() -> None:
    """Found by the fault simulation: the worker died over `submit`, and the payer was never shown their step."""
    for said in LOOK_UPS:
        assert next_state(S.SUBMITTING, V.NEEDS_ACTION, said) == Transition(S.AWAITING_ACTION)
        assert next_state(S.SUBMITTING, machine.read(V.NEEDS_ACTION, has_step=False), said).to == S.SUBMITTING  # type: ignore[union-attr]


def test_our_own_deadline_expires_and_a_person_cancels() -> None:
    assert next_state(S.AWAITING_ACTION, V.CANCELED, Said.FENCE) == Transition(S.CANCELED)
    assert next_state(S.AWAITING_ACTION, V.CANCELED, Said.FENCE_AT_DEADLINE) == Transition(S.EXPIRED)


def test_submitting_begins_only_once() -> None:
    for state in S:
        begun = machine.begin_submit(state)
        assert isinstance(begun, Transition) == (state == S.CREATED)


def test_contradictions_and_giving_up_keep_the_hold() -> None:
    for state in S:
        assert machine.contradict(state).to == (S.IN_REVIEW if state in machine.OPEN else state)
        assert isinstance(machine.give_up(state), Transition) == (state in machine.OPEN)
    assert S.IN_REVIEW in machine.HOLDING


def test_every_state_is_open_in_review_or_closed() -> None:
    assert machine.OPEN | {S.IN_REVIEW} | machine.CLOSED == set(S)
    assert not machine.OPEN & machine.CLOSED


@pytest.mark.parametrize(("state", "verdict", "said"), list(product(R, V, RefundSaid)))
def test_every_answer_about_a_refund_obeys_the_laws(state: R, verdict: V, said: RefundSaid) -> None:
    after = next_refund_state(state, verdict, said)
    if after == state:
        return
    assert verdict not in (V.UNKNOWN, V.NEEDS_ACTION)
    if after == R.DONE:
        assert verdict is V.SUCCEEDED
    if state == R.DONE:
        assert after == R.FAILED_LATE
    if verdict is V.NOT_SENT:
        assert (state, said) == (R.SENDING, RefundSaid.REFUND)
    if verdict is V.ABSENT:
        assert state in (R.SENDING, R.IN_REVIEW)
        assert said == RefundSaid.LOOK_UP_AFTER_GRACE


def test_the_drawing_in_the_docs_is_up_to_date() -> None:
    page = Path(__file__).resolve().parents[4] / "docs" / "payment-states.md"
    assert page.read_text(encoding="utf-8") == draw(), "run: paywell draw_machine"
