"""One account at the stand-in for Stripe, and a payer before its fields or its page."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import httpx

from paywell.processors import registry
from paywell.processors.contract import (
    ChargeOrder,
    Connection,
    Outcome,
    Processor,
    RawNotice,
    Style,
    Submission,
    Verdict,
)
from tests.contract.rig import PAID, Rig, Sent
from tests.contract.stripe_fake import money, payouts
from tests.contract.stripe_fake.judge import judge
from tests.contract.stripe_fake.store import Thing
from tests.contract.stripe_fake.web import Fake, sign


class StripeRig(Rig):
    """`name` is `stripe` or `stripe_checkout`."""

    __test__ = False
    key_name = "secret_key"
    nobody_ref = "pi_nobody"
    holds_references_unique = False
    lists_by_change = False
    told_of_nobody = Verdict.UNKNOWN
    currencies = ("USD", "JPY")
    signature_header = "Stripe-Signature"
    signs_moment = True

    def __init__(self, name: str, base_url: str, fake: Fake) -> None:
        self.name = name
        self.base_url = base_url
        self.fake = fake
        self.account = fake.add_account()
        self.secrets = {"secret_key": self.account.secret_key, "notice_secret": self.account.notice_secret}
        self.settings = {
            "publishable_key": self.account.publishable_key, "api_base": base_url, "page_origin": base_url,
            "timeout_s": "10",
        }  # fmt: skip
        self.processor = self.connected()
        self.pages: dict[str, str] = {}

    def connected(self, **settings: str) -> Processor:
        return registry.connect(self.name, Connection({**self.settings, **settings}, self.secrets, False))

    def impatient(self) -> Processor:
        return self.connected(timeout_s="0.4")

    def elsewhere(self, address: str, **settings: str) -> Processor:
        return self.connected(api_base=address, **settings)

    def remember(self, order: ChargeOrder, outcome: Outcome) -> None:
        if outcome.step is not None:
            self.pages[order.reference] = outcome.step.url

    def token(self, card: str) -> str:
        return self.account.tokenize(card)

    def pay(
        self, order: ChargeOrder, card: str = PAID, *, save: bool = False, by: Processor | None = None
    ) -> Outcome:
        processor = by or self.processor
        if processor.style is Style.INLINE:
            return processor.submit(order, Submission(card_token=self.token(card), save_card=save))
        self._press(order, {"method": "new", "number": card, "exp": "12/40", **({"save": "yes"} if save else {})})
        return processor.submit(order, Submission())

    def pay_saved(self, order: ChargeOrder, token: str) -> Outcome:
        if self.processor.style is Style.INLINE:
            return self.processor.submit(order, Submission(saved_card_token=token))
        self._press(order, {"method": token})
        return self.processor.submit(order, Submission())

    def _press(self, order: ChargeOrder, form: dict[str, str]) -> None:
        """Submit on Stripe's page, in a tab that may have stood open for long."""
        page = self.pages.get(order.reference) or self.account.things[order.processor_ref]["url"]
        self.pages[order.reference] = page
        try:
            answer = httpx.post(page, data=form, timeout=10)
        except httpx.HTTPError:
            return
        if answer.status_code == 303:
            assert answer.headers["location"] == order.return_url

    def answer_bank(self, outcome: Outcome, *, approve: bool) -> None:
        assert outcome.step
        answer = httpx.post(outcome.step.url, data={"answer": "approve" if approve else "refuse"})
        assert answer.status_code in (303, 402, 410)

    def script(self, call: str, kind: str, value: str = "", times: int = 1) -> None:
        self.account.faults.append({"call": call, "kind": kind, "value": value, "times": times})

    def settle(self, charge_ref: str, status: str) -> None:
        money.settle(self.account, self.intent(charge_ref), status)

    def intent(self, charge_ref: str) -> Thing:
        thing = self.account.things[charge_ref]
        return self.account.things[thing["payment_intent"]] if thing["object"] == "checkout.session" else thing

    def _charge(self, charge_ref: str) -> Thing:
        return self.account.things[self.intent(charge_ref)["latest_charge"]]

    def refund_there(self, charge_ref: str, minor: int) -> None:
        money.refund(self.account, self._charge(charge_ref), minor, {})

    def settle_refund(self, refund_ref: str, status: str) -> None:
        money.settle_refund(self.account, self.account.things[refund_ref], status)

    def dispute(self, charge_ref: str, minor: int) -> str:
        return str(money.dispute(self.account, self._charge(charge_ref), minor)["id"])

    def close_dispute(self, dispute_ref: str, status: str) -> None:
        money.close_dispute(self.account, self.account.things[dispute_ref], status)

    def pay_out(self, extra: int = 0) -> str:
        return str(payouts.pay_out(self.account, extra=extra)["id"])

    def fail_deposit(self, deposit_ref: str) -> None:
        payouts.fail(self.account, self.account.things[deposit_ref])

    def sent(self) -> list[Sent]:
        return [
            Sent(each.method, each.path, each.query, each.headers, each.body)
            for each, _ in self.fake.sent
            if each.headers.get("authorization") == f"Bearer {self.account.secret_key}"
        ]

    def judged(self) -> list[str]:
        """What is wrong with the requests so far, by the types of Stripe's own SDK."""
        return [
            fault
            for each, params in self.fake.sent
            if each.headers.get("authorization") == f"Bearer {self.account.secret_key}"
            for fault in judge(each.method, each.path, params)
        ]

    def collect_notices(self, count: int) -> list[RawNotice]:
        """What Stripe would post, as it would post it."""
        notices = [self.notice(event) for event in self.account.events]
        assert len(notices) >= count
        return notices

    def sign(self, body: bytes, secret: str, at: datetime) -> str:
        return sign(body.decode(), secret, int(at.timestamp()))

    def notice(self, event: Thing, secret: str = "") -> RawNotice:
        body = json.dumps({name: value for name, value in event.items() if name != "number"})
        at = datetime.fromtimestamp(event["created"], UTC)
        header = sign(body, secret or self.account.notice_secret, event["created"])
        return RawNotice(body.encode(), {"Stripe-Signature": header}, "https://portal.example.org/notices/", at)
