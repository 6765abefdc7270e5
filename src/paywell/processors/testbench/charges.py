"""What happens to a charge: reserved, committed, checked by the bank, fenced, given back, disputed.

A charge can take money only while it is `reserved` or `bank_check`, and once.
"""

from __future__ import annotations

from paywell.core.ids import new_token
from paywell.processors.testbench import faults, notices, payouts
from paywell.processors.testbench.cards import DECLINES, Card
from paywell.processors.testbench.store import Row, Store, new_object_id, stamp
from paywell.processors.testbench.web import Refused

#: Nothing moves any more, but for refunds and disputes.
CLOSED = frozenset({"succeeded", "declined", "canceled"})
TOKEN_LIFE_S = 900


def open_charge(
    store: Store,
    account: str,
    *,
    style: str,
    reference: str,
    amount: int,
    currency: str,
    label: str,
    customer: str,
    return_url: str,
    cancel_url: str,
    memo: str,
) -> Row:
    """Reserve. A reference that was fenced before it arrived stays fenced; one in use is refused."""
    known = find_by_reference(store, account, reference)
    if known and known["status"] == "canceled":
        return known
    if known:
        raise Refused(409, "reference_taken", "Another charge has this reference.")
    charge_id = new_object_id("ch")
    store.insert(
        "charges", id=charge_id, account=account, reference=reference, style=style, amount=amount,
        currency=currency, label=label, customer=customer, return_url=return_url, cancel_url=cancel_url,
        page=new_token(), status="reserved", made=stamp(), changed=stamp(), memo=memo,
    )  # fmt: skip
    return read(store, charge_id)


def read(store: Store, charge_id: str) -> Row:
    """The charge as it is now: a late one settles as soon as somebody looks."""
    charge = store.one("SELECT * FROM charges WHERE id = ?", charge_id)
    if charge is None:
        raise Refused(404, "not_found", "There is no such charge.")
    if charge["status"] == "pending" and charge["settle_at"] and charge["settle_at"] <= stamp():
        return settle(store, charge, "succeeded")
    return charge


def find_by_reference(store: Store, account: str, reference: str) -> Row | None:
    row = store.one("SELECT id FROM charges WHERE account = ? AND reference = ?", account, reference)
    return read(store, row["id"]) if row else None


def customer_for(store: Store, account: str, payer: str) -> str:
    """The customer for a payer's opaque name, made at the first mention."""
    row = store.one("SELECT id FROM customers WHERE account = ? AND payer = ?", account, payer)
    if row:
        return str(row["id"])
    customer_id = new_object_id("cus")
    store.insert("customers", id=customer_id, account=account, payer=payer)
    return customer_id


def make_token(store: Store, account: str, card: Card) -> str:
    token = new_object_id("tok")
    store.insert(
        "tokens", id=token, account=account, brand=card.brand, last4=card.last4, exp_month=card.exp_month,
        exp_year=card.exp_year, behavior=card.behavior, made=stamp(),
    )  # fmt: skip
    return token


def use_token(store: Store, account: str, token: str) -> Card:
    """The card behind a token of our fields; a token works once and not for long."""
    row = store.get("tokens", account, token)
    if row is None or row["used"] or row["made"] < stamp(-TOKEN_LIFE_S):
        raise Refused(400, "bad_token", "The card token is unknown, used or too old.")
    store.update("tokens", token, used=1)
    return _card(row)


def saved_card(store: Store, charge: Row, card_id: str) -> Card:
    """A kept card, only for the customer that it was kept for."""
    row = store.get("cards", charge["account"], card_id)
    if row is None or row["removed"] or not charge["customer"] or row["customer"] != charge["customer"]:
        raise Refused(400, "bad_card", "There is no such saved card for this customer.")
    return _card(row)


def list_cards(store: Store, account: str, customer: str) -> list[Row]:
    if not customer:
        return []
    return store.all(
        "SELECT * FROM cards WHERE account = ? AND customer = ? AND removed = 0 ORDER BY made, id",
        account,
        customer,
    )


def commit(store: Store, charge: Row, card: Card, *, saved_as: str = "", save: bool = False) -> Row:
    """Take the money, or say why not. On a charge that is not waiting for it, nothing happens."""
    if charge["status"] != "reserved":
        return charge
    facts = {
        "brand": card.brand, "last4": card.last4, "exp_month": card.exp_month, "exp_year": card.exp_year,
        "behavior": card.behavior, "saved_card": saved_as, "save": int(save and bool(charge["customer"])),
        "changed": stamp(),
    }  # fmt: skip
    store.update("charges", charge["id"], **facts)
    charge = read(store, charge["id"])
    if card.behavior in DECLINES:
        return _refuse(store, charge, card.behavior)
    if card.behavior == "bank_check":
        store.update("charges", charge["id"], status="bank_check", decline="")
        return read(store, charge["id"])
    if card.behavior == "late":
        return _wait(store, charge)
    return settle(store, charge, "succeeded")


def finish_bank_check(store: Store, charge: Row, *, approved: bool) -> Row:
    """What the person answered at the bank. A second answer changes nothing."""
    if charge["status"] != "bank_check":
        return charge
    if approved:
        return settle(store, charge, "succeeded")
    return _refuse(store, charge, "authentication_failed")


def settle(store: Store, charge: Row, status: str) -> Row:
    """Close a charge that is on its way: `succeeded` takes the money, `declined` does not."""
    if charge["status"] in CLOSED:
        return charge
    if status == "declined":
        store.update("charges", charge["id"], status="declined", decline="card_declined", changed=stamp())
    else:
        captured = faults.captured_amount(store, charge)
        values = {"status": "succeeded", "captured": captured, "decline": "", "changed": stamp()}
        if charge["save"] and not charge["saved_card"]:
            values["saved_card"] = _keep_card(store, charge)
        store.update("charges", charge["id"], **values)
        payouts.enter(
            store, charge, "charge", captured, fee=payouts.charge_fee(captured), reference=charge["reference"]
        )
    charge = read(store, charge["id"])
    notices.announce(store, charge, f"charge.{status}")
    return charge


def fence(store: Store, account: str, reference: str) -> Row:
    """Make later success impossible, also for a charge that has not arrived yet. Too late is no error."""
    charge = find_by_reference(store, account, reference)
    if charge is None:
        charge_id = new_object_id("ch")
        store.insert(
            "charges", id=charge_id, account=account, reference=reference, style="fenced", amount=0, currency="USD",
            label="", customer="", return_url="", cancel_url="", page=new_token(), status="canceled", made=stamp(),
            changed=stamp(),
        )  # fmt: skip
        return read(store, charge_id)
    if charge["status"] in ("reserved", "bank_check"):
        store.update("charges", charge["id"], status="canceled", changed=stamp())
        charge = read(store, charge["id"])
        notices.announce(store, charge, "charge.canceled")
    return charge


def _refuse(store: Store, charge: Row, code: str) -> Row:
    """A hosted page stays open for another card; a charge of one screen is closed by its decline."""
    status = "reserved" if charge["style"] == "hosted" else "declined"
    store.update("charges", charge["id"], status=status, decline=code, changed=stamp())
    charge = read(store, charge["id"])
    if status == "declined":
        notices.announce(store, charge, "charge.declined")
    return charge


def _wait(store: Store, charge: Row) -> Row:
    settle_at = stamp(store.timing.late_s)
    store.update("charges", charge["id"], status="pending", decline="", settle_at=settle_at)
    charge = store.one("SELECT * FROM charges WHERE id = ?", charge["id"]) or charge
    notices.announce(store, charge, "charge.pending")
    return charge


def _keep_card(store: Store, charge: Row) -> str:
    """Keep the card for the charge's customer; one that is kept already stays what it is."""
    facts = {name: charge[name] for name in ("brand", "last4", "exp_month", "exp_year", "behavior")}
    for kept in list_cards(store, charge["account"], charge["customer"]):
        if all(kept[name] == value for name, value in facts.items()):
            return str(kept["id"])
    card_id = new_object_id("card")
    store.insert("cards", id=card_id, account=charge["account"], customer=charge["customer"], made=stamp(), **facts)
    return card_id


def _card(row: Row) -> Card:
    return Card(row["brand"], row["last4"], row["exp_month"], row["exp_year"], row["behavior"])
