"""Wraps every connector: no call inside a transaction, and no exception becomes a failure.

What a connector raises is turned into a verdict here, so that no connector can forget it:

- `not_sent` only where the call itself could move money and the connection was never made;
- `unknown` for everything else, and for a look-up or a fence also where the connection was never made:
  that *they* did not leave says nothing about the charge.

A connector that makes a second call after one that may have had an effect must therefore answer for it itself.
"""

from __future__ import annotations

import logging
import traceback
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final, TypeVar

import httpx

from paywell.core import db
from paywell.processors.contract import (
    BadNotice,
    Capability,
    ChargeOrder,
    Deposit,
    DepositPart,
    Fields,
    Hosts,
    Outcome,
    Processor,
    ProcessorUnavailable,
    RawNotice,
    Refunded,
    RefundOrder,
    Report,
    SavedCardFacts,
    Style,
    Submission,
    TellsDeposits,
    Verdict,
)

_log = logging.getLogger("paywell.processors")

Told = TypeVar("Told")

#: How the detail begins of a success that was lowered to `unknown`, because it lacked something.
LOWERED: Final = "success without"

#: Raised by httpx before the first byte of a request leaves.
_NEVER_LEFT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol)


class CalledInTransaction(RuntimeError):
    """A processor was called while a database transaction was open. A fault of the program."""


class Guarded:
    """The connector `inner`, with the laws of the contract enforced from outside."""

    def __init__(self, inner: Processor) -> None:
        self.inner = inner
        self.name: str = inner.name
        self.style: Style = inner.style
        self.capabilities: frozenset[Capability] = inner.capabilities
        self.is_test: bool = inner.is_test

    def hosts(self) -> Hosts:
        return self.inner.hosts()

    def fields(self) -> Fields | None:
        return self.inner.fields()

    def check_setup(self) -> Sequence[str]:
        _refuse_in_transaction("check_setup")
        try:
            return self.inner.check_setup()
        except Exception as error:
            why = self._note("check_setup", error)
            return [
                f"The processor could not be reached or understood ({why}). See that this machine reaches the "
                "internet and that the keys are whole, then try again."
            ]

    def open(self, order: ChargeOrder) -> Outcome:
        return self._outcome("open", lambda: self.inner.open(order), moves=True)

    def submit(self, order: ChargeOrder, submission: Submission) -> Outcome:
        # Two-step: submit only reads what the processor's page did.
        moves = self.style is Style.INLINE
        return self._outcome("submit", lambda: self.inner.submit(order, submission), moves=moves)

    def look_up(self, order: ChargeOrder) -> Outcome:
        found = self._outcome("look_up", lambda: self.inner.look_up(order), moves=False, may_be_absent=True)
        return replace(found, refunds=tuple(_complete_refund(refund) for refund in found.refunds))

    def cancel(self, order: ChargeOrder) -> Outcome:
        return self._outcome("cancel", lambda: self.inner.cancel(order), moves=False)

    def refund(self, order: RefundOrder) -> Refunded:
        return self._refunded("refund", order, lambda: self.inner.refund(order), moves=True)

    def look_up_refund(self, order: RefundOrder) -> Refunded:
        return self._refunded("look_up_refund", order, lambda: self.inner.look_up_refund(order), moves=False)

    def list_since(self, since: datetime) -> Iterable[Outcome]:
        _refuse_in_transaction("list_since")
        return self._each(since)

    def list_deposits(self, since: datetime) -> Iterable[Deposit]:
        _refuse_in_transaction("list_deposits")
        teller = self._teller()
        return self._listed("list_deposits", lambda: teller.list_deposits(since)) if teller else ()

    def list_deposit_parts(self, deposit_ref: str) -> Iterable[DepositPart]:
        _refuse_in_transaction("list_deposit_parts")
        teller = self._teller()
        return self._listed("list_deposit_parts", lambda: teller.list_deposit_parts(deposit_ref)) if teller else ()

    def list_cards(self, customer_ref: str) -> Sequence[SavedCardFacts]:
        _refuse_in_transaction("list_cards")
        try:
            return self.inner.list_cards(customer_ref)
        except Exception as error:
            raise ProcessorUnavailable(self._note("list_cards", error)) from None

    def forget_card(self, card: SavedCardFacts) -> Outcome:
        _refuse_in_transaction("forget_card")
        try:
            return self.inner.forget_card(card)
        except Exception as error:
            return Outcome(_verdict_for(error, moves=True), detail=self._note("forget_card", error))

    def read_notice(self, notice: RawNotice) -> Sequence[Report]:
        """No call leaves here, so it may run inside a transaction. Raises BadNotice and nothing else."""
        try:
            return self.inner.read_notice(notice)
        except BadNotice:
            raise
        except Exception as error:
            raise BadNotice(f"unreadable ({self._note('read_notice', error)})") from None

    def _outcome(
        self, call: str, make: Callable[[], Outcome], *, moves: bool, may_be_absent: bool = False
    ) -> Outcome:
        _refuse_in_transaction(call)
        try:
            outcome = make()
        except Exception as error:
            return Outcome(_verdict_for(error, moves=moves), detail=self._note(call, error))
        if outcome.verdict is Verdict.ABSENT and not (
            may_be_absent and Capability.ABSENT_IS_CERTAIN in self.capabilities
        ):
            return replace(outcome, verdict=Verdict.UNKNOWN, detail="not found, which proves nothing here")
        return _complete(outcome)

    def _refunded(self, call: str, order: RefundOrder, make: Callable[[], Refunded], *, moves: bool) -> Refunded:
        _refuse_in_transaction(call)
        try:
            refunded = make()
        except Exception as error:
            self._note(call, error)
            verdict = _verdict_for(error, moves=moves)
            return Refunded(order.processor_ref, order.money, verdict, reference=order.reference)
        if refunded.verdict is Verdict.ABSENT and (moves or Capability.ABSENT_IS_CERTAIN not in self.capabilities):
            return replace(refunded, verdict=Verdict.UNKNOWN)
        return _complete_refund(refunded)

    def _each(self, since: datetime) -> Iterator[Outcome]:
        for outcome in self._listed("list_since", lambda: self.inner.list_since(since)):
            yield _complete(replace(outcome, refunds=tuple(_complete_refund(each) for each in outcome.refunds)))

    def _listed(self, call: str, ask: Callable[[], Iterable[Told]]) -> Iterator[Told]:
        """A list, one at a time, so that a long one needs no room; each page is a call of its own."""
        items: Iterator[Told] | None = None
        while True:
            _refuse_in_transaction(call)
            try:
                items = iter(ask()) if items is None else items
                item = next(items)
            except StopIteration:
                return
            except Exception as error:
                raise ProcessorUnavailable(self._note(call, error)) from None
            yield item

    def _teller(self) -> TellsDeposits | None:
        """The connector, where it tells of deposits."""
        has_them = Capability.DEPOSITS in self.capabilities and isinstance(self.inner, TellsDeposits)
        return self.inner if has_them else None  # type: ignore[return-value]

    def _note(self, call: str, error: Exception) -> str:
        """Log where it went wrong, and name it in a few words. An exception's own text may hold a secret."""
        frames = [(frame.f_code.co_filename, line) for frame, line in traceback.walk_tb(error.__traceback__)]
        filename, line = next((each for each in reversed(frames) if "paywell" in each[0]), frames[-1])
        name = type(error).__name__
        _log.warning("%s.%s raised %s at %s:%s", self.name, call, name, filename, line)
        if isinstance(error, httpx.HTTPStatusError):
            return f"{name} {error.response.status_code}"
        status = getattr(error, "http_status", None)  # an SDK's own error
        if isinstance(status, int):
            return f"{name} {status}"
        return name


def _refuse_in_transaction(call: str) -> None:
    if db.in_transaction():
        raise CalledInTransaction(f"{call} was called inside a database transaction.")


def _verdict_for(error: Exception, *, moves: bool) -> Verdict:
    return Verdict.NOT_SENT if moves and isinstance(error, _NEVER_LEFT) else Verdict.UNKNOWN


def _complete(outcome: Outcome) -> Outcome:
    """Rule 2 of the contract: what claims success without amount and references does not count as one."""
    if outcome.verdict is not Verdict.SUCCEEDED:
        return outcome
    parts = {
        "amount": outcome.money is not None and outcome.money.minor > 0,
        "reference": bool(outcome.reference),
        "processor's reference": bool(outcome.processor_ref),
    }
    missing = [name for name, is_there in parts.items() if not is_there]
    if not missing:
        return outcome
    return replace(outcome, verdict=Verdict.UNKNOWN, detail=f"{LOWERED} {', '.join(missing)}")


def _complete_refund(refunded: Refunded) -> Refunded:
    """The same for a refund. Ours is not asked for: one made at the processor has none."""
    if refunded.verdict is Verdict.SUCCEEDED and not (refunded.processor_ref and refunded.money.minor > 0):
        return replace(refunded, verdict=Verdict.UNKNOWN)
    return refunded
