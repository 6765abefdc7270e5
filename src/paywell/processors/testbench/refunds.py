"""Money that goes back: refunds, asked for by Paywell or made here, and disputes."""

from __future__ import annotations

from paywell.processors.testbench import charges, faults, notices, payouts
from paywell.processors.testbench.store import Row, Store, new_object_id, stamp
from paywell.processors.testbench.web import Refused


def refund(store: Store, charge: Row, *, amount: int, reference: str) -> Row:
    """Give back `amount`. Refused unless the charge is paid, undisputed and has that much left."""
    if charge["status"] != "succeeded":
        raise Refused(422, "charge_not_paid", "Only a paid charge can be refunded.")
    if store.one("SELECT id FROM disputes WHERE charge = ? AND status <> 'won'", charge["id"]):
        raise Refused(422, "charge_disputed", "A disputed charge can't be refunded.")
    if amount <= 0 or amount > charge["captured"] - refunded(store, charge):
        raise Refused(422, "refund_too_large", "The refund is larger than what is left of the charge.")
    status = "pending" if faults.refund_waits(store, charge["account"]) else "succeeded"
    refund_id = new_object_id("re")
    store.insert(
        "refunds", id=refund_id, account=charge["account"], charge=charge["id"], reference=reference, amount=amount,
        status=status, made=stamp(),
    )  # fmt: skip
    if status == "succeeded":
        payouts.enter(store, charge, "refund", -amount, object_id=refund_id, reference=reference)
    return _changed(store, "refunds", refund_id, f"refund.{status}")


def refunded(store: Store, charge: Row) -> int:
    row = store.one(
        "SELECT COALESCE(SUM(amount), 0) AS total FROM refunds WHERE charge = ? AND status <> 'failed'",
        charge["id"],
    )
    return int(row["total"]) if row else 0


def settle_refund(store: Store, account: str, refund_id: str, status: str) -> Row:
    """Let a refund succeed or fail, also one that had succeeded: banks send money back days later."""
    row = store.get("refunds", account, refund_id)
    if row is None or status not in ("succeeded", "failed"):
        raise Refused(404, "not_found", "There is no such refund.")
    store.update("refunds", refund_id, status=status)
    change = row["amount"] * ((row["status"] == "succeeded") - (status == "succeeded"))
    if change:
        charge = charges.read(store, row["charge"])
        payouts.enter(store, charge, "refund", change, object_id=refund_id, reference=row["reference"])
    return _changed(store, "refunds", refund_id, f"refund.{status}")


def dispute(store: Store, charge: Row, amount: int) -> Row:
    """The cardholder's bank takes `amount` back, for now."""
    if charge["status"] != "succeeded" or not 0 < amount <= charge["captured"]:
        raise Refused(422, "charge_not_paid", "Only a paid charge can be disputed, up to its amount.")
    dispute_id = new_object_id("dp")
    store.insert(
        "disputes", id=dispute_id, account=charge["account"], charge=charge["id"], amount=amount, withheld=amount,
        status="open", made=stamp(),
    )  # fmt: skip
    payouts.enter(store, charge, "dispute", -amount, fee=payouts.DISPUTE_FEE, object_id=dispute_id)
    return _changed(store, "disputes", dispute_id, "dispute.open")


def close_dispute(store: Store, account: str, dispute_id: str, status: str) -> Row:
    row = store.get("disputes", account, dispute_id)
    if row is None or status not in ("won", "lost"):
        raise Refused(404, "not_found", "There is no such dispute.")
    withheld = 0 if status == "won" else row["amount"]
    if withheld != row["withheld"]:
        charge = charges.read(store, row["charge"])
        payouts.enter(store, charge, "dispute", row["withheld"] - withheld, object_id=dispute_id)
    store.update("disputes", dispute_id, status=status, withheld=withheld)
    return _changed(store, "disputes", dispute_id, f"dispute.{status}")


def _changed(store: Store, table: str, object_id: str, kind: str) -> Row:
    row = store.one(f"SELECT * FROM {table} WHERE id = ?", object_id)  # noqa: S608
    assert row is not None  # noqa: S101
    store.update("charges", row["charge"], changed=stamp())
    notices.announce(store, charges.read(store, row["charge"]), kind)
    return row
