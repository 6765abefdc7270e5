"""A stand-in for Authorize.Net: its XML API, its hosted page and its notices, as far as we use them.

Faithful to what is published and to the odd cases: answers begin with a byte order mark; the order of elements is
enforced (by the official schema, where it is at hand); no idempotency key, only a duplicate window that is
refused with 3/11; a charge is settled by the clock, may only be voided before and only refunded after that (reason
54); errors carry the transaction number 0; declined tries stand in the lists, too; the Transaction Details API
may be off.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from lxml import etree

from paywell.core.ids import new_key
from tests.contract import authorize_net_page as page
from tests.contract.authorize_net_schema import read_schema
from tests.contract.serving import Faults, Request, Response, with_fault

NS = "AnetApi/xml/v1/schema/AnetApiSchema.xsd"
BOM = b"\xef\xbb\xbf"
NEVER = datetime.max.replace(tzinfo=UTC)
PAGE_VALID = timedelta(minutes=15)
SETTLES_AFTER = timedelta(hours=24)
#: Which of our calls a request belongs to: the words of `Rig.script`.
CALLS = {
    "getHostedPaymentPageRequest": "open",
    "getTransactionDetailsRequest": "look_up",
    "getUnsettledTransactionListRequest": "list_unsettled",
    "getSettledBatchListRequest": "list",
    "createTransactionRequest": "refund",
    "getCustomerProfileRequest": "cards",
}
UNSETTLED = ("capturedPendingSettlement", "authorizedPendingCapture", "refundPendingSettlement", "FDSPendingReview")


@dataclass
class Transaction:
    id: str
    kind: str
    status: str
    amount: Decimal
    number: str
    at: datetime
    invoice: str = ""
    ref_id: str = ""
    reason: int = 1
    parent: str = ""
    customer: str = ""
    payment_profile: str = ""
    batch: str = ""
    held: bool = False

    @property
    def last4(self) -> str:
        return self.number[-4:]


@dataclass
class Page:
    """A hosted page that a token opens."""

    account: Account
    invoice: str
    ref_id: str
    amount: Decimal
    customer: str
    settings: dict[str, dict[str, Any]]
    transaction_settings: dict[str, str]
    until: datetime


@dataclass
class Account:
    login_id: str
    transaction_key: str
    signature_key: str = ""
    notice_url: str = ""
    reporting: bool = True
    profiles_on: bool = True
    test_mode: bool = False
    transactions: dict[str, Transaction] = field(default_factory=dict)
    profiles: dict[str, dict[str, Any]] = field(default_factory=dict)  #: number -> {"name", "cards": {id: number}}
    batches: dict[str, datetime] = field(default_factory=dict)
    off_by: dict[str, Decimal] = field(default_factory=dict)  #: how far a batch's sum is from its transactions
    faults: Faults = field(default_factory=Faults)
    held_notices: list[dict[str, Any]] = field(default_factory=list)
    notices: list[dict[str, Any]] = field(default_factory=list)
    sent: list[bytes] = field(default_factory=list)
    next_settlement: datetime = NEVER


class AuthorizeNetFake:
    """All accounts at once. `forward` moves its clock; `deliver` is told of every notice that leaves."""

    def __init__(self, deliver: Callable[[Account, dict[str, Any]], None] | None = None) -> None:
        self.accounts: dict[str, Account] = {}
        self.pages: dict[str, Page] = {}
        self.offset = timedelta()
        self.deliver = deliver
        self._lock = threading.RLock()
        self._numbers = 60_020_000_000
        self._schema = read_schema()

    def now(self) -> datetime:
        return datetime.now(UTC) + self.offset

    def forward(self, time: timedelta) -> None:
        self.offset += time

    def new_account(self, login_id: str, transaction_key: str, **facts: Any) -> Account:
        account = Account(login_id, transaction_key, **facts)
        account.next_settlement = self.now() + SETTLES_AFTER
        self.accounts[login_id] = account
        return account

    def number(self) -> str:
        self._numbers += 1
        return str(self._numbers)

    def __call__(self, request: Request) -> Response:
        if request.path == "/xml/v1/request.api" and request.method == "POST":
            return self.api(request.body)
        if request.path in ("/payment/payment", "/payment/submit"):
            return page.answer(self, request)
        if request.path == "/favicon.ico":
            return Response(204)
        return Response(404, b"Not found")

    def api(self, body: bytes) -> Response:
        root = etree.fromstring(body)
        name = etree.QName(root).localname
        if self._schema is not None and not self._schema.validate(root):
            return self.error("E00003", "The element has an invalid child element, or it is incomplete.")
        for element in root.iter():
            element.tag = etree.QName(element).localname
        account = self.accounts.get(root.findtext("merchantAuthentication/name") or "")
        if account is None or root.findtext("merchantAuthentication/transactionKey") != account.transaction_key:
            return self.error("E00007", "User authentication failed due to invalid authentication values.")
        account.sent.append(body)
        fault = account.faults.take(CALLS.get(name, name))
        return with_fault(fault, lambda: self._act(account, name, root), _spoil)

    def _act(self, account: Account, name: str, root: etree._Element) -> Response:
        from tests.contract.authorize_net_calls import CALLS_BY_NAME

        with self._lock:
            self.settle_due(account)
            return CALLS_BY_NAME[name](self, account, root)

    def settle_due(self, account: Account) -> None:
        while self.now() >= account.next_settlement:
            self.settle(account, account.next_settlement)
            account.next_settlement += SETTLES_AFTER

    def settle(self, account: Account, at: datetime | None = None) -> None:
        """Everything so far goes into a batch; what took money or gave it back is settled."""
        with self._lock:
            batch = self.number()
            account.batches[batch] = at or self.now()
            for each in account.transactions.values():
                if each.batch or each.status in ("authorizedPendingCapture", "FDSPendingReview"):
                    continue
                each.batch = batch
                if each.status == "capturedPendingSettlement":
                    each.status = "settledSuccessfully"
                if each.status == "refundPendingSettlement":
                    each.status = "refundSettledSuccessfully"

    def add(self, account: Account, **facts: Any) -> Transaction:
        made = Transaction(id=self.number(), at=self.now(), **facts)
        account.transactions[made.id] = made
        return made

    def is_duplicate(self, account: Account, window_s: int, like: Transaction) -> bool:
        """Same kind, amount, card, invoice and parent, approved within the window."""
        same = ("kind", "amount", "number", "invoice", "parent")
        return any(
            each.id != like.id
            and each.reason == 1
            and self.now() - each.at < timedelta(seconds=window_s)
            and all(getattr(each, name) == getattr(like, name) for name in same)
            for each in account.transactions.values()
        )

    def notify(self, account: Account, kind: str, charge: Transaction) -> None:
        """Sign and send, unless a fault of `notice` says otherwise."""
        body = {
            "notificationId": new_key(),
            "eventType": f"net.authorize.payment.{kind}.created",
            "eventDate": self.now().isoformat(),
            "webhookId": "00000000-0000-0000-0000-000000000001",
            "payload": {
                "responseCode": 1,
                "authAmount": float(charge.amount),
                **({"merchantReferenceId": charge.ref_id} if charge.ref_id else {}),
                **({"invoiceNumber": charge.invoice} if charge.invoice else {}),
                "entityName": "transaction",
                "id": charge.id,
            },
        }
        account.notices.append(body)
        fault = account.faults.take("notice")
        if fault and fault.kind == "lost":
            return
        if self.deliver and account.notice_url:
            for _ in range(2 if fault and fault.kind == "twice" else 1):
                self.deliver(account, body)

    def error(self, code: str, text: str, name: str = "ErrorResponse") -> Response:
        return self.answer(name, [], code=code, text=text, result="Error")

    def answer(
        self, name: str, children: list[Any], *, code: str = "I00001", text: str = "Successful.",
        result: str = "Ok", ref_id: str = "",
    ) -> Response:  # fmt: skip
        root = etree.Element(etree.QName(NS, name), nsmap={None: NS})
        if ref_id:
            fill(root, [("refId", ref_id)])
        fill(root, [("messages", [("resultCode", result), ("message", [("code", code), ("text", text)])])])
        fill(root, children)
        body = BOM + etree.tostring(root, xml_declaration=True, encoding="utf-8")
        return Response(200, body, "application/xml; charset=utf-8")


def fill(parent: etree._Element, children: list[Any]) -> None:
    for child in children:
        if child is None:
            continue
        name, content = child
        element = etree.SubElement(parent, etree.QName(NS, name))
        if isinstance(content, list):
            fill(element, content)
        else:
            element.text = str(content)


def _spoil(body: bytes, kind: str) -> bytes:
    """The same answer with a status nobody knows, or with something left out."""
    root = etree.fromstring(body.removeprefix(BOM))
    tags = {
        "unknown_word": ("transactionStatus", "responseCode", "resultCode"),
        "without_amount": ("settleAmount", "authAmount", "transId"),
        "without_reference": ("invoiceNumber",),
    }[kind]
    if kind == "unknown_word":
        found = next(element for tag in tags for element in root.iter(f"{{{NS}}}{tag}"))
        for element in list(root.iter(found.tag)):
            element.text = "somethingNew"
    else:
        for tag in tags:
            for element in list(root.iter(f"{{{NS}}}{tag}")):
                parent = element.getparent()
                if parent is not None and not (tag == "transId" and root.find(f"{{{NS}}}transaction") is not None):
                    parent.remove(element)
    return BOM + etree.tostring(root, xml_declaration=True, encoding="utf-8")
