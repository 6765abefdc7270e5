"""What both test connectors share: how one talks to the test processor and reads what it says.

Its API is described by `paywell.processors.testbench.api`; nothing of that package is imported here, as
nothing could be of a real processor's.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any
from urllib.parse import urlsplit

from django.utils.translation import gettext_lazy as _

from paywell.core import http
from paywell.core.money import Money
from paywell.processors.contract import (
    BadNotice,
    CardFacts,
    ChargeOrder,
    Connection,
    ConnectionField,
    Decline,
    Deposit,
    DepositPart,
    DepositState,
    Disputed,
    Outcome,
    PartKind,
    RawNotice,
    Refunded,
    RefundOrder,
    Report,
    SavedCardFacts,
    Setup,
    Step,
    Verdict,
)

SETUP = Setup(
    lead=_("For trying out and for tests: it takes money that does not exist."),
    fields=(
        ConnectionField(
            "base_url", _("Address"), _("Where the test processor runs."), is_secret=False,
            pattern=r"https?://[^/?#@\s]+/?", advice=_("Enter an address, like http://127.0.0.1:8001."),
        ),
        ConnectionField("account", _("Account"), _("Like acct_willow."), is_secret=False),
        ConnectionField("api_key", _("Secret key")),
        ConnectionField("notice_secret", _("Secret for notices")),
    ),
    has_live_mode=False,
)  # fmt: skip
NOTICE_WINDOW_S = 300
_BRANDS = {"visa": "Visa", "mastercard": "Mastercard", "amex": "American Express", "discover": "Discover"}
_DECLINES = {
    "card_declined": Decline.GENERIC,
    "insufficient_funds": Decline.INSUFFICIENT_FUNDS,
    "expired_card": Decline.EXPIRED_CARD,
    "incorrect_cvc": Decline.WRONG_CVC,
    "authentication_failed": Decline.BANK_CHECK_FAILED,
}
_VERDICTS = {
    "reserved": Verdict.NEEDS_ACTION,
    "bank_check": Verdict.NEEDS_ACTION,
    "pending": Verdict.PENDING,
    "succeeded": Verdict.SUCCEEDED,
    "declined": Verdict.DECLINED,
    "canceled": Verdict.CANCELED,
}
_REFUND_VERDICTS = {
    "pending": Verdict.PENDING,
    "succeeded": Verdict.SUCCEEDED,
    "failed": Verdict.DECLINED,
}
_DEPOSITS = {
    "pending": DepositState.PENDING,
    "paid": DepositState.PAID,
    "failed": DepositState.FAILED,
}
_PARTS = {
    "charge": PartKind.CHARGE,
    "refund": PartKind.REFUND,
    "dispute": PartKind.DISPUTE,
    "payout_failed": PartKind.RETURNED,
}
#: Refused before anything happened. A reused key (409) is not among them: something else did happen under it.
_NO_EFFECT = frozenset({400, 401, 403, 404, 422, 429})
#: The processor's no to a refund, as opposed to a request that it did not understand.
_REFUND_REFUSALS = frozenset({"charge_not_paid", "charge_disputed", "refund_too_large"})


class Refused(Exception):
    """The API answered with an error. `code` is the processor's word for it."""

    def __init__(self, status: int, code: str) -> None:
        super().__init__(f"{status} {code}")
        self.status = status
        self.code = code


@dataclass(frozen=True, slots=True)
class Api:
    """The test processor's HTTP API for one account. Raises httpx errors and ValueError as they come."""

    base_url: str
    account: str
    api_key: str = field(repr=False)
    timeout_s: float | None = None  #: instead of the usual ones, for tests

    @classmethod
    def of(cls, connection: Connection) -> Api:
        timeout = connection.settings.get("timeout_s")
        return cls(
            connection.settings["base_url"].rstrip("/"),
            connection.settings["account"],
            connection.secrets["api_key"],
            float(timeout) if timeout else None,
        )

    @property
    def origin(self) -> str:
        parts = urlsplit(self.base_url)
        return f"{parts.scheme}://{parts.netloc}"

    def call(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        *,
        key: str = "",
        query: Mapping[str, str] | None = None,
        may_take_long: bool = False,
    ) -> dict[str, Any]:
        """One call; the JSON object that it answers. Raises Refused for a 4xx that had no effect."""
        usual = http.CHARGE_TIMEOUT_S if may_take_long else http.QUICK_TIMEOUT_S
        headers = {"Authorization": f"Bearer {self.api_key}", "Test-Account": self.account}
        if key:
            headers["Idempotency-Key"] = key
        with http.client(self.base_url, timeout_s=self.timeout_s or usual) as client:
            response = client.request(method, path, json=body, params=query, headers=headers)
        if response.status_code in _NO_EFFECT:
            error = response.json().get("error", {})
            raise Refused(response.status_code, str(error.get("code", "")))
        response.raise_for_status()
        value = response.json()
        if not isinstance(value, dict):
            raise ValueError("The answer is not an object.")
        return value


class TestbenchConnector:
    """The calls that are the same for both styles."""

    __test__ = False  # not a test case, whatever its name says
    is_test = True

    def __init__(self, connection: Connection, style: str) -> None:
        self.connection = connection
        self.api = Api.of(connection)
        self.charge_style = style

    def check_setup(self) -> list[str]:
        """Also tells the processor where notices go and which portal may show its fields, if we know that."""
        if self.connection.live_mode:
            return ["A test processor can't be connected in live mode."]
        told = {name: self.connection.settings.get(name, "") for name in ("notice_url", "portal_origin")}
        told["notice_secret"] = self.connection.secrets.get("notice_secret", "")
        try:
            self.api.call("PUT", "/v1/account", {name: value for name, value in told.items() if value})
        except Refused as refusal:
            return [f"The test processor does not take this account and key ({refusal})."]
        return []

    def open(self, order: ChargeOrder) -> Outcome:
        body: dict[str, Any] = {
            "style": self.charge_style,
            "reference": order.reference,
            "amount": order.money.minor,
            "currency": order.money.currency,
            "label": order.label,
            "return_url": order.return_url,
            "cancel_url": order.cancel_url,
            "memo": order.memo,
        }
        if order.customer_ref:
            body["customer"] = order.customer_ref
        elif order.payer_reference:
            body["payer"] = order.payer_reference
        try:
            return read_charge(self.api.call("POST", "/v1/charges", body, key=order.open_key))
        except Refused as refusal:
            return Outcome(Verdict.NOT_SENT, detail=f"refused: {refusal}")

    def look_up(self, order: ChargeOrder) -> Outcome:
        try:
            if order.processor_ref:
                return read_charge(self.api.call("GET", f"/v1/charges/{order.processor_ref}"))
            found = self.api.call("GET", "/v1/charges", query={"reference": order.reference})["data"]
        except Refused as refusal:
            if refusal.status == 404:
                return Outcome(Verdict.ABSENT)
            return Outcome(Verdict.UNKNOWN, detail=f"refused: {refusal}")
        return read_charge(found[0]) if found else Outcome(Verdict.ABSENT)

    def cancel(self, order: ChargeOrder) -> Outcome:
        """By our reference: that fences also what has not arrived there yet."""
        try:
            return read_charge(self.api.call("POST", "/v1/charges/cancel", {"reference": order.reference}))
        except Refused as refusal:
            return Outcome(Verdict.UNKNOWN, detail=f"refused: {refusal}")

    def refund(self, order: RefundOrder) -> Refunded:
        body = {
            "charge": order.charge_ref,
            "reference": order.reference,
            "amount": order.money.minor,
            "currency": order.money.currency,
        }
        try:
            made = self.api.call("POST", "/v1/refunds", body, key=order.key, may_take_long=True)
        except Refused as refusal:
            verdict = Verdict.DECLINED if refusal.code in _REFUND_REFUSALS else Verdict.NOT_SENT
            return Refunded("", order.money, verdict, reference=order.reference)
        return read_refund(made)

    def look_up_refund(self, order: RefundOrder) -> Refunded:
        try:
            if order.processor_ref:
                return read_refund(self.api.call("GET", f"/v1/refunds/{order.processor_ref}"))
            found = self.api.call("GET", "/v1/refunds", query={"reference": order.reference})["data"]
        except Refused as refusal:
            verdict = Verdict.ABSENT if refusal.status == 404 else Verdict.UNKNOWN
            return Refunded("", order.money, verdict, reference=order.reference)
        if not found:
            return Refunded("", order.money, Verdict.ABSENT, reference=order.reference)
        return read_refund(found[0])

    def list_since(self, since: datetime) -> Iterator[Outcome]:
        cursor = since.astimezone(UTC).isoformat(timespec="microseconds")
        while cursor:
            listed = self.api.call("GET", "/v1/charges", query={"changed_since": cursor})
            yield from (read_charge(charge) for charge in listed["data"])
            cursor = listed["next"]

    def list_deposits(self, since: datetime) -> Iterator[Deposit]:
        cursor = since.astimezone(UTC).isoformat(timespec="microseconds")
        while cursor:
            listed = self.api.call("GET", "/v1/payouts", query={"made_since": cursor})
            yield from (read_payout(payout) for payout in listed["data"])
            cursor = listed["next"]

    def list_deposit_parts(self, deposit_ref: str) -> Iterator[DepositPart]:
        query: dict[str, str] = {}
        while True:
            listed = self.api.call("GET", f"/v1/payouts/{deposit_ref}/entries", query=query)
            yield from (read_entry(entry) for entry in listed["data"])
            if not listed["next"]:
                return
            query = {"after": listed["next"]}

    def list_cards(self, customer_ref: str) -> list[SavedCardFacts]:
        if not customer_ref:
            return []
        listed = self.api.call("GET", f"/v1/customers/{customer_ref}/cards")["data"]
        return [SavedCardFacts(card["id"], card["customer"], read_card(card)) for card in listed]

    def forget_card(self, card: SavedCardFacts) -> Outcome:
        try:
            self.api.call("DELETE", f"/v1/customers/{card.customer_ref}/cards/{card.token}")
        except Refused as refusal:
            if refusal.status != 404:  # 404: gone already
                return Outcome(Verdict.NOT_SENT, detail=f"refused: {refusal}")
        return Outcome(Verdict.SUCCEEDED)

    def read_notice(self, notice: RawNotice) -> list[Report]:
        verify(notice, self.connection.secrets)
        try:
            event = json.loads(notice.body)
            return [
                Report(
                    event_id=str(event["id"]),
                    charge_ref=str(event["data"]["charge"]),
                    reference=str(event["data"]["reference"]),
                    kind=str(event["type"]),
                    live_mode=event.get("live_mode"),
                )
            ]
        except (ValueError, KeyError, TypeError):
            raise BadNotice("The notice is signed, but it can't be read.") from None


def verify(notice: RawNotice, secrets: Mapping[str, str]) -> None:
    """Check `Test-Signature: t=<seconds>,v1=<hex>` against the present and the previous secret.

    Raises BadNotice; also where there is no secret, and where the notice is more than 300 s old or ahead.
    """
    known = [secrets.get(name, "") for name in ("notice_secret", "previous_notice_secret")]
    known = [secret for secret in known if secret]
    if not known:
        raise BadNotice("There is no secret to verify notices with.")
    header = {name.lower(): value for name, value in notice.headers.items()}.get("test-signature", "")
    parts = dict(part.split("=", 1) for part in header.split(",") if "=" in part)
    sent_at = parts.get("t", "")
    if not (sent_at.isascii() and sent_at.isdigit() and len(sent_at) <= 12):
        raise BadNotice("The notice is not signed.")
    if abs(notice.received_at.timestamp() - int(sent_at)) > NOTICE_WINDOW_S:
        raise BadNotice("The notice is outside the time window.")
    signed = sent_at.encode() + b"." + notice.body
    given = parts.get("v1", "").encode()
    matches = [
        hmac.compare_digest(hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest().encode(), given)
        for secret in known
    ]
    if not any(matches):
        raise BadNotice("The signature of the notice is wrong.")


def read_charge(charge: Mapping[str, Any]) -> Outcome:
    """A charge as the processor tells it, in our words. A word that we don't know is `unknown`."""
    status = charge["status"]
    verdict = _VERDICTS.get(status, Verdict.UNKNOWN)
    card = read_card(charge["card"]) if charge.get("card") else None
    captured = charge.get("amount_captured")
    money = Money(captured, charge["currency"]) if captured else None
    saved = charge.get("kept_card") if verdict is Verdict.SUCCEEDED else ""
    return Outcome(
        verdict,
        processor_ref=charge["id"],
        reference=charge.get("reference", ""),
        money=money,
        fee=Money(charge["fee"], charge["currency"]) if charge.get("fee") is not None else None,
        card=card,
        saved_card=SavedCardFacts(saved, charge["customer"], card) if saved and card else None,
        step=Step(charge["next_url"]) if charge.get("next_url") else None,
        decline=_DECLINES.get(charge["decline_code"], Decline.GENERIC) if verdict is Verdict.DECLINED else None,
        refunds=tuple(read_refund(each) for each in charge["refunds"]),
        disputes=tuple(_read_dispute(each) for each in charge["disputes"]),
        live_mode=charge["live_mode"],
        at=datetime.fromisoformat(charge["changed"]),
        memo=charge.get("memo", ""),
        detail="" if verdict is not Verdict.UNKNOWN else f"unknown status {str(status)[:40]!r}",
    )


def read_refund(refund: Mapping[str, Any]) -> Refunded:
    return Refunded(
        processor_ref=refund["id"],
        money=Money(refund["amount"], refund["currency"]),
        verdict=_REFUND_VERDICTS.get(refund["status"], Verdict.UNKNOWN),
        reference=refund["reference"],
        at=datetime.fromisoformat(refund["made"]),
    )


def read_payout(payout: Mapping[str, Any]) -> Deposit:
    """A word that we don't know is on its way: what has not arrived for certain has not arrived."""
    return Deposit(
        payout["id"],
        Money(payout["amount"], payout["currency"]),
        _DEPOSITS.get(payout["status"], DepositState.PENDING),
        made_at=datetime.fromisoformat(payout["made"]),
        arrives_on=date.fromisoformat(payout["arrives_on"]),
        live_mode=False,
    )


def read_entry(entry: Mapping[str, Any]) -> DepositPart:
    return DepositPart(
        entry["id"],
        _PARTS.get(entry["kind"], PartKind.ADJUSTMENT),
        gross=Money(entry["amount"], entry["currency"]),
        fee=Money(entry["fee"], entry["currency"]),
        object_ref=entry["object"],
        reference=entry["reference"],
        at=datetime.fromisoformat(entry["made"]),
    )


def read_card(card: Mapping[str, Any]) -> CardFacts:
    return CardFacts(
        _BRANDS.get(card["brand"], "Card"), card["last4"], int(card["exp_month"]), int(card["exp_year"])
    )


def _read_dispute(dispute: Mapping[str, Any]) -> Disputed:
    currency = dispute["currency"]
    return Disputed(
        processor_ref=dispute["id"],
        money=Money(dispute["amount"], currency),
        withheld=Money(dispute["withheld"], currency),
        status=dispute["status"],
        at=datetime.fromisoformat(dispute["made"]),
    )
