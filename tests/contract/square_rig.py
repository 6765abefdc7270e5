"""One account at the stand-in for Square, and a payer before its card fields."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from datetime import datetime
from typing import Any

from paywell.core.clock import now
from paywell.core.ids import new_key
from paywell.processors import registry
from paywell.processors.contract import (
    ChargeOrder,
    Connection,
    Outcome,
    Processor,
    RawNotice,
    Submission,
)
from tests.contract.rig import PAID, Rig, Sent
from tests.contract.square_calls import make_refund
from tests.contract.square_fake import SquareFake
from tests.contract.square_payouts import pay_out


class SquareRig(Rig):
    __test__ = False
    key_name = "access_token"
    knows_opened = False
    tells_used_cards = True
    asks_bank = False
    one_charge_per_order = False
    holds_references_unique = False
    calls_at_open = False
    lists_by_change = False
    keeps_late = False
    fee_of_dispute = 0
    takes_money_at = "complete"
    currencies = ("USD",)
    nobody_ref = "nobody"
    signature_header = "X-Square-Hmacsha256-Signature"

    def __init__(self, base_url: str, fake: SquareFake) -> None:
        self.name = "square"
        self.base_url = base_url
        self.fake = fake
        self.notice_url = "https://portal.example.org/processors/1/notices/"
        self.secrets = {"access_token": new_key(), "notice_secret": new_key()}
        self.settings = {
            "application_id": "sandbox-sq0idb-test", "location_id": f"L{new_key()[:9].upper()}",
            "api_url": base_url, "notice_url": self.notice_url, "timeout_s": "10",
        }  # fmt: skip
        self.account = fake.new_account(self.secrets["access_token"], self.settings["location_id"])
        self.processor = self.connected()

    def connected(self, **settings: str) -> Processor:
        return registry.connect(self.name, Connection({**self.settings, **settings}, self.secrets, False))

    def impatient(self) -> Processor:
        return self.connected(timeout_s="0.4")

    def elsewhere(self, address: str, **settings: str) -> Processor:
        return self.connected(api_url=address, **settings)

    def token(self, card: str) -> str:
        return self.fake.token(self.account, card)

    def pay(
        self, order: ChargeOrder, card: str = PAID, *, save: bool = False, by: Processor | None = None
    ) -> Outcome:
        return (by or self.processor).submit(order, Submission(card_token=self.token(card), save_card=save))

    def pay_saved(self, order: ChargeOrder, token: str) -> Outcome:
        return self.processor.submit(order, Submission(saved_card_token=token))

    def answer_bank(self, outcome: Outcome, *, approve: bool) -> None:
        raise NotImplementedError("the fields ask the bank themselves")

    def script(self, call: str, kind: str, value: str = "", times: int = 1) -> None:
        self.account.faults.add(call, kind, value, times)

    def settle(self, charge_ref: str, status: str) -> None:
        payment = self.account.payments[charge_ref]
        self.fake.change(self.account, payment, status="COMPLETED" if status == "succeeded" else "FAILED")

    def refund_there(self, charge_ref: str, minor: int) -> None:
        make_refund(self.fake, self.account, self.account.payments[charge_ref], minor, "Returned", "COMPLETED")

    def settle_refund(self, refund_ref: str, status: str) -> None:
        refund = self.account.refunds[refund_ref]
        refund |= {"status": "COMPLETED" if status == "succeeded" else "FAILED", "updated_at": self.fake.stamp()}
        self.fake.change(self.account, self.account.payments[refund["payment_id"]])
        self.fake.notify(self.account, "refund.updated", {"refund": dict(refund)})

    def dispute(self, charge_ref: str, minor: int) -> str:
        at, number = self.fake.stamp(), new_key()
        self.account.disputes[number] = {
            "id": number, "state": "EVIDENCE_REQUIRED", "payment_id": charge_ref,
            "created_at": at, "updated_at": at, "amount_money": {"amount": minor, "currency": "USD"},
        }  # fmt: skip
        self._tell_dispute("dispute.created", number)
        return number

    def close_dispute(self, dispute_ref: str, status: str) -> None:
        self.account.disputes[dispute_ref] |= {"state": status.upper(), "updated_at": self.fake.stamp()}
        self._tell_dispute("dispute.state.updated", dispute_ref)

    def _tell_dispute(self, kind: str, number: str) -> None:
        payment = {"payment_id": self.account.disputes[number]["payment_id"]}
        self.fake.notify(self.account, kind, {"dispute": {"id": number, "disputed_payment": payment}})

    def pay_out(self, extra: int = 0) -> str:
        return pay_out(self.fake, self.account, extra=extra)

    def fail_deposit(self, deposit_ref: str) -> None:
        self.account.payouts[deposit_ref]["status"] = "FAILED"

    def sent(self) -> list[Sent]:
        return [
            Sent(each.method, each.path, each.query, dict(each.headers), each.body) for each in self.account.sent
        ]

    def collect_notices(self, count: int) -> list[RawNotice]:
        assert len(self.account.notices) >= count
        return [self.signed(event) for event in self.account.notices]

    def sign(self, body: bytes, secret: str, at: datetime, url: str = "") -> str:
        signed = (url or self.notice_url).encode() + body
        return base64.b64encode(hmac.new(secret.encode(), signed, hashlib.sha256).digest()).decode()

    def signed(self, event: Any, *, url: str = "") -> RawNotice:
        body = json.dumps(event).encode()
        header = self.sign(body, self.secrets["notice_secret"], now(), url)
        return RawNotice(body, {self.signature_header: header}, "http://10.0.0.1/behind/a/proxy/", now())

    def charged_there(self) -> list[dict[str, Any]]:
        """What took money, by the stand-in's own books."""
        return [each for each in self.account.payments.values() if each["status"] == "COMPLETED"]
