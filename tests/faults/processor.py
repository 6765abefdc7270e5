"""A simulated card processor: what it keeps, and what it answers. It outlives our process and our database.

Kinds: K (an object is reserved by a key, then committed; it can be fenced), N (no keys: authorize, then capture; a
void fences), O (one call charges; a key, no fence), H (a hosted page; expiring the page fences).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

#: After this a key is forgotten, and a call with it is a new one.
KEY_VALID_S = 24 * 3600
#: A hosted page that nobody fences stays open that long.
PAGE_VALID_S = 24 * 3600
#: What was refunded in the processor's pages less than this before our request, our look-up may have missed.
UNSEEN_S = 60


class Kind(StrEnum):
    K = "K"
    N = "N"
    O = "O"  # noqa: E741
    H = "H"


class Answered(Exception):
    """The processor says no to a call, before any effect."""

    def __init__(self, status: int, code: str) -> None:
        super().__init__(f"{status} {code}")
        self.status, self.code = status, code


@dataclass
class BankRefund:
    ref: str
    reference: str  #: ours; empty if made at the processor
    amount: int
    status: str  #: pending, done, failed
    at: datetime


@dataclass
class BankDispute:
    ref: str
    amount: int
    withheld: int
    status: str  #: open, won, lost
    at: datetime


@dataclass
class Charge:
    """`status`: reserved (can be taken by our call), action (by the payer), pending, paid, declined, dead."""

    ref: str
    reference: str
    amount: int
    currency: str
    status: str
    made_at: datetime
    changed_at: datetime
    captured: int = 0
    customer: str = ""
    memo: str = ""  #: what we told of the payment, kept for us
    token: str = ""
    kept_card: str = ""
    paid_at: datetime | None = None
    refunds: list[BankRefund] = field(default_factory=list)
    disputes: list[BankDispute] = field(default_factory=list)

    @property
    def refunded(self) -> int:
        return sum(each.amount for each in self.refunds if each.status == "done")

    @property
    def withheld(self) -> int:
        return sum(each.withheld for each in self.disputes)

    @property
    def is_disputed(self) -> bool:
        return any(each.status == "open" for each in self.disputes)


class Bank:
    """All charges of one account at the processor. Every method is one step: what it does, it does at once."""

    def __init__(self, kind: Kind, now: Callable[[], datetime], tell: Callable[[Charge, str], None]) -> None:
        self.kind = kind
        self.now = now
        self.tell = tell  #: a change that the processor sends a notice of
        self.charges: dict[str, Charge] = {}
        self.keys: dict[str, tuple[object, object, datetime]] = {}
        self.number = 0
        self.captures = 0

    # What a key does.

    def once(self, key: str, asked: object, work: Callable[[], object]) -> object:
        """The same key gives the same answer, a no included; with other content it is an error."""
        if self.kind is Kind.N or not key:
            return work()
        known = self.keys.get(key)
        if known is not None and (self.now() - known[2]).total_seconds() < KEY_VALID_S:
            if known[0] != asked:
                raise Answered(409, "key_reused")
            if isinstance(known[1], Exception):
                raise known[1]
            return known[1]
        try:
            answer = work()
        except Answered as no:
            self.keys[key] = (asked, no, self.now())
            raise
        self.keys[key] = (asked, answer, self.now())
        return answer

    # Charges.

    def reserve(self, reference: str, amount: int, currency: str, status: str = "reserved") -> Charge:
        self.number += 1
        now = self.now()
        charge = Charge(f"ch_{self.number}", reference, amount, currency, status, now, now)
        self.charges[charge.ref] = charge
        return charge

    def pay(self, charge: Charge, token: str) -> Charge:
        """What the card does. A dead charge takes no money; a paid one none again."""
        if charge.status not in ("reserved", "action"):
            return charge
        charge.token = token
        does = token.split("-")[0]
        if does == "decline":
            if self.kind is not Kind.H:  # the hosted page lets the payer try another card
                self._change(charge, "declined")
        elif does == "check" and charge.status == "reserved" and self.kind is not Kind.O:  # one call, one answer
            self._change(charge, "action")
        elif does == "slow":
            self._change(charge, "pending")
        else:
            self._take(charge)
        return charge

    def finish(self, charge: Charge, *, is_paid: bool) -> None:
        """What was pending comes to its end."""
        if charge.status == "pending":
            if is_paid:
                self._take(charge)
            else:
                self._change(charge, "declined")

    def kill(self, charge: Charge) -> Charge:
        """Fence: nothing that is dead takes money. Too late for what is paid or under way."""
        if charge.status in ("reserved", "action"):
            self._change(charge, "dead")
        return charge

    def find(self, reference: str) -> Charge | None:
        """By our reference: the one that took money, else the one that could, else the last."""
        found = [charge for charge in self.charges.values() if charge.reference == reference]
        order = {"paid": 0, "pending": 1, "action": 2, "reserved": 3, "declined": 4, "dead": 5}
        return min(found, key=lambda charge: order[charge.status], default=None)

    def _take(self, charge: Charge) -> None:
        charge.captured = charge.amount - (100 if charge.token.startswith("short") and charge.amount > 200 else 0)
        charge.paid_at = self.now()
        self.captures += 1
        if charge.token.endswith("keep") and charge.customer:
            charge.kept_card = f"card_{charge.ref}"
        self._change(charge, "paid")

    def _change(self, charge: Charge, status: str) -> None:
        charge.status = status
        charge.changed_at = self.now()
        self.tell(charge, status)

    def expire_pages(self) -> None:
        for charge in self.charges.values():
            if charge.status == "action" and (self.now() - charge.made_at).total_seconds() > PAGE_VALID_S:
                self._change(charge, "dead")

    # Refunds and disputes.

    def refund(
        self,
        charge_ref: str,
        reference: str,
        amount: int,
        *,
        asked_at: datetime | None = None,
        is_slow: bool = False,
    ) -> BankRefund:
        charge = self.charges.get(charge_ref)
        if charge is None or charge.status != "paid":
            raise Answered(400, "charge_not_paid")
        if charge.is_disputed:
            raise Answered(400, "charge_disputed")
        counted = charge.refunds if self._adds_up(charge, asked_at) else []
        given = sum(each.amount for each in counted if each.status != "failed")
        if given + amount > charge.captured:
            raise Answered(400, "refund_too_large")
        self.number += 1
        made = BankRefund(f"re_{self.number}", reference, amount, "pending" if is_slow else "done", self.now())
        charge.refunds.append(made)
        self._touch(charge, "refund")
        return made

    def _adds_up(self, charge: Charge, asked_at: datetime | None) -> bool:
        """N leaves it to us that no more goes back than came in, but for what no look-up of ours could know.

        That is what was refunded in its own pages since we asked for this refund, or in the minute before.
        """
        if self.kind is not Kind.N or asked_at is None:
            return True
        in_pages = [each.at for each in charge.refunds if not each.reference]
        return any((asked_at - at).total_seconds() < UNSEEN_S for at in in_pages)

    def end_refund(self, charge: Charge, refund: BankRefund, status: str) -> None:
        if refund.status != status and refund.status != "failed":
            refund.status = status
            self._touch(charge, "refund")

    def find_refund(self, ref: str, reference: str) -> BankRefund | None:
        """By their reference, else by ours."""
        for charge in self.charges.values():
            for refund in charge.refunds:
                if refund.ref == ref or (not ref and reference and refund.reference == reference):
                    return refund
        return None

    def dispute(self, charge: Charge) -> BankDispute | None:
        """The payer's bank takes back what is left of the payment."""
        left = charge.captured - charge.refunded
        if charge.status != "paid" or charge.disputes or left <= 0:
            return None
        self.number += 1
        made = BankDispute(f"dp_{self.number}", left, left, "open", self.now())
        charge.disputes.append(made)
        self._touch(charge, "dispute")
        return made

    def end_dispute(self, charge: Charge, dispute: BankDispute, status: str) -> None:
        if dispute.status == "open":
            dispute.status = status
            dispute.withheld = 0 if status == "won" else dispute.withheld
            self._touch(charge, "dispute")

    def _touch(self, charge: Charge, what: str) -> None:
        charge.changed_at = self.now()
        self.tell(charge, what)

    # What the oracle reads.

    @property
    def holds(self) -> int:
        """Captured, less given back, less withheld: every cent that is ours over there."""
        return sum(each.captured - each.refunded - each.withheld for each in self.charges.values())
