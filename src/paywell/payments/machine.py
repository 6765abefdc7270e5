"""The life of an attempt, as data. Pure: no database, no clock, no processor.

What the processor says (a verdict) moves an attempt from one state to the next. What a verdict is worth depends
on which call it answers (`Said`): only a look-up or a fence that came too late is the truth about money.

In one table, for the calls that matter most (`-` leaves the state as it is; every answer becomes an event):

    state            open: needs_action  submit: succeeded  look-up: succeeded  look-up: declined  fence: canceled
    created          awaiting_action¹    processing         succeeded           declined           canceled²
    awaiting_action  -                   processing         succeeded           declined           canceled²
    submitting       refused             processing         succeeded           declined           canceled²
    processing       refused             -                  succeeded           declined           canceled²
    unknown          refused             processing         succeeded           declined           canceled²
    in_review        refused             -                  - (suspense)        -                  -
    succeeded        refused             -                  -                   - (review)         - (review)
    declined         refused             -                  - (suspense)        -                  -
    closed others    refused             - (review)         - (suspense)        -                  -

    ¹ with a step to go to; without one it means "reserved, waits for submit" and moves nothing (`read`)
    ² `expired` where our own deadline was the reason

Rules that the data obey, each with a test:

- a success that `submit` reports is `processing` until a look-up says the same;
- `not_sent` closes only what was never sent: it never closes `unknown`;
- `absent` closes what was sent only after the grace period, and contradicts what was accepted before;
- `in_review` is left by a person alone (`decide`);
- nothing closed opens again: late money goes to suspense and before a person, who may accept it.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from paywell.payments.models import AttemptState as S
from paywell.processors.contract import Verdict as V

#: How long after sending a processor's "there is no such charge" is not yet believed. Seconds.
GRACE_S: Final = 15 * 60

OPEN: Final = frozenset({S.CREATED, S.AWAITING_ACTION, S.SUBMITTING, S.PROCESSING, S.UNKNOWN})
#: Their lines are claimed.
HOLDING: Final = OPEN | {S.IN_REVIEW}
CLOSED_UNPAID: Final = frozenset({S.DECLINED, S.FAILED, S.CANCELED, S.EXPIRED})
CLOSED: Final = CLOSED_UNPAID | {S.SUCCEEDED}
#: Nothing was sent that can take money without the payer: a newer attempt may replace these, once fenced.
REPLACEABLE: Final = frozenset({S.CREATED, S.AWAITING_ACTION})
#: From where our own `submit` may begin.
SUBMITTABLE: Final = frozenset({S.CREATED})


class Said(StrEnum):
    """Which call a verdict answers."""

    OPEN = "open"
    SUBMIT = "submit"
    LOOK_UP = "look_up"
    LOOK_UP_AFTER_GRACE = "look_up_after_grace"
    FENCE = "fence"
    FENCE_AT_DEADLINE = "fence_at_deadline"


#: The causes that stand on an AttemptEvent, and which call each one is the answer to.
CAUSES: Final[dict[str, Said]] = {
    "open": Said.OPEN,
    "submit": Said.SUBMIT,
    "confirm": Said.LOOK_UP,  # straight after submit
    "read": Said.LOOK_UP,  # somebody opened the payment's page
    "notice": Said.LOOK_UP,
    "reconcile": Said.LOOK_UP,
    "sweep": Said.LOOK_UP,
    "cancel": Said.FENCE,  # a person
    "replace": Said.FENCE,  # a newer attempt on the same lines
    "fence": Said.FENCE,  # the sweep or the reconciler: alive there, dead here
    "expire": Said.FENCE_AT_DEADLINE,
}


class Effect(StrEnum):
    """What has to happen along with the change of state."""

    NONE = "none"
    POST = "post"  #: the payment goes into the ledger
    SUSPEND = "suspend"  #: money moved where none was expected: suspense and a review
    REVIEW = "review"  #: a contradiction without money


@dataclass(frozen=True, slots=True)
class Transition:
    to: S
    effect: Effect = Effect.NONE


@dataclass(frozen=True, slots=True)
class Refused:
    """This answer can't be one to this call in this state. It is noted and changes nothing."""

    why: str


_Row = dict[V, Transition]

_PAID = Transition(S.SUCCEEDED, Effect.POST)


def _stay(state: S, effect: Effect = Effect.NONE) -> Transition:
    return Transition(state, effect)


def _open_answers() -> dict[S, _Row]:
    """Answers to `open`, which can't take money. Only an attempt that is not beyond step 2 listens."""
    return {
        S.CREATED: {
            V.SUCCEEDED: Transition(S.UNKNOWN),
            V.DECLINED: Transition(S.DECLINED),
            V.PENDING: _stay(S.CREATED),
            V.NEEDS_ACTION: Transition(S.AWAITING_ACTION),
            V.CANCELED: Transition(S.CANCELED),
            V.NOT_SENT: Transition(S.FAILED),
            V.UNKNOWN: _stay(S.CREATED),
        },
        S.AWAITING_ACTION: {verdict: _stay(S.AWAITING_ACTION) for verdict in V if verdict is not V.ABSENT},
    }


def _submit_answers() -> dict[S, _Row]:
    """Answers to `submit`, the only call that moves money. `not_sent` is believed while nobody else has asked."""
    sent: _Row = {
        V.SUCCEEDED: Transition(S.PROCESSING),
        V.DECLINED: Transition(S.DECLINED),
        V.PENDING: Transition(S.PROCESSING),
        V.NEEDS_ACTION: Transition(S.AWAITING_ACTION),
        V.CANCELED: Transition(S.CANCELED),
        V.UNKNOWN: Transition(S.UNKNOWN),
    }
    rows: dict[S, _Row] = {
        S.CREATED: {V.SUCCEEDED: Transition(S.PROCESSING), V.UNKNOWN: Transition(S.UNKNOWN)},
        S.AWAITING_ACTION: sent | {V.NOT_SENT: _stay(S.AWAITING_ACTION)},
        S.SUBMITTING: sent | {V.NOT_SENT: Transition(S.FAILED)},
        S.PROCESSING: sent | {V.UNKNOWN: _stay(S.PROCESSING), V.NOT_SENT: _stay(S.PROCESSING)},
        S.UNKNOWN: sent | {V.NOT_SENT: _stay(S.UNKNOWN)},
        S.IN_REVIEW: {verdict: _stay(S.IN_REVIEW) for verdict in V if verdict is not V.ABSENT},
        S.SUCCEEDED: {verdict: _stay(S.SUCCEEDED) for verdict in V if verdict is not V.ABSENT},
    }
    for state in CLOSED_UNPAID:
        rows[state] = {verdict: _stay(state) for verdict in V if verdict is not V.ABSENT}
        rows[state][V.SUCCEEDED] = _stay(state, Effect.REVIEW)
    # Accepted first, declined later, and a notice told of the decline while the look-up after `submit` was out.
    # Were it paid after all, a look-up would say so: that is money, which goes before a person.
    rows[S.DECLINED][V.SUCCEEDED] = _stay(S.DECLINED)
    return rows


def _look_up_answers(*, after_grace: bool) -> dict[S, _Row]:
    """The truth. `unknown` and `not_sent` are no news: they speak of the look-up, not of the charge."""
    rows: dict[S, _Row] = {}
    for state in OPEN:
        rows[state] = {
            V.SUCCEEDED: _PAID,
            V.DECLINED: Transition(S.DECLINED),
            V.PENDING: Transition(S.PROCESSING),
            V.NEEDS_ACTION: Transition(S.AWAITING_ACTION),
            V.CANCELED: Transition(S.CANCELED),
            V.NOT_SENT: _stay(state),
            V.ABSENT: Transition(S.FAILED) if after_grace else _stay(state),
            V.UNKNOWN: _stay(state),
        }
    # Nothing that could take money was ever sent, so there is nothing to wait for.
    rows[S.CREATED][V.ABSENT] = Transition(S.FAILED)
    if after_grace:
        rows[S.PROCESSING][V.ABSENT] = Transition(S.IN_REVIEW, Effect.REVIEW)
    rows |= _after_the_end()
    if not after_grace:
        # Asked before the charge was on the processor's list, heard after another answer had told of it.
        rows[S.SUCCEEDED][V.ABSENT] = _stay(S.SUCCEEDED)
    return rows


def _fence_answers(*, at_deadline: bool) -> dict[S, _Row]:
    """Answers to `cancel`: it can no longer take money, or what happened instead."""
    shut = Transition(S.EXPIRED if at_deadline else S.CANCELED)
    rows: dict[S, _Row] = {}
    for state in OPEN:
        rows[state] = {
            V.SUCCEEDED: _PAID,
            V.DECLINED: Transition(S.DECLINED),
            V.PENDING: Transition(S.PROCESSING),
            V.NEEDS_ACTION: _stay(state),
            V.CANCELED: shut,
            V.NOT_SENT: _stay(state),
            V.UNKNOWN: _stay(state),
        }
    rows |= _after_the_end()
    for state in CLOSED | {S.IN_REVIEW}:
        rows[state].pop(V.ABSENT)
    return rows


def _after_the_end() -> dict[S, _Row]:
    """The truth about what is no longer ours to move."""
    rows: dict[S, _Row] = {state: {verdict: _stay(state) for verdict in V} for state in CLOSED | {S.IN_REVIEW}}
    for state in CLOSED_UNPAID | {S.IN_REVIEW}:
        rows[state][V.SUCCEEDED] = _stay(state, Effect.SUSPEND)
    for verdict in (V.DECLINED, V.CANCELED, V.ABSENT):
        rows[S.SUCCEEDED][verdict] = _stay(S.SUCCEEDED, Effect.REVIEW)
    return rows


GRAPH: Final[dict[Said, dict[S, _Row]]] = {
    Said.OPEN: _open_answers(),
    Said.SUBMIT: _submit_answers(),
    Said.LOOK_UP: _look_up_answers(after_grace=False),
    Said.LOOK_UP_AFTER_GRACE: _look_up_answers(after_grace=True),
    Said.FENCE: _fence_answers(at_deadline=False),
    Said.FENCE_AT_DEADLINE: _fence_answers(at_deadline=True),
}


def read(verdict: V, *, has_step: bool) -> V:
    """What a verdict says about the state. An action without a step is not the payer's: it is no news."""
    return V.UNKNOWN if verdict is V.NEEDS_ACTION and not has_step else verdict


def next_state(state: S, verdict: V, said: Said) -> Transition | Refused:
    """Where `verdict`, answering the call `said`, takes an attempt that is in `state`."""
    found = GRAPH[said].get(state, {}).get(verdict)
    return found if found is not None else Refused(f"{said} can't answer {verdict} while {state}")


def contradict(state: S) -> Transition:
    """The processor's word can't be about this order (amount missing, other reference): a person looks."""
    return Transition(S.IN_REVIEW if state in OPEN else state, Effect.REVIEW)


def give_up(state: S) -> Transition | Refused:
    """After the last look-up of the schedule: a person looks. The claims stay."""
    return Transition(S.IN_REVIEW, Effect.REVIEW) if state in OPEN else Refused(f"{state} is not open")


def decide(state: S, *, is_paid: bool) -> Transition | Refused:
    """A person says what came of it: nothing moved, or the money that lies in suspense is this payment's."""
    if is_paid and state in CLOSED_UNPAID | {S.IN_REVIEW}:
        return Transition(S.SUCCEEDED)
    if not is_paid and state == S.IN_REVIEW:
        return Transition(S.FAILED)
    return Refused(f"nobody can decide about {state}")


def begin_submit(state: S) -> Transition | Refused:
    """One worker takes the lease and makes the call that moves money."""
    return Transition(S.SUBMITTING) if state in SUBMITTABLE else Refused(f"{state} can't be submitted")
