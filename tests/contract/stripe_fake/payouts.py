"""The fake's balance: a transaction for each movement, and payouts of what has moved so far."""

from __future__ import annotations

from tests.contract.stripe_fake.store import Account, Thing


def charge_fee(amount: int) -> int:
    """2.9 percent and 30 cents, as Stripe's price list has it for cards of the country."""
    return (amount * 29 + 500) // 1000 + 30


def enter(account: Account, kind: str, amount: int, source: Thing, *, fee: int = 0) -> Thing:
    return account.new(
        "txn", "balance_transaction", type=kind, amount=amount, fee=fee, net=amount - fee,
        currency=source["currency"], source=source["id"], payout=None, status="available",
    )  # fmt: skip


def pay_out(account: Account, *, extra: int = 0, automatic: bool = True) -> Thing:
    """Send everything that is in no payout yet. Its own transaction stands among those of the payout."""
    waiting = [each for each in account.all("balance_transaction") if each["payout"] is None]
    amount = sum(each["net"] for each in waiting) + extra
    made = account.new(
        "po", "payout", amount=amount, currency="usd", status="in_transit", automatic=automatic,
        reconciliation_status="completed" if automatic else "not_applicable",
    )  # fmt: skip
    made["arrival_date"] = made["created"] + 2 * 24 * 3600
    own = enter(account, "payout", -amount, made)
    for each in (*waiting, own) if automatic else (own,):
        each["payout"] = made["id"]
    return made


def fail(account: Account, payout: Thing) -> None:
    payout["status"] = "failed"
    enter(account, "payout_failure", payout["amount"], payout)
