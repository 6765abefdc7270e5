"""The connector for the simulated processor: the product's own contract, plugged in by the registry."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from paywell.core.money import Money
from paywell.processors.contract import (
    BadNotice,
    Capability,
    CardFacts,
    ChargeOrder,
    Connection,
    Decline,
    Disputed,
    Fields,
    Hosts,
    Outcome,
    RawNotice,
    Refunded,
    RefundOrder,
    Report,
    SavedCardFacts,
    Step,
    Style,
    Submission,
    Verdict,
)
from tests.faults.network import Network
from tests.faults.processor import Answered, Bank, BankRefund, Charge, Kind

NAME = "simulated"
CARD = CardFacts("Visa", "4242", 4, 2031)
_VERDICTS = {
    "reserved": Verdict.NEEDS_ACTION,
    "action": Verdict.NEEDS_ACTION,
    "pending": Verdict.PENDING,
    "paid": Verdict.SUCCEEDED,
    "declined": Verdict.DECLINED,
    "dead": Verdict.CANCELED,
}
_REFUNDS = {"pending": Verdict.PENDING, "done": Verdict.SUCCEEDED, "failed": Verdict.DECLINED}
#: The present history's; `connect` hands it out.
current: list[Connector] = []
#: The present history, told of errors that the product logs and goes on after.
surprised: list[Any] = []


def plug_in() -> None:
    """Add it to the registry, from outside."""
    from paywell.processors import registry

    registry.CONNECTORS[NAME] = registry.Connector(NAME, "Simulated", Style.INLINE, __name__)


class Listener(logging.Handler):
    """Hears of exceptions that the product's jobs log."""

    def emit(self, record: logging.LogRecord) -> None:
        if surprised and record.exc_info and record.exc_info[1] is not None:
            surprised[-1].surprise(record.exc_info[1], record.name)


def connect(connection: Connection) -> Connector:
    return current[-1]


class Connector:
    """Speaks to `Bank` over `Network`, as each kind of processor is spoken to."""

    name = NAME
    is_test = False

    def __init__(self, bank: Bank, network: Network, *, lag_s: float = 0.0) -> None:
        self.bank, self.network = bank, network
        self.kind = bank.kind
        self.mixes_up = False  #: now and then it answers about somebody else's charge
        self.lag_s = lag_s  #: a list does not show what is newer (N)
        self.style = Style.TWO_STEP if self.kind is Kind.H else Style.INLINE
        self.on_order: Callable[[str], None] = lambda reference: None
        self.on_refund: Callable[[str], None] = lambda reference: None
        missing = {Kind.N: {Capability.IDEMPOTENCY_KEYS}, Kind.O: {Capability.FENCE}}.get(self.kind, set())
        self.capabilities = frozenset(Capability) - missing

    def hosts(self) -> Hosts:
        return Hosts()

    def fields(self) -> Fields | None:
        return None

    def check_setup(self) -> Sequence[str]:
        return ()

    # Charges.

    def open(self, order: ChargeOrder) -> Outcome:
        self.on_order(order.reference)
        if self.kind in (Kind.N, Kind.O):
            return Outcome(Verdict.PENDING, reference=order.reference)
        return self._asked("open", lambda: self._reserve(order))

    def submit(self, order: ChargeOrder, submission: Submission) -> Outcome:
        token = submission.saved_card_token or submission.card_token + ("-keep" if submission.save_card else "")
        bank = self.bank
        if self.kind is Kind.H:
            return self.look_up(order)
        if self.kind is Kind.K:

            def confirm() -> Outcome:
                charge = bank.charges.get(order.processor_ref)
                if charge is None:
                    raise Answered(404, "no_such_charge")
                charge.customer = charge.customer or self._customer(order)
                return self._early(self._tell(bank.pay(charge, token)), order)

            return self._asked("submit", lambda: self._once(order.submit_key, token, confirm))
        if self.kind is Kind.O:

            def charge_at_once() -> Outcome:
                charge = bank.reserve(order.reference, order.money.minor, order.money.currency)
                charge.customer, charge.memo = self._customer(order), order.memo
                return self._early(self._tell(bank.pay(charge, token)), order)

            return self._asked("submit", lambda: self._once(order.submit_key, token, charge_at_once))
        return self._authorize_and_capture(order, token)

    def _authorize_and_capture(self, order: ChargeOrder, token: str) -> Outcome:
        """Two calls. What goes wrong with the second is answered here: the first had its effect."""
        bank = self.bank

        def authorize() -> Outcome:
            charge = bank.reserve(order.reference, order.money.minor, order.money.currency)
            charge.customer, charge.memo = self._customer(order), order.memo
            if token.startswith("decline"):
                bank.pay(charge, token)
            return self._tell(charge)

        held = self._asked("authorize", authorize)
        if held.verdict is not Verdict.NEEDS_ACTION:
            return held
        charge = bank.charges[held.processor_ref]
        try:
            return self._asked("capture", lambda: self._tell(bank.pay(charge, token.replace("check", "good"))))
        except Exception as error:
            return Outcome(Verdict.UNKNOWN, processor_ref=charge.ref, detail=type(error).__name__)

    def look_up(self, order: ChargeOrder) -> Outcome:
        def find() -> Outcome:
            charge = self._find(order)
            return self._tell(charge) if charge else Outcome(Verdict.ABSENT)

        return self._mix_up(self._asked("look_up", find))

    def cancel(self, order: ChargeOrder) -> Outcome:
        def fence() -> Outcome:
            charge = self._find(order)
            if charge is not None and self.kind is not Kind.O:
                return self._tell(self.bank.kill(charge))
            if charge is not None and charge.status not in ("reserved", "action"):
                return self._tell(charge)
            if self.kind in (Kind.N, Kind.O):
                return Outcome(Verdict.UNKNOWN, detail="nothing to fence")
            # By the same key: what is still on its way finds a dead one.
            made = self.bank.charges[self._reserve(order).processor_ref]
            return self._tell(self.bank.kill(made))

        return self._asked("cancel", fence)

    # Refunds.

    def refund(self, order: RefundOrder) -> Refunded:
        bank = self.bank
        self.on_refund(order.reference)
        asked_at, is_slow = bank.now(), order.money.minor % 2 == 1

        def give_back() -> Refunded:
            minor = order.money.minor
            made = bank.refund(order.charge_ref, order.reference, minor, asked_at=asked_at, is_slow=is_slow)
            return self._tell_refund(made, order.money.currency)

        try:
            return self.network.call(
                "refund", lambda: self._once_refund(order.key, (order.charge_ref, order.money.minor), give_back)
            )
        except Answered as no:
            verdict = Verdict.DECLINED if no.status == 400 else Verdict.NOT_SENT
            return Refunded("", order.money, verdict, reference=order.reference)

    def look_up_refund(self, order: RefundOrder) -> Refunded:
        def find() -> Refunded:
            found = self.bank.find_refund(order.processor_ref, order.reference)
            if found is None or (not order.processor_ref and self._is_hidden(found.at)):
                return Refunded("", order.money, Verdict.ABSENT, reference=order.reference)
            return self._tell_refund(found, order.money.currency)

        try:
            return self.network.call("look_up_refund", find)
        except Answered:
            return Refunded("", order.money, Verdict.UNKNOWN, reference=order.reference)

    # Lists, cards, notices.

    def list_since(self, since: datetime) -> Iterable[Outcome]:
        listed = self.network.call(
            "list_since",
            lambda: [
                self._tell(charge)
                for charge in self.bank.charges.values()
                if charge.changed_at >= since and not self._is_hidden(charge.made_at)
            ],
        )
        for number, outcome in enumerate(listed):
            if number and number % 3 == 0:
                self.network.call("list_page", lambda: None)
            yield outcome

    def list_cards(self, customer_ref: str) -> Sequence[SavedCardFacts]:
        return ()

    def forget_card(self, card: SavedCardFacts) -> Outcome:
        return self._asked("forget_card", lambda: Outcome(Verdict.SUCCEEDED))

    def read_notice(self, notice: RawNotice) -> Sequence[Report]:
        said = json.loads(notice.body)
        if notice.headers.get("signature") != "right":
            raise BadNotice("wrong signature")
        return [Report(said["id"], said["charge"], said["reference"], said["kind"], said["live"])]

    # Inside.

    def _asked(self, name: str, effect: Callable[[], Outcome]) -> Outcome:
        """A no of the processor, before any effect, as a connector tells it."""
        try:
            return self.network.call(name, effect)
        except Answered as no:
            moves = name in ("open", "submit", "authorize", "capture")
            return Outcome(Verdict.NOT_SENT if moves and no.status != 409 else Verdict.UNKNOWN, detail=str(no))

    @staticmethod
    def _early(told: Outcome, order: ChargeOrder) -> Outcome:
        """Some processors call a payment made that is only under way: the look-up knows better."""
        if told.verdict is not Verdict.PENDING or order.money.minor % 2:
            return told
        return replace(told, verdict=Verdict.SUCCEEDED, money=order.money)

    def _mix_up(self, told: Outcome) -> Outcome:
        """One answer that can't be about this order; the next one is right again."""
        chance = self.network.random.random() if self.mixes_up and not self.network.way.is_calm else 1.0
        if told.verdict is not Verdict.SUCCEEDED or told.money is None or chance > 0.3:
            return told
        self.network.way.say("processor: answers wrongly")
        others = [
            each for each in self.bank.charges.values() if each.status == "paid" and each.ref != told.processor_ref
        ]
        if others:
            return self._tell(others[0])
        return replace(told, reference="SOMEBODYELSES0000000") if chance < 0.2 else replace(told, live_mode=True)

    def _reserve(self, order: ChargeOrder) -> Outcome:
        def make() -> Outcome:
            status = "action" if self.kind is Kind.H else "reserved"
            charge = self.bank.reserve(order.reference, order.money.minor, order.money.currency, status)
            charge.customer, charge.memo = self._customer(order), order.memo
            return self._tell(charge)

        return self._once(order.open_key, (order.reference, order.money.minor), make)

    def _once(self, key: str, asked: object, work: Callable[[], Outcome]) -> Outcome:
        answer = self.bank.once(key, asked, work)
        assert isinstance(answer, Outcome)
        return answer

    def _once_refund(self, key: str, asked: object, work: Callable[[], Refunded]) -> Refunded:
        answer = self.bank.once(key, asked, work)
        assert isinstance(answer, Refunded)
        return answer

    @staticmethod
    def _customer(order: ChargeOrder) -> str:
        return order.customer_ref or (f"cus_{order.payer_reference}" if order.payer_reference else "")

    def _find(self, order: ChargeOrder) -> Charge | None:
        if order.processor_ref:
            return self.bank.charges.get(order.processor_ref)
        found = self.bank.find(order.reference)
        return None if found is None or self._is_hidden(found.made_at) else found

    def _is_hidden(self, at: datetime) -> bool:
        return self.lag_s > 0 and (self.bank.now() - at).total_seconds() < self.lag_s

    def _tell(self, charge: Charge) -> Outcome:
        is_paid = charge.status == "paid"
        currency = charge.currency
        return Outcome(
            _VERDICTS[charge.status],
            processor_ref=charge.ref,
            reference=charge.reference,
            money=Money(charge.captured, currency) if is_paid else None,
            card=CARD if is_paid else None,
            saved_card=SavedCardFacts(charge.kept_card, charge.customer, CARD) if charge.kept_card else None,
            step=Step(f"https://pay.example.org/{charge.ref}") if charge.status == "action" else None,
            decline=Decline.GENERIC if charge.status == "declined" else None,
            refunds=tuple(self._tell_refund(each, currency) for each in charge.refunds),
            disputes=tuple(
                Disputed(
                    each.ref, Money(each.amount, currency), Money(each.withheld, currency), each.status, each.at
                )
                for each in charge.disputes
            ),
            live_mode=False,
            memo=charge.memo,
            at=charge.changed_at,
        )

    @staticmethod
    def _tell_refund(refund: BankRefund, currency: str) -> Refunded:
        return Refunded(
            refund.ref, Money(refund.amount, currency), _REFUNDS[refund.status], refund.reference, refund.at
        )
