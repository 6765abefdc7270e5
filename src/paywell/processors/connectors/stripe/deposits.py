"""What Stripe keeps and what it sends to the bank: balance transactions and payouts.

Never asked for on the way of a payment: a restricted key may not read them, and no payment may fail for that.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import datetime
from typing import Any, Final

import stripe

from paywell.core.money import Money
from paywell.processors.connectors.stripe.reading import REFERENCE, Thing, read_metadata, read_time
from paywell.processors.contract import Deposit, DepositPart, DepositState, PartKind

_log = logging.getLogger("paywell.processors.stripe")

_PAGE: Final = 100
_STATES: Final = {
    "paid": DepositState.PAID,
    "failed": DepositState.FAILED,
    "canceled": DepositState.FAILED,
}
_KINDS: Final = {
    **dict.fromkeys(("charge", "payment"), PartKind.CHARGE),
    **dict.fromkeys(("refund", "refund_failure", "payment_refund"), PartKind.REFUND),
    **dict.fromkeys(("payment_failure_refund", "payment_reversal"), PartKind.REFUND),
    **dict.fromkeys(("stripe_fee", "stripe_fx_fee", "tax_fee"), PartKind.FEE),
    **dict.fromkeys(("payout_failure", "payout_cancel"), PartKind.RETURNED),
}  # fmt: skip
#: What stands among a payout's transactions and is the payout itself.
_ITSELF: Final = "payout"


def read_fees(client: stripe.StripeClient, since: datetime) -> dict[str, Money]:
    """The fee of each charge since then, by the charge's id. Empty where the key may not read them."""
    try:
        listed = client.v1.balance_transactions.list(
            {"created": {"gte": int(since.timestamp())}, "type": "charge", "limit": _PAGE}
        )
        told = [each.to_dict() for each in listed.auto_paging_iter()]
    except stripe.PermissionError:
        _log.warning("the key may not read balance transactions: no fees are told")
        return {}
    return {str(each["source"]): Money(each["fee"], each["currency"].upper()) for each in told}


def list_payouts(client: stripe.StripeClient, since: datetime) -> Iterator[Deposit]:
    """A key that may not read what is in them is refused here, also where there is none yet: then it is told."""
    client.v1.balance_transactions.list({"limit": 1})
    listed = client.v1.payouts.list({"created": {"gte": int(since.timestamp())}, "limit": _PAGE})
    for each in listed.auto_paging_iter():
        yield read_payout(each.to_dict())


def list_parts(client: stripe.StripeClient, payout_id: str) -> Iterator[DepositPart]:
    """What is in an automatic payout; each with what it is about, for the references in its metadata."""
    listed = client.v1.balance_transactions.list({"payout": payout_id, "limit": _PAGE, "expand": ["data.source"]})
    for each in listed.auto_paging_iter():
        transaction = each.to_dict()
        if transaction["type"] != _ITSELF:
            yield read_part(transaction)


def read_payout(payout: Thing) -> Deposit:
    """Only `paid` has arrived. What is in a payout that was not made by schedule, Stripe does not know either."""
    return Deposit(
        payout["id"],
        Money(payout["amount"], payout["currency"].upper()),
        _STATES.get(payout["status"], DepositState.PENDING),
        made_at=read_time(payout["created"]),
        arrives_on=read_time(payout["arrival_date"]).date(),
        is_itemized=bool(payout["automatic"]),
        live_mode=payout["livemode"],
    )


def read_part(transaction: Thing) -> DepositPart:
    currency = transaction["currency"].upper()
    source: Any = transaction.get("source")
    about: Thing = source if isinstance(source, dict) else {"id": source or "", "object": ""}
    kind = _KINDS.get(transaction["type"], PartKind.ADJUSTMENT)
    if about.get("object") == "dispute":
        kind = PartKind.DISPUTE
    return DepositPart(
        transaction["id"],
        kind,
        gross=Money(transaction["amount"], currency),
        fee=Money(transaction["fee"], currency),
        object_ref=str((about.get("payment_intent") if kind is PartKind.CHARGE else "") or about["id"]),
        reference=read_metadata(about, REFERENCE) if kind in (PartKind.CHARGE, PartKind.REFUND) else "",
        at=read_time(transaction["created"]),
    )
