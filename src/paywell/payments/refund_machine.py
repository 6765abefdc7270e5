"""The life of a refund, as data. Pure.

state        succeeded   pending   declined, canceled   not_sent            absent              unknown
sending      done        pending   failed               failed¹             failed²             -
pending      done        -         failed               -                   -                   -
done         -           -         failed_late          -                   -                   -
failed       done        -         -                    -                   -                   -
failed_late  - (review³) -         -                    -                   -                   -
in_review    done        pending   failed               -                   failed²             -

¹ only as the answer to our own `refund`: it says that this call had no effect
² only to a look-up, and only after the grace period
³ a look-up's only: the answer to our own `refund` may be older than the news that it came back

`in_review` is a refund that no look-up told of in 72 hours: whatever is heard of it later settles it all the same.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from paywell.payments.models import RefundState as R
from paywell.processors.contract import Verdict as V


class RefundSaid(StrEnum):
    """Which call the verdict answers."""

    REFUND = "refund"
    LOOK_UP = "look_up"
    LOOK_UP_AFTER_GRACE = "look_up_after_grace"


_MOVES: Final[dict[R, dict[V, R]]] = {
    R.SENDING: {V.SUCCEEDED: R.DONE, V.PENDING: R.PENDING, V.DECLINED: R.FAILED, V.CANCELED: R.FAILED},
    R.PENDING: {V.SUCCEEDED: R.DONE, V.DECLINED: R.FAILED, V.CANCELED: R.FAILED},
    R.DONE: {V.DECLINED: R.FAILED_LATE, V.CANCELED: R.FAILED_LATE},
    R.FAILED: {V.SUCCEEDED: R.DONE},
    R.FAILED_LATE: {},
    R.IN_REVIEW: {V.SUCCEEDED: R.DONE, V.PENDING: R.PENDING, V.DECLINED: R.FAILED, V.CANCELED: R.FAILED},
}
_ONLY: Final[dict[tuple[R, V, RefundSaid], R]] = {
    (R.SENDING, V.NOT_SENT, RefundSaid.REFUND): R.FAILED,
    (R.SENDING, V.ABSENT, RefundSaid.LOOK_UP_AFTER_GRACE): R.FAILED,
    (R.IN_REVIEW, V.ABSENT, RefundSaid.LOOK_UP_AFTER_GRACE): R.FAILED,
}


def next_refund_state(state: R, verdict: V, said: RefundSaid) -> R:
    """Where a verdict takes a refund; the same state where it says nothing new."""
    return _ONLY.get((state, verdict, said)) or _MOVES[state].get(verdict, state)
