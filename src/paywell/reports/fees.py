"""What left the processors besides refunds and disputes: their fees, and what they sent to the bank."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from django.db.models import Q, Sum

from paywell.accounts.types import StaffViewer
from paywell.payments.deposits import OF_CHARGES
from paywell.payments.models import Attempt, AttemptState, Deposit, DepositPart
from paywell.processors.contract import DepositState, PartKind
from paywell.reports.types import Period

#: Before any practice had an account anywhere.
EVER = date(2000, 1, 1)


@dataclass(slots=True)
class Register:
    """Of one processor account over some days, in minor units. All of it is told by the processor."""

    fees: int = 0  #: kept: of payments by the day they were settled, others by the day of their deposit
    deposited: int = 0  #: sent to the bank and not sent back, by the day of its arrival
    corrected: int = 0  #: entries that are neither payment, refund, dispute, fee nor a deposit that came back
    unexplained: int = 0  #: what deposits are more than the sum of their entries
    foreign: int = 0  #: in deposits, of charges that the ledger does not know

    @property
    def gone(self) -> int:
        """By how much less lies at the processor than the ledger's clearing account says."""
        return self.fees + self.deposited - self.corrected - self.unexplained - self.foreign


def read_register(viewer: StaffViewer, period: Period) -> dict[UUID, Register]:
    """By processor account. Three queries."""
    found: dict[UUID, Register] = defaultdict(Register)
    mine = {"practice": viewer.practice, "currency": viewer.practice.currency}
    _add_charges(found, mine, period)
    sent = Deposit.objects.filter(**mine, arrives_on__range=(period.first, period.last)).order_by()
    for account, state, is_itemized, total in sent.values_list(
        "processor_account", "state", "is_itemized"
    ).annotate(total=Sum("amount_minor")):
        found[account].deposited += total * (state != DepositState.FAILED)
        found[account].unexplained += total * is_itemized
    parts = DepositPart.objects.filter(practice=viewer.practice, deposit__in=sent).order_by()
    for account, kind, is_booked, state, gross, fee in parts.values_list(
        "deposit__processor_account", "kind", "is_booked", "attempt__state"
    ).annotate(gross=Sum("gross_minor"), fee=Sum("fee_minor")):
        _add_parts(found[account], kind, gross, fee, is_booked=is_booked, is_paid=state == AttemptState.SUCCEEDED)
    return found


def _add_charges(found: dict[UUID, Register], mine: dict[str, object], period: Period) -> None:
    paid = Attempt.objects.filter(
        Q(closed_at__gte=period.start, closed_at__lt=period.end),
        **mine,
        state=AttemptState.SUCCEEDED,
        fee_minor__isnull=False,
    )
    for account, total in paid.order_by().values_list("processor_account").annotate(total=Sum("fee_minor")):
        found[account].fees += total


def _add_parts(register: Register, kind: str, gross: int, fee: int, *, is_booked: bool, is_paid: bool) -> None:
    register.unexplained -= gross - fee
    if kind in OF_CHARGES and not is_booked:
        register.foreign += gross - fee
        return
    if kind != PartKind.CHARGE or not is_paid:  # a payment's fee is counted with the payment
        register.fees += fee
    if kind == PartKind.FEE:
        register.fees -= gross
    if kind == PartKind.ADJUSTMENT:
        register.corrected += gross
