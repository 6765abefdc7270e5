"""A processor on the bench: the connector under test, the payer before its fields, and its levers.

`Rig` is what the suite needs of any processor; `TestbenchRig` drives the test processor.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import httpx
import pytest

from paywell.core.clock import now
from paywell.core.ids import new_key, new_reference
from paywell.core.money import Money
from paywell.processors import registry
from paywell.processors.contract import (
    Capability,
    ChargeOrder,
    Connection,
    Outcome,
    Processor,
    RawNotice,
    RefundOrder,
    Style,
    Submission,
    Verdict,
)

RETURN_URL = "https://portal.example.org/portal/return/1/signature/"
CANCEL_URL = "https://portal.example.org/portal/pay/"
LABEL = "Willow Creek"

PAID = "4242424242424242"
DECLINED = "4000000000000002"
INSUFFICIENT_FUNDS = "4000000000009995"
EXPIRED = "4000000000000069"
WRONG_CVC = "4000000000000127"
BANK_CHECK = "4000002500003155"
LATE = "4242000000000018"
LOST = "4242000000000026"


def new_order(minor: int = 12000, **changes: Any) -> ChargeOrder:
    order = ChargeOrder(
        reference=new_reference(), money=Money(minor), open_key=new_key(), submit_key=new_key(),
        return_url=RETURN_URL, cancel_url=CANCEL_URL, label=LABEL, payer_reference=new_reference(),
        created_at=now(),
    )  # fmt: skip
    return replace(order, **changes)


def new_refund(order: ChargeOrder, minor: int, **changes: Any) -> RefundOrder:
    refund = RefundOrder(
        reference=new_reference(), key=new_key(), charge_ref=order.processor_ref, charge_reference=order.reference,
        money=Money(minor), is_full=minor == order.money.minor,
    )  # fmt: skip
    return replace(refund, **changes)


@dataclass(frozen=True)
class Sent:
    """One request as it arrived at the processor."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> dict[str, Any]:
        return json.loads(self.body) if self.body else {}


class Rig(ABC):
    """What the suite asks of a processor under test. One fresh account for each test."""

    name: str
    processor: Processor
    settings: dict[str, str]
    secrets: dict[str, str]
    key_name = "api_key"  #: which of the secrets opens the account
    #: `open` leaves something over there that a look-up finds before anybody paid.
    knows_opened = True
    #: A saved card that pays is told as `saved_card` again: the processor keeps no record of which charge kept it.
    tells_used_cards = False
    #: A charge tells its card's expiry.
    tells_expiry = True
    #: A bank's question is asked on our way, not within the processor's own page.
    asks_bank = True
    #: What waits for its answer can still be voided.
    voids_pending = False
    #: A refund may be told as waiting.
    refunds_wait = True
    #: The processor itself takes one reference once, also under another key.
    one_charge_per_order = True
    #: `open` asks the processor.
    calls_at_open = True
    #: The one call within `submit` that takes the money.
    takes_money_at = "commit"
    #: A card is kept also where the payment succeeds after `submit` has ended.
    keeps_late = True
    currencies: tuple[str, ...] = ("USD", "JPY", "KWD")
    #: A second charge under the same reference is refused, whatever its key.
    holds_references_unique = True
    #: The sweep's list is in the order of changes, and holds what was only opened.
    lists_by_change = True
    #: What a look-up by a number says that names nothing.
    told_of_nobody = Verdict.ABSENT
    #: A number of theirs that names nothing.
    nobody_ref = "ch_nobody"
    #: It tells when the bank sent a deposit back.
    deposits_fail = True
    #: What it keeps of a charge of $120.00, and of a dispute besides, in minor units.
    fee_of_120 = 378
    fee_of_dispute = 1500
    #: The header in which a notice's signature comes.
    signature_header = "Test-Signature"
    #: A signature names its moment and is good for some minutes; the others are caught by their ids alone.
    signs_moment = False

    def needs(self, *capabilities: Capability) -> None:
        """Skip, by name, what this processor can't do by nature."""
        missing = [each for each in capabilities if each not in self.processor.capabilities]
        if missing:
            pytest.skip(f"{self.name} has no {', '.join(missing)}")

    def remember(self, order: ChargeOrder, outcome: Outcome) -> None:
        """What `open` answered, for a payer who needs it later."""
        return

    def pay_out(self, extra: int = 0) -> str:
        """Let the processor send to the bank what has moved so far, and `extra` that no entry of it explains."""
        raise NotImplementedError(f"{self.name} tells of no deposits")

    def fail_deposit(self, deposit_ref: str) -> None:
        """Let the bank send it back."""
        raise NotImplementedError(f"{self.name} tells of no failed deposits")

    def settle_day(self) -> None:
        """Let what was taken today be settled, where that makes a difference."""
        return

    @abstractmethod
    def connected(self, **settings: str) -> Processor:
        """The connector for this account, with its present secrets and these settings changed."""

    @abstractmethod
    def impatient(self) -> Processor:
        """The same connection, with a client that gives up soon."""

    @abstractmethod
    def elsewhere(self, address: str, **settings: str) -> Processor:
        """The same, with somebody else at the processor's address."""

    def unreachable(self) -> Processor:
        """The same, at an address where nobody listens."""
        return self.elsewhere("http://127.0.0.1:9")

    @abstractmethod
    def pay(
        self, order: ChargeOrder, card: str = PAID, *, save: bool = False, by: Processor | None = None
    ) -> Outcome:
        """Do with a new card all that the payer and our server do, up to what `submit` answers."""

    def token(self, card: str) -> str:
        """What the card fields on our screen give to our page. Only where there are such fields."""
        raise NotImplementedError(f"{self.name} has no fields on our screen")

    @abstractmethod
    def pay_saved(self, order: ChargeOrder, token: str) -> Outcome:
        """The same with a saved card."""

    @abstractmethod
    def answer_bank(self, outcome: Outcome, *, approve: bool) -> None:
        """Answer the bank's question to which `outcome` leads."""

    @abstractmethod
    def script(self, call: str, kind: str, value: str = "", times: int = 1) -> None:
        """Let the next such call go wrong. The words are those of docs/test-processors.md.

        `find` is a look-up by our reference, `look_up` one by theirs.
        """

    @abstractmethod
    def settle(self, charge_ref: str, status: str) -> None:
        """Let a pending charge succeed or be declined."""

    @abstractmethod
    def refund_there(self, charge_ref: str, minor: int) -> None:
        """Make a refund in the processor's own dashboard."""

    @abstractmethod
    def settle_refund(self, refund_ref: str, status: str) -> None: ...

    @abstractmethod
    def dispute(self, charge_ref: str, minor: int) -> str: ...

    @abstractmethod
    def close_dispute(self, dispute_ref: str, status: str) -> None: ...

    @abstractmethod
    def sent(self) -> list[Sent]:
        """What the connector sent so far."""

    def turn_notices_on(self) -> None:
        """Have them sent to us. Most stand-ins keep what they would send."""
        return

    @abstractmethod
    def collect_notices(self, count: int) -> list[RawNotice]:
        """Wait until that many notices have arrived at our address, then give all."""

    @abstractmethod
    def sign(self, body: bytes, secret: str, at: datetime) -> str:
        """What the processor writes into `signature_header` for this body at that moment."""

    def sealed(self, notice: RawNotice, *, body: bytes | None = None, secret: str | None = None) -> RawNotice:
        """`notice` as the processor would sign it with another body, or with another secret."""
        body = notice.body if body is None else body
        secret = self.secrets["notice_secret"] if secret is None else secret
        header = self.sign(body, secret, notice.received_at)
        return replace(notice, body=body, headers={self.signature_header: header})

    def opened(self, **changes: Any) -> ChargeOrder:
        """An order that is reserved over there, with their reference in it, as T2 stores it."""
        order = new_order(**changes)
        opened = self.processor.open(order)
        self.remember(order, opened)
        return replace(order, processor_ref=opened.processor_ref)

    def paid(self, minor: int = 12000, **changes: Any) -> ChargeOrder:
        order = self.opened(minor=minor, **changes)
        outcome = self.pay(order)
        assert outcome.verdict == "succeeded", outcome
        return replace(order, processor_ref=outcome.processor_ref)

    def charged(self) -> list[Outcome]:
        """Everything that took money on this account, as the sweep sees it."""
        return [each for each in self.processor.list_since(now().replace(year=2020)) if each.money]


class TestbenchRig(Rig):
    """One account of a running test processor."""

    __test__ = False
    signs_moment = True

    def __init__(self, name: str, base_url: str, log: list[Sent], mailbox: Mailbox) -> None:
        self.name = name
        self.base_url = base_url
        self.account = f"acct_{new_key()[:12]}"
        self.log = log
        self.mailbox = mailbox
        self.secrets = {"api_key": new_key(), "notice_secret": new_key()}
        self.settings = {"base_url": base_url, "account": self.account, "timeout_s": "10"}
        self.processor = self.connected()

    def connected(self, **settings: str) -> Processor:
        return registry.connect(self.name, Connection({**self.settings, **settings}, self.secrets, False))

    def impatient(self) -> Processor:
        return self.connected(timeout_s="0.4")

    def elsewhere(self, address: str, **settings: str) -> Processor:
        return self.connected(base_url=address, **settings)

    def pay(
        self, order: ChargeOrder, card: str = PAID, *, save: bool = False, by: Processor | None = None
    ) -> Outcome:
        processor = by or self.processor
        if processor.style is Style.INLINE:
            return processor.submit(order, Submission(card_token=self.token(card), save_card=save))
        form = {"method": "new", "number": card, "exp": "12/40", "cvc": "123", "zip": "94107"}
        self._submit_page(order, {**form, "save": "yes"} if save else form)
        return processor.submit(order, Submission())

    def pay_saved(self, order: ChargeOrder, token: str) -> Outcome:
        if self.processor.style is Style.INLINE:
            return self.processor.submit(order, Submission(saved_card_token=token))
        self._submit_page(order, {"method": token})
        return self.processor.submit(order, Submission())

    def token(self, card: str) -> str:
        """What the card fields in the frame give to our page."""
        typed = {"account": self.account, "number": card, "exp": "12/40", "cvc": "123", "zip": "94107"}
        response = httpx.post(f"{self.base_url}/fields/tokens/", json=typed, headers={"Origin": self.base_url})
        return str(response.json()["token"])

    def answer_bank(self, outcome: Outcome, *, approve: bool) -> None:
        assert outcome.step
        response = httpx.post(outcome.step.url, data={"answer": "approve" if approve else "refuse"})
        assert response.status_code == 303

    def script(self, call: str, kind: str, value: str = "", times: int = 1) -> None:
        call = "look_up" if call == "find" else call
        self._test("faults", {"call": call, "kind": kind, "value": value, "times": times})

    def settle(self, charge_ref: str, status: str) -> None:
        self._test(f"charges/{charge_ref}/settle", {"status": status})

    def refund_there(self, charge_ref: str, minor: int) -> None:
        self._test("refunds", {"charge": charge_ref, "amount": minor})

    def settle_refund(self, refund_ref: str, status: str) -> None:
        self._test(f"refunds/{refund_ref}/settle", {"status": status})

    def dispute(self, charge_ref: str, minor: int) -> str:
        return str(self._test("disputes", {"charge": charge_ref, "amount": minor})["id"])

    def close_dispute(self, dispute_ref: str, status: str) -> None:
        self._test(f"disputes/{dispute_ref}/close", {"status": status})

    def pay_out(self, extra: int = 0) -> str:
        return str(self._test("payouts", {"extra": extra})["id"])

    def fail_deposit(self, deposit_ref: str) -> None:
        self._test(f"payouts/{deposit_ref}/fail", {})

    def sent(self) -> list[Sent]:
        return [
            each
            for each in self.log
            if each.headers.get("HTTP_TEST_ACCOUNT") == self.account and each.path.startswith("/v1/")
        ]

    def turn_notices_on(self) -> None:
        url = f"{self.mailbox.base_url}/{self.account}/"
        assert self.connected(notice_url=url).check_setup() == []

    def collect_notices(self, count: int) -> list[RawNotice]:
        wait_until(lambda: len(self.mailbox.of(self.account)) >= count)
        return self.mailbox.of(self.account)

    def sign(self, body: bytes, secret: str, at: datetime) -> str:
        moment = str(int(at.timestamp()))
        return (
            f"t={moment},v1={hmac.new(secret.encode(), moment.encode() + b'.' + body, hashlib.sha256).hexdigest()}"
        )

    def notices_there(self) -> list[dict[str, Any]]:
        """What the processor has in its own book about its notices."""
        response = httpx.get(f"{self.base_url}/test/notices", headers=self._headers())
        return list(response.json()["data"])

    def release_notices(self) -> None:
        self._test("notices/release", {})

    def repeat_notices(self) -> None:
        self._test("notices/repeat", {})

    def _submit_page(self, order: ChargeOrder, form: dict[str, str]) -> None:
        """The payer's browser on the processor's own page: the address came with `open`."""
        step = self.processor.look_up(order).step
        if step is None:  # closed: an old tab that still stands open
            page = self.pages[order.reference]
        else:
            page = self.pages[order.reference] = step.url
        try:
            response = httpx.post(page, data=form, timeout=10)
        except httpx.HTTPError:
            return
        if response.status_code == 303 and "/bank/" not in response.headers["location"]:
            assert response.headers["location"] == order.return_url

    @property
    def pages(self) -> dict[str, str]:
        return self.__dict__.setdefault("_pages", {})

    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.secrets['api_key']}", "Test-Account": self.account}

    def _test(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        response = httpx.post(f"{self.base_url}/test/{path}", json=body, headers=self._headers())
        assert response.status_code == 200, response.text
        return dict(response.json())


class Mailbox:
    """Our notice address: keeps what arrives, answers 200. The path's first part is the account."""

    def __init__(self) -> None:
        self.base_url = ""
        self._lock = threading.Lock()
        self._arrived: list[tuple[str, RawNotice]] = []

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        headers = {"Test-Signature": environ.get("HTTP_TEST_SIGNATURE", "")}
        account = environ["PATH_INFO"].strip("/")
        notice = RawNotice(body, headers, f"{self.base_url}{environ['PATH_INFO']}", now())
        with self._lock:
            self._arrived.append((account, notice))
        start_response("200 OK", [("Content-Length", "0")])
        return [b""]

    def of(self, account: str) -> list[RawNotice]:
        with self._lock:
            return [notice for each, notice in self._arrived if each == account]


def wait_until(true: Callable[[], bool], limit_s: float = 10) -> None:
    deadline = time.monotonic() + limit_s
    while not true():
        assert time.monotonic() < deadline, "It did not happen in time."
        time.sleep(0.05)
