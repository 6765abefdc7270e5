"""What Square keeps and what it sends to the bank: payouts and their entries."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Final

from square.types.payout import Payout
from square.types.payout_entry import PayoutEntry

from paywell.core.money import Money
from paywell.processors.connectors.square.client import OPTIONS, Api
from paywell.processors.connectors.square.reading import moment, read_money
from paywell.processors.contract import Deposit, DepositPart, DepositState, PartKind

#: Their clock and ours may differ by that much.
_SKEW: Final = timedelta(minutes=10)
_STATES: Final = {"PAID": DepositState.PAID, "FAILED": DepositState.FAILED}
_FEES: Final = (
    "FEE", "FREE_PROCESSING", "PROCESSING_FEE", "PROCESSING_FEE_REFUND", "UNDO_PROCESSING_FEE_REFUND",
    "DEPOSIT_FEE", "DEPOSIT_FEE_REVERSED", "TAX_ON_FEE", "THIRD_PARTY_FEE", "THIRD_PARTY_FEE_REFUND",
    "PAID_SERVICE_FEE", "PAID_SERVICE_FEE_REFUND", "SUBSCRIPTION_FEE", "SUBSCRIPTION_FEE_PAID_REFUND",
    "SUBSCRIPTION_FEE_REFUND", "LOCAL_OFFERS_FEE", "GIFT_CARD_LOAD_FEE", "GIFT_CARD_LOAD_FEE_REFUND",
    "UNDO_GIFT_CARD_LOAD_FEE_REFUND",
)  # fmt: skip
_KINDS: Final = {
    "CHARGE": PartKind.CHARGE,
    "REFUND": PartKind.REFUND,
    "DISPUTE": PartKind.DISPUTE,
    "OPEN_DISPUTE": PartKind.DISPUTE,
    "RETURNED_PAYOUT": PartKind.RETURNED,
    **dict.fromkeys(_FEES, PartKind.FEE),
}
#: A transfer that the practice made by hand: Square names no entries of it.
_BY_HAND: Final = "SIMPLE"


def list_payouts(api: Api, since: datetime) -> Iterator[Deposit]:
    begin = (since - _SKEW).astimezone(UTC).isoformat(timespec="milliseconds")
    payouts = api.each(
        lambda square: square.payouts.list(
            location_id=api.location_id, begin_time=begin, sort_order="ASC", request_options=OPTIONS
        )
    )
    for payout in payouts:
        yield read_payout(payout)


def list_parts(api: Api, payout_id: str) -> Iterator[DepositPart]:
    entries = api.each(
        lambda square: square.payouts.list_entries(payout_id, sort_order="ASC", request_options=OPTIONS)
    )
    for entry in entries:
        yield read_entry(entry)


def read_payout(payout: Payout) -> Deposit:
    """Only `PAID` has arrived. Raises ValueError where amount or time is missing."""
    money, made_at = read_money(payout.amount_money), moment(payout.created_at)
    if money is None or made_at is None:
        raise ValueError("The payout has no amount or no time.")
    return Deposit(
        payout.id,
        money,
        _STATES.get(str(payout.status or ""), DepositState.PENDING),
        made_at=made_at,
        arrives_on=date.fromisoformat(payout.arrival_date) if payout.arrival_date else made_at.date(),
        is_itemized=payout.type != _BY_HAND,
    )


def read_entry(entry: PayoutEntry) -> DepositPart:
    """The fee is what lies between gross and net, whatever sign Square gives it."""
    gross, net = read_money(entry.gross_amount_money), read_money(entry.net_amount_money)
    if gross is None or net is None:
        raise ValueError("The entry has no amount.")
    return DepositPart(
        entry.id,
        _KINDS.get(str(entry.type or ""), PartKind.ADJUSTMENT),
        gross=gross,
        fee=Money(gross.minor - net.minor, gross.currency),
        object_ref=_object_of(entry),
        at=moment(entry.effective_at),
    )


def _object_of(entry: PayoutEntry) -> str:
    if entry.type_charge_details is not None:
        return entry.type_charge_details.payment_id or ""
    if entry.type_refund_details is not None:
        return entry.type_refund_details.refund_id or ""
    dispute = entry.type_dispute_details or entry.type_open_dispute_details
    return (dispute.dispute_id or "") if dispute is not None else ""
