"""One account at the stand-in for Authorize.Net, and a payer before its hosted page."""

from __future__ import annotations

import hashlib
import hmac
import json
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Any

import httpx

from paywell.core.clock import now
from paywell.core.ids import new_key, new_reference
from paywell.processors import registry
from paywell.processors.contract import (
    ChargeOrder,
    Connection,
    Outcome,
    Processor,
    RawNotice,
    Step,
    Submission,
)
from tests.contract.authorize_net_fake import Account, AuthorizeNetFake, Transaction
from tests.contract.rig import CANCEL_URL, PAID, Rig, Sent, wait_until

#: The suite's words for a call -> the stand-in's, where they differ.
_CALLS = {"find": "list_unsettled", "cancel": "list_unsettled", "look_up_refund": "list_unsettled"}


class AuthorizeNetRig(Rig):
    __test__ = False
    deposits_fail = False
    key_name = "transaction_key"
    knows_opened = False
    holds_references_unique = False
    lists_by_change = False
    tells_used_cards = True
    tells_expiry = False
    asks_bank = False
    voids_pending = True
    refunds_wait = False
    currencies = ("USD",)
    nobody_ref = "60999999999"
    signature_header = "X-ANET-Signature"

    def __init__(self, base_url: str, fake: AuthorizeNetFake) -> None:
        self.name = "authorize_net"
        self.base_url = base_url
        self.fake = fake
        login_id = f"t{new_key()[:12]}"
        self.secrets = {"transaction_key": new_key()[:16], "notice_secret": new_key()}
        self.settings = {"login_id": login_id, "api_url": base_url, "page_url": base_url, "timeout_s": "10"}
        self.account = fake.new_account(
            login_id, self.secrets["transaction_key"], signature_key=self.secrets["notice_secret"]
        )
        self.processor = self.connected()
        self.steps: dict[str, Step] = {}
        self.arrived: list[RawNotice] = []

    def connected(self, **settings: str) -> Processor:
        return registry.connect(self.name, Connection({**self.settings, **settings}, self.secrets, False))

    def impatient(self) -> Processor:
        return self.connected(timeout_s="0.4")

    def elsewhere(self, address: str, **settings: str) -> Processor:
        return self.connected(api_url=address, **settings)

    def opened(self, **changes: Any) -> ChargeOrder:
        order = super().opened(**changes)
        return replace(order, has_step=True)

    def remember(self, order: ChargeOrder, outcome: Outcome) -> None:
        if outcome.step is not None:
            self.steps[order.reference] = outcome.step

    def pay(
        self, order: ChargeOrder, card: str = PAID, *, save: bool = False, by: Processor | None = None
    ) -> Outcome:
        form = {"method": "new", "number": card, "exp": "12/40", "cvc": "123", "zip": "94107"}
        self.submit_page(order, {**form, "save": "yes"} if save else form)
        return (by or self.processor).submit(order, Submission())

    def pay_saved(self, order: ChargeOrder, token: str) -> Outcome:
        self.submit_page(order, {"method": token})
        return self.processor.submit(order, Submission())

    def submit_page(self, order: ChargeOrder, form: dict[str, str]) -> httpx.Response | None:
        """The payer's browser: our page posts the token, their page posts the choice."""
        step = self.steps[order.reference]
        page = httpx.post(step.url, data=dict(step.fields))
        assert page.status_code == 200, page.text
        url = step.url.replace("/payment/payment", "/payment/submit")
        try:
            response = httpx.post(url, data={**form, **step.fields}, timeout=10)
        except httpx.HTTPError:
            return None
        if response.status_code == 302:
            assert response.headers["location"] == order.return_url
        return response

    def answer_bank(self, outcome: Outcome, *, approve: bool) -> None:
        raise NotImplementedError("their page asks the bank itself")

    def script(self, call: str, kind: str, value: str = "", times: int = 1) -> None:
        if call == "payouts":  # the batches, and what is in one
            self.account.faults.add("list", kind, value, 1)
            self.account.faults.add("getTransactionListRequest", kind, value, 1)
            return
        self.account.faults.add(_CALLS.get(call, call), kind, value, times)

    def settle(self, charge_ref: str, status: str) -> None:
        found = self.account.transactions[charge_ref]
        found.status = "capturedPendingSettlement" if status == "succeeded" else "failedReview"
        found.reason = 1 if status == "succeeded" else 2

    def settle_day(self) -> None:
        """The day's batch."""
        self.fake.settle(self.account)

    def pay_out(self, extra: int = 0) -> str:
        """The batch is closed; the newest is what was sent."""
        self.settle_day()
        batch = list(self.account.batches)[-1]
        if extra:
            self.account.off_by[batch] = Decimal(extra).scaleb(-2)
        return batch

    def refund_there(self, charge_ref: str, minor: int) -> None:
        self.settle_day()
        charge = self.account.transactions[charge_ref]
        made = Transaction(
            self.fake.number(), "refundTransaction", "refundPendingSettlement", charge.amount * minor / minor,
            charge.number, self.fake.now(), invoice=charge.invoice, parent=charge.id,
        )  # fmt: skip
        made.amount = type(charge.amount)(minor).scaleb(-2)
        self.account.transactions[made.id] = made
        self.fake.notify(self.account, "refund", made)

    def settle_refund(self, refund_ref: str, status: str) -> None:
        found = self.account.transactions[refund_ref]
        found.status = "refundSettledSuccessfully" if status == "succeeded" else "settlementError"

    def dispute(self, charge_ref: str, minor: int) -> str:
        self.account.transactions[charge_ref].status = "chargeback"
        return f"chargeback:{charge_ref}"

    def close_dispute(self, dispute_ref: str, status: str) -> None:
        self.account.transactions[dispute_ref.removeprefix("chargeback:")].status = "chargebackReversal"

    def sent(self) -> list[Sent]:
        return [Sent("POST", "/xml/v1/request.api", "", {}, body) for body in self.account.sent]

    def turn_notices_on(self) -> None:
        self.account.notice_url = "on"

    def collect_notices(self, count: int) -> list[RawNotice]:
        wait_until(lambda: len(self.account.notices) >= count)
        return [self.signed(body) for body in self.account.notices]

    def sign(self, body: bytes, secret: str, at: datetime) -> str:
        return f"sha512={hmac.new(secret.encode(), body, hashlib.sha512).hexdigest().upper()}"

    def signed(self, event: dict[str, Any]) -> RawNotice:
        body = json.dumps(event).encode()
        header = self.sign(body, self.account.signature_key, now())
        return RawNotice(body, {self.signature_header: header}, "https://portal.example.org/n/", now())

    def charged_there(self) -> list[Transaction]:
        """What took money, by the stand-in's own books."""
        took = ("capturedPendingSettlement", "settledSuccessfully")
        return [each for each in self.account.transactions.values() if each.status in took]


__all__ = ["CANCEL_URL", "Account", "AuthorizeNetRig", "new_reference"]
