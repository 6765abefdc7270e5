"""What the test processor keeps for itself and what it sends to the bank: entries, and a payout a day.

Everything of one day (UTC) goes out at its end and arrives two banking days later. Entries of a payout and its
fees add up to its amount, unless it was told to make one that does not.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Final

from paywell.core.clock import now
from paywell.processors.testbench.store import Row, Store, new_object_id, stamp, write_time
from paywell.processors.testbench.web import Refused

#: Of each charge: so much in a thousand, and so much besides. Of each dispute. Minor units.
FEE_PER_MILLE: Final = 29
FEE_FIXED: Final = 30
DISPUTE_FEE: Final = 1500
_SATURDAY: Final = 5


def charge_fee(amount: int) -> int:
    """What is kept of a charge, never more than all of it."""
    return min((amount * FEE_PER_MILLE + 500) // 1000 + FEE_FIXED, amount)


def enter(
    store: Store, charge: Row, kind: str, amount: int, *, fee: int = 0, object_id: str = "", reference: str = ""
) -> None:
    """`amount` moves onto the account's balance (below zero: away from it), less `fee`."""
    store.insert(
        "entries", id=new_object_id("en"), account=charge["account"], kind=kind, object=object_id or charge["id"],
        charge=charge["id"], reference=reference, amount=amount, fee=fee, currency=charge["currency"], made=stamp(),
    )  # fmt: skip


def fee_of(store: Store, charge_id: str) -> int | None:
    """What was kept of a charge; None where it took no money."""
    row = store.one("SELECT fee FROM entries WHERE charge = ? AND kind = 'charge'", charge_id)
    return None if row is None else int(row["fee"])


def refresh(store: Store, account: str) -> None:
    """Pay out each day that is over, and let arrive what is due."""
    today = now().astimezone(UTC).date()
    days = store.all(
        "SELECT DISTINCT substr(made, 1, 10) AS day, currency FROM entries"
        " WHERE account = ? AND payout = '' AND made < ? ORDER BY day, currency",
        account,
        write_time(_midnight(today)),
    )
    for row in days:
        made = _midnight(date.fromisoformat(row["day"]) + timedelta(days=1))
        make_payout(store, account, currency=row["currency"], made=made)
    store.execute(
        "UPDATE payouts SET status = 'paid' WHERE account = ? AND status = 'pending' AND arrives <= ?",
        account,
        today.isoformat(),
    )


def make_payout(store: Store, account: str, *, currency: str, made: datetime, extra: int = 0) -> Row | None:
    """Everything that moved before `made` and is in no payout yet; `extra` is what nothing explains.

    None where there is nothing to send: what adds up to zero waits for the next one.
    """
    waiting = ("FROM entries WHERE account = ? AND payout = '' AND currency = ? AND made <= ?")  # fmt: skip
    values = (account, currency, write_time(made))
    row = store.one(f"SELECT COALESCE(SUM(amount - fee), 0) AS total {waiting}", *values)
    total = int(row["total"]) + extra if row else extra
    if total == 0:
        return None
    payout_id = new_object_id("po")
    store.execute(
        f"UPDATE entries SET payout = ? WHERE id IN (SELECT id {waiting})",  # noqa: S608
        payout_id,
        *values,
    )
    store.insert(
        "payouts", id=payout_id, account=account, amount=total, currency=currency, status="pending",
        made=write_time(made), arrives=_arrival(made.astimezone(UTC).date()).isoformat(),
    )  # fmt: skip
    return store.get("payouts", account, payout_id)


def date_entries(store: Store, account: str, moments: dict[str, datetime]) -> None:
    """Let charges and refunds, by their ids, have moved at those moments: for what is told of the past."""
    for object_id, moment in moments.items():
        store.execute(
            "UPDATE entries SET made = ? WHERE account = ? AND object = ? AND payout = ''",
            write_time(moment.astimezone(UTC)),
            account,
            object_id,
        )


def fail_payout(store: Store, account: str, payout_id: str) -> Row:
    """The bank sent it back: the money lies on the balance again, and goes out with the next one."""
    payout = store.get("payouts", account, payout_id)
    if payout is None or payout["status"] == "failed":
        raise Refused(404, "not_found", "There is no such payout on its way.")
    store.update("payouts", payout_id, status="failed")
    store.insert(
        "entries", id=new_object_id("en"), account=account, kind="payout_failed", object=payout_id, charge="",
        reference="", amount=payout["amount"], fee=0, currency=payout["currency"], made=stamp(),
    )  # fmt: skip
    return {**payout, "status": "failed"}


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


def _arrival(day: date) -> date:
    left = 2
    while left:
        day += timedelta(days=1)
        left -= day.weekday() < _SATURDAY
    return day
