"""A processor in memory, scriptable call by call. It really keeps charges: what it says is what it did."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from paywell.core import clock
from paywell.core.db import in_transaction
from paywell.core.money import Money
from paywell.processors.contract import (
    Capability,
    CardFacts,
    ChargeOrder,
    Decline,
    Deposit,
    DepositPart,
    DepositState,
    Disputed,
    Fields,
    Hosts,
    Outcome,
    PartKind,
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

VISA = CardFacts("visa", "4242", 4, 2031)

#: A call's script: given the true answer, what arrives.
Script = Callable[[Outcome], Outcome]


@dataclass
class Charge:
    """One charge over there."""

    processor_ref: str
    reference: str
    money: Money
    status: str = "reserved"  #: reserved, action, pending, paid, declined, canceled
    captured: Money | None = None
    fee: Money | None = None
    decline: Decline | None = None
    saved_card: SavedCardFacts | None = None
    refunds: dict[str, Refunded] = field(default_factory=dict)
    disputes: tuple[Disputed, ...] = ()
    memo: str = ""


class FakeProcessor:
    """Answers truthfully unless `scripts` has something else for the next call of that name."""

    name = "fake"
    is_test = True
    capabilities = frozenset(Capability)

    def __init__(self, style: Style = Style.INLINE) -> None:
        self.style = style
        self.charges: dict[str, Charge] = {}
        self.calls: list[str] = []
        self.scripts: dict[str, list[Script]] = {}
        self.deposits: dict[str, Deposit] = {}
        self.parts: dict[str, list[DepositPart]] = {}
        self.fee_minor = 0  #: kept of each charge that is paid from now on
        self.behavior = "paid"  #: what the next submitted card does
        self.before: dict[str, Callable[[], object]] = {}

    # What tests say.

    def script(self, call: str, *answers: Script) -> None:
        self.scripts.setdefault(call, []).extend(answers)

    def lose(self, call: str) -> None:
        """The call has its effect, and its answer is lost."""
        self.script(call, lambda truth: Outcome(Verdict.UNKNOWN, detail="ReadTimeout"))

    def pay_at_step_two(self, reference: str, behavior: str = "paid", *, save: bool = False) -> None:
        """The payer presses Submit on the processor's page."""
        self._charge(self._get(reference), behavior, save=save)

    def finish(self, reference: str, status: str = "paid") -> None:
        """What was pending gets its answer."""
        charge = self._get(reference)
        charge.status = status
        charge.captured = charge.money if status == "paid" else None

    def pay_out(self, state: DepositState = DepositState.PAID, *, extra: int = 0, days: int = 2) -> Deposit:
        """Send to the bank what moved and is in no deposit that arrived; `extra` is explained by nothing."""
        parts = self._unsent()
        amount = sum((part.gross - part.fee for part in parts), Money(extra))
        now = clock.now()
        ref = f"po_{len(self.deposits) + 1}"
        self.deposits[ref] = Deposit(ref, amount, state, now, now.date() + timedelta(days=days))
        self.parts[ref] = parts
        return self.deposits[ref]

    def send_back(self, ref: str) -> None:
        """The bank sends a deposit back: it goes out with the next one."""
        self.deposits[ref] = replace(self.deposits[ref], state=DepositState.FAILED)

    @property
    def not_sent(self) -> int:
        """What lies here still, in minor units, less the fees."""
        return sum(part.gross.minor - part.fee.minor for part in self._unsent())

    def _unsent(self) -> list[DepositPart]:
        sent = {part.entry_ref for parts in self.parts.values() for part in parts}
        return [part for part in self._entries() if part.entry_ref not in sent]

    def _entries(self) -> Iterable[DepositPart]:
        """Every movement so far."""
        for charge in self.charges.values():
            if charge.captured:
                fee = charge.fee or Money(0)
                yield DepositPart(
                    f"e_{charge.processor_ref}", PartKind.CHARGE, charge.captured, fee, charge.processor_ref,
                    charge.reference,
                )  # fmt: skip
            for refund in charge.refunds.values():
                if refund.verdict is Verdict.SUCCEEDED:
                    ref = refund.processor_ref
                    yield DepositPart(f"e_{ref}", PartKind.REFUND, Money(0) - refund.money, Money(0), ref)
            for dispute in charge.disputes:
                entry = f"e_{dispute.processor_ref}_{dispute.status}"
                moved = Money(0) - dispute.withheld
                yield DepositPart(entry, PartKind.DISPUTE, moved, Money(1500), dispute.processor_ref)
        for ref, deposit in self.deposits.items():
            if deposit.state is DepositState.FAILED:
                yield DepositPart(f"e_{ref}_back", PartKind.RETURNED, deposit.money, Money(0), ref)

    def count(self, call: str) -> int:
        return self.calls.count(call)

    @property
    def taken(self) -> int:
        """Everything ever captured, in minor units."""
        return sum(charge.captured.minor for charge in self.charges.values() if charge.captured)

    # The contract.

    def hosts(self) -> Hosts:
        return Hosts()

    def fields(self) -> Fields | None:
        return None

    def check_setup(self) -> Sequence[str]:
        return ()

    def open(self, order: ChargeOrder) -> Outcome:
        self._begin("open")
        charge = self.charges.setdefault(
            order.reference,
            Charge(f"ch_{len(self.charges) + 1}", order.reference, order.money, memo=order.memo),
        )
        if self.style is Style.TWO_STEP and charge.status == "reserved":
            charge.status = "action"
        return self._end("open", self._tell(charge))

    def submit(self, order: ChargeOrder, submission: Submission) -> Outcome:
        self._begin("submit")
        charge = self._get(order.reference)
        if charge.status == "reserved":
            self._charge(charge, self.behavior, save=submission.save_card)
        return self._end("submit", self._tell(charge))

    def look_up(self, order: ChargeOrder) -> Outcome:
        self._begin("look_up")
        return self._end("look_up", self._find(order))

    def cancel(self, order: ChargeOrder) -> Outcome:
        self._begin("cancel")
        charge = self.charges.get(order.reference)
        if charge is not None and charge.status in ("reserved", "action"):
            charge.status = "canceled"
        found = self._find(order)
        return self._end("cancel", replace(found, verdict=Verdict.UNKNOWN) if charge is None else found)

    def refund(self, order: RefundOrder) -> Refunded:
        self._begin("refund")
        charge = self._get(order.charge_reference)
        made = Refunded(f"re_{order.reference}", order.money, Verdict.SUCCEEDED, reference=order.reference)
        made = charge.refunds.setdefault(order.key, made)
        scripts = self.scripts.get("refund")
        told = scripts.pop(0)(made) if scripts else made  # type: ignore[arg-type]
        if told.verdict is Verdict.DECLINED:  # it never was made over there
            charge.refunds[order.key] = told  # type: ignore[assignment]
        return told  # type: ignore[return-value]

    def look_up_refund(self, order: RefundOrder) -> Refunded:
        self._begin("look_up_refund")
        found = self._get(order.charge_reference).refunds.get(order.key)
        return found or Refunded("", order.money, Verdict.ABSENT, reference=order.reference)

    def list_since(self, since: datetime) -> Iterable[Outcome]:
        self._begin("list_since")
        return [self._tell(charge) for charge in self.charges.values()]

    def list_deposits(self, since: datetime) -> Iterable[Deposit]:
        self._begin("list_deposits")
        return [each for each in self.deposits.values() if each.made_at >= since]

    def list_deposit_parts(self, deposit_ref: str) -> Iterable[DepositPart]:
        self._begin("list_deposit_parts")
        return list(self.parts[deposit_ref])

    def list_cards(self, customer_ref: str) -> Sequence[SavedCardFacts]:
        return ()

    def forget_card(self, card: SavedCardFacts) -> Outcome:
        self._begin("forget_card")
        return self._end("forget_card", Outcome(Verdict.SUCCEEDED))

    def read_notice(self, notice: RawNotice) -> Sequence[Report]:
        return ()

    # Inside.

    def _begin(self, call: str) -> None:
        assert not in_transaction(), f"{call} was called inside a transaction"
        self.calls.append(call)
        if call in self.before:
            self.before.pop(call)()

    def _end(self, call: str, truth: Outcome) -> Outcome:
        scripts = self.scripts.get(call)
        return scripts.pop(0)(truth) if scripts else truth

    def _get(self, reference: str) -> Charge:
        return self.charges[reference]

    def _find(self, order: ChargeOrder) -> Outcome:
        charge = self.charges.get(order.reference)
        return self._tell(charge) if charge else Outcome(Verdict.ABSENT)

    def _charge(self, charge: Charge, behavior: str, *, save: bool) -> None:
        if charge.status not in ("reserved", "action"):
            return
        if behavior == "declined":
            charge.status, charge.decline = "declined", Decline.INSUFFICIENT_FUNDS
        elif behavior == "bank_check":
            charge.status = "action"
        elif behavior == "late":
            charge.status = "pending"
        else:
            charge.status, charge.captured = "paid", charge.money
            charge.fee = Money(self.fee_minor) if self.fee_minor else None
        if save and charge.status == "paid":
            charge.saved_card = SavedCardFacts(f"card_{charge.processor_ref}", "cus_1", VISA)

    def _tell(self, charge: Charge) -> Outcome:
        verdicts = {
            "reserved": Verdict.NEEDS_ACTION,
            "action": Verdict.NEEDS_ACTION,
            "pending": Verdict.PENDING,
            "paid": Verdict.SUCCEEDED,
            "declined": Verdict.DECLINED,
            "canceled": Verdict.CANCELED,
        }
        is_paid = charge.status == "paid"
        return Outcome(
            verdicts[charge.status],
            processor_ref=charge.processor_ref,
            reference=charge.reference,
            money=charge.captured if is_paid else None,
            fee=charge.fee if is_paid else None,
            card=VISA if is_paid else None,
            saved_card=charge.saved_card,
            step=Step(f"https://pay.example.org/{charge.processor_ref}") if charge.status == "action" else None,
            decline=charge.decline,
            refunds=tuple(charge.refunds.values()),
            disputes=charge.disputes,
            live_mode=False,
            memo=charge.memo,
        )
