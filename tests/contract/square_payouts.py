"""The stand-in's payouts: everything that moved and is in none yet, with an entry for each movement."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from paywell.core.ids import new_key
from tests.contract.square_fake import Account, SquareFake

Answer = dict[str, Any]


def fee_of(amount: int) -> int:
    """2.9 percent and 30 cents, as Square's price list has it for payments online."""
    return (amount * 29 + 500) // 1000 + 30


def pay_out(fake: SquareFake, account: Account, *, extra: int = 0) -> str:
    entries = [each for each in _movements(fake, account) if each["_about"] not in account.paid_out]
    account.paid_out |= {each["_about"] for each in entries}
    payout_id = f"po_{new_key()[:12]}"
    amount = sum(each["net_amount_money"]["amount"] for each in entries) + extra
    account.payouts[payout_id] = {
        "id": payout_id, "status": "SENT", "location_id": account.location_id, "created_at": fake.stamp(),
        "updated_at": fake.stamp(), "amount_money": _money(account, amount), "type": "BATCH", "version": 1,
        "arrival_date": fake.now().date().isoformat(),
    }  # fmt: skip
    account.entries[payout_id] = [{**each, "payout_id": payout_id} for each in entries]
    return payout_id


def _movements(fake: SquareFake, account: Account) -> Iterator[Answer]:
    for payment in account.payments.values():
        if payment["status"] == "COMPLETED":
            amount = payment["total_money"]["amount"]
            details = {"type_charge_details": {"payment_id": payment["id"]}}
            yield _entry(fake, account, "CHARGE", payment["id"], amount, fee_of(amount), details)
    for refund in account.refunds.values():
        if refund["status"] == "COMPLETED":
            details = {"type_refund_details": {"payment_id": refund["payment_id"], "refund_id": refund["id"]}}
            yield _entry(fake, account, "REFUND", refund["id"], -refund["amount_money"]["amount"], 0, details)
    for dispute in account.disputes.values():
        details = {"type_dispute_details": {"payment_id": dispute["payment_id"], "dispute_id": dispute["id"]}}
        yield _entry(fake, account, "DISPUTE", dispute["id"], -dispute["amount_money"]["amount"], 0, details)
    for payout in account.payouts.values():
        if payout["status"] == "FAILED":
            about = f"{payout['id']} back"
            yield _entry(fake, account, "RETURNED_PAYOUT", about, payout["amount_money"]["amount"], 0, {})


def _entry(
    fake: SquareFake, account: Account, kind: str, about: str, gross: int, fee: int, details: Answer
) -> Answer:
    return {
        "id": f"poe_{new_key()[:12]}", "effective_at": fake.stamp(), "type": kind, "_about": about,
        "gross_amount_money": _money(account, gross), "fee_amount_money": _money(account, fee),
        "net_amount_money": _money(account, gross - fee), **details,
    }  # fmt: skip


def _money(account: Account, amount: int) -> Answer:
    return {"amount": amount, "currency": account.currency}
