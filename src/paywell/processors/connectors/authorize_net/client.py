"""Authorize.Net's XML API: one address, ordered elements, answers that begin with a byte order mark.

Its own SDK can't be shipped (license), so this is what we need of the protocol and no more.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from lxml import etree

from paywell.core import http
from paywell.processors.contract import Connection

NAMESPACE: Final = "AnetApi/xml/v1/schema/AnetApiSchema.xsd"
PATH: Final = "/xml/v1/request.api"
LIVE_API: Final = "https://api.authorize.net"
TEST_API: Final = "https://apitest.authorize.net"
LIVE_PAGE: Final = "https://accept.authorize.net"
TEST_PAGE: Final = "https://test.authorize.net"

#: One element to send: its name, and its text or its children in the order that the schema demands.
Node = tuple[str, "str | Sequence[Node | None]"]

#: Their errors that come before anything was done with the request: nothing can have happened.
_UNEXECUTED: Final = frozenset(
    {
        "E00002", "E00003", "E00004", "E00005", "E00006", "E00007", "E00008", "E00009", "E00010", "E00011",
        "E00013", "E00014", "E00015", "E00039", "E00040", "E00044", "E00053", "E00104", "HTTP429",
    }
)  # fmt: skip
#: Where the answer is not named like the question.
_ANSWERS: Final = {"getTransactionListForCustomerRequest": "getTransactionListResponse"}
#: Characters that XML 1.0 can't carry.
_UNSENDABLE: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class Refused(Exception):
    """The API answered with an error. `code` is its word; the text may repeat what we sent and stays here."""

    def __init__(self, code: str, text: str = "") -> None:
        super().__init__(code)
        self.code = code
        self.text = text

    @property
    def had_no_effect(self) -> bool:
        return self.code in _UNEXECUTED


@dataclass(frozen=True, slots=True)
class Answer:
    """A parsed answer. Paths are like `transaction/order/invoiceNumber`; what is missing is an empty text."""

    root: etree._Element

    def text(self, path: str) -> str:
        return text_of(self.root, path)

    def all(self, path: str) -> list[etree._Element]:
        return self.root.findall(path)

    @property
    def is_ok(self) -> bool:
        return self.text("messages/resultCode") == "Ok"

    @property
    def code(self) -> str:
        return self.text("messages/message/code")


@dataclass(frozen=True, slots=True)
class Api:
    """The API for one account. Raises httpx errors, Refused, and ValueError for what can't be understood."""

    base_url: str
    page_origin: str
    login_id: str
    transaction_key: str = field(repr=False)
    timeout_s: float | None = None  #: instead of the usual ones, for tests

    @classmethod
    def of(cls, connection: Connection) -> Api:
        """Live and test mode never share an address; other addresses (a stand-in's) only in test mode."""
        settings = connection.settings
        api, page = (LIVE_API, LIVE_PAGE) if connection.live_mode else (TEST_API, TEST_PAGE)
        if not connection.live_mode:
            api, page = settings.get("api_url") or api, settings.get("page_url") or page
        timeout = settings.get("timeout_s")
        return cls(
            api.rstrip("/"),
            page.rstrip("/"),
            settings.get("login_id", ""),
            connection.secrets.get("transaction_key", ""),
            float(timeout) if timeout else None,
        )

    @property
    def page_url(self) -> str:
        """Where the payer's browser posts the token of a hosted page."""
        return f"{self.page_origin}/payment/payment"

    def ask(self, request: str, *children: Node | None, reference: str = "", may_take_long: bool = False) -> Answer:
        """One call that must be answered with Ok. Raises Refused otherwise."""
        answer = self.send(request, *children, reference=reference, may_take_long=may_take_long)
        if not answer.is_ok:
            raise Refused(answer.code, answer.text("messages/message/text"))
        return answer

    def send(
        self, request: str, *children: Node | None, reference: str = "", may_take_long: bool = False
    ) -> Answer:
        """One call; what it answers, also an error. `reference` is echoed (`refId`) and kept with a charge."""
        identity: Node = (
            "merchantAuthentication",
            [("name", self.login_id), ("transactionKey", self.transaction_key)],
        )
        ref_id: Node | None = ("refId", reference) if reference else None
        body = build(request, [identity, ref_id, *children])
        usual = http.CHARGE_TIMEOUT_S if may_take_long else http.QUICK_TIMEOUT_S
        with http.client(self.base_url, timeout_s=self.timeout_s or usual) as client:
            response = client.post(PATH, content=body, headers={"Content-Type": "text/xml; charset=utf-8"})
        if response.status_code == 429:
            raise Refused("HTTP429")
        response.raise_for_status()
        if response.status_code != 200:
            raise ValueError("The answer is no answer of the API.")
        named = _ANSWERS.get(request, request.removesuffix("Request") + "Response")
        return Answer(parse(response.content, named))


def build(name: str, children: Sequence[Node | None]) -> bytes:
    """The request as bytes. None among the children is left out."""
    root = etree.Element(etree.QName(NAMESPACE, name), nsmap={None: NAMESPACE})  # type: ignore[dict-item]
    _fill(root, children)
    return etree.tostring(root, xml_declaration=True, encoding="utf-8")


def parse(body: bytes, expected: str) -> etree._Element:
    """The answer's root, without namespaces. Raises ValueError; no entity is resolved, nothing is fetched."""
    parser = etree.XMLParser(
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )
    try:
        root = etree.fromstring(body.removeprefix(b"\xef\xbb\xbf"), parser)
    except etree.XMLSyntaxError:
        # Its text may repeat the body.
        raise ValueError("The answer is not XML.") from None
    if b"<!DOCTYPE" in body[:1000].upper():
        raise ValueError("The answer has a document type, which none of theirs has.")
    for element in root.iter():
        if isinstance(element.tag, str):
            element.tag = etree.QName(element).localname
    if root.tag not in (expected, "ErrorResponse"):
        raise ValueError("The answer is one to another question.")
    if text_of(root, "messages/resultCode") not in ("Ok", "Error"):
        raise ValueError("The answer says neither Ok nor Error.")
    return root


def text_of(element: etree._Element, path: str) -> str:
    return (element.findtext(path) or "").strip()


def _fill(parent: etree._Element, children: Sequence[Node | None]) -> None:
    for child in children:
        if child is None:
            continue
        name, content = child
        element = etree.SubElement(parent, etree.QName(NAMESPACE, name))
        if isinstance(content, str):
            element.text = _UNSENDABLE.sub("", content)
        else:
            _fill(element, content)
