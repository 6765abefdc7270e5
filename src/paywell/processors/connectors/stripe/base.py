"""What both Stripe connectors share: one account at Stripe, its money looked up, refunded and listed.

Only amount, currency, our opaque references and the discreet label go out. Everything is found again by id or by
list and metadata, never by search, which lags behind. A key that Stripe may have forgotten is never sent again.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final

import stripe

from paywell.core import http
from paywell.core.money import Money
from paywell.processors.connectors.stripe import cards, deposits
from paywell.processors.connectors.stripe.client import describe, had_no_effect, is_gone, is_replay, make_client
from paywell.processors.connectors.stripe.notices import read_notice
from paywell.processors.connectors.stripe.reading import (
    MADE_BY,
    MEMO,
    METADATA_MAX,
    PAYER,
    REFERENCE,
    Thing,
    get_charge,
    read_intent,
    read_metadata,
    read_refund,
)
from paywell.processors.contract import (
    Capability,
    ChargeOrder,
    Connection,
    Deposit,
    DepositPart,
    Outcome,
    RawNotice,
    Refunded,
    RefundOrder,
    Report,
    SavedCardFacts,
    Verdict,
)

_log = logging.getLogger("paywell.processors.stripe")

#: Stripe keeps a key for 24 hours at least; a margin of one.
KEY_GOOD_FOR: Final = timedelta(hours=23)
#: Their clock and ours may differ by that much; lists begin so much earlier.
CLOCKS_DIFFER: Final = timedelta(minutes=10)
#: How far back events can be read.
EVENTS_KEPT: Final = timedelta(days=29)
#: What comes with an intent: its latest charge and that charge's refunds.
WITH_CHARGE: Final = ["latest_charge.refunds"]
_PAGE: Final = 100
#: Events by which an older charge has changed.
_CHANGES: Final = [
    "charge.refunded", "refund.created", "refund.updated", "refund.failed", "charge.dispute.created",
    "charge.dispute.updated", "charge.dispute.closed", "charge.dispute.funds_withdrawn",
    "charge.dispute.funds_reinstated", "payment_intent.succeeded", "payment_intent.canceled",
]  # fmt: skip


class StripeConnector:
    """The calls that are the same for both styles. `client` answers soon; `patient` waits for the bank."""

    name: str
    capabilities = frozenset(Capability)

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.is_test = not connection.live_mode
        self.client = make_client(connection)
        self.patient = make_client(connection, timeout_s=http.CHARGE_TIMEOUT_S)

    def check_setup(self) -> list[str]:
        problems = self.find_wrong_keys()
        if problems:
            return problems
        try:
            account = self.client.v1.accounts.retrieve_current().to_dict()
        except stripe.AuthenticationError:
            return ["Stripe does not take this secret key. Copy it again from Developers, API keys."]
        except stripe.PermissionError:
            return [
                "This restricted key may not read the account. Give it read access to it, or use the secret key."
            ]
        if not account.get("charges_enabled"):
            return [
                "Stripe has not activated payments for this account yet. Finish its activation at Stripe first."
            ]
        return []

    def find_wrong_keys(self) -> list[str]:
        """Keys of the other mode, or two keys in the wrong places. No call."""
        mode = "live" if self.connection.live_mode else "test"
        key = self.connection.secrets.get("secret_key", "")
        if not key.startswith((f"sk_{mode}_", f"rk_{mode}_")):
            return [f"The secret key is not a {mode} key: those begin with sk_{mode}_. Copy the one of this mode."]
        return []

    # Making things over there

    def get_customer(self, order: ChargeOrder) -> str:
        """The payer's name there, made once: our opaque reference and nothing else. Empty where no card is kept."""
        if order.customer_ref or not order.payer_reference:
            return order.customer_ref
        try:
            return self._make_customer(order, f"payer-{order.payer_reference}")
        except stripe.StripeError as error:
            if not is_replay(error):
                raise
            # Stripe answers with an old failure for a day. A second, empty customer does no harm.
            return self._make_customer(order, f"payer-{order.payer_reference}-{order.open_key}")

    def _make_customer(self, order: ChargeOrder, key: str) -> str:
        made = self.client.v1.customers.create(
            {"metadata": {PAYER: order.payer_reference}}, options={"idempotency_key": key}
        )
        return str(made.id)

    def describe_order(self, order: ChargeOrder) -> dict[str, str]:
        """The metadata of a charge."""
        told = {REFERENCE: order.reference, MADE_BY: self.name}
        return told | {MEMO: order.memo[:METADATA_MAX]} if order.memo else told

    def is_key_fresh(self, order: ChargeOrder | RefundOrder) -> bool:
        if order.asked_at is None or order.created_at is None:
            return True
        return order.asked_at - order.created_at < KEY_GOOD_FOR

    def tell_unopened(self, order: ChargeOrder, error: stripe.StripeError) -> Outcome:
        """What an error of `open` means. An old answer to the same key, or one to other content, tells nothing.

        What stands there does: after other content only our own fence, which had used up the key.
        """
        if is_replay(error):
            return self.look_up(order)
        if isinstance(error, stripe.IdempotencyError):
            found = self.look_up(order)
            if found.verdict is Verdict.CANCELED:
                return found
        if not had_no_effect(error):
            raise error
        return Outcome(Verdict.NOT_SENT, detail=describe(error))

    # Reading

    def look_up(self, order: ChargeOrder) -> Outcome:
        raise NotImplementedError

    def retrieve_intent(self, intent_id: str) -> Thing:
        return self.client.v1.payment_intents.retrieve(intent_id, {"expand": WITH_CHARGE}).to_dict()

    def find_intents(self, order: ChargeOrder) -> list[Thing]:
        """Every intent of this order, the oldest first, by list and metadata."""
        since = self._begin_of(order)
        listed = self.client.v1.payment_intents.list(
            {"created": {"gte": _seconds(since)}, "limit": _PAGE, "expand": [f"data.{WITH_CHARGE[0]}"]}
        )
        found = [
            each
            for each in map(_plain, listed.auto_paging_iter())
            if read_metadata(each, REFERENCE) == order.reference
        ]
        return found[::-1]

    def _begin_of(self, order: ChargeOrder) -> datetime:
        if order.created_at is None:
            raise ValueError("An order without its hour can't be found by list.")
        return order.created_at - CLOCKS_DIFFER

    def tell_intent(self, intent: Thing) -> Outcome:
        """The whole truth about one intent: its disputes are a list of their own, and a kept card another."""
        charge = get_charge(intent)
        disputes: list[Thing] = []
        if charge.get("disputed"):
            listed = self.client.v1.disputes.list({"payment_intent": intent["id"], "limit": _PAGE})
            disputes = [_plain(each) for each in listed.auto_paging_iter()]
        refunds = charge.get("refunds") or {}
        if refunds.get("has_more"):
            listed_refunds = self.client.v1.refunds.list({"payment_intent": intent["id"], "limit": _PAGE})
            everything = {"data": [_plain(each) for each in listed_refunds.auto_paging_iter()]}
            intent = {**intent, "latest_charge": {**charge, "refunds": everything}}
        return read_intent(intent, disputes)

    # Refunds

    def refund_intent(self, order: RefundOrder, intent_id: str) -> Refunded:
        if not self.is_key_fresh(order):
            return self.look_up_refund_of(order, intent_id)
        try:
            made = self.patient.v1.refunds.create(
                {
                    "payment_intent": intent_id,
                    "amount": order.money.minor,
                    "metadata": {REFERENCE: order.reference, MADE_BY: self.name},
                },
                options={"idempotency_key": order.key},
            )
        except stripe.StripeError as error:
            if is_replay(error):
                return self.look_up_refund_of(order, intent_id)
            if not had_no_effect(error):
                raise
            is_no = error.http_status == 400
            _log.info("refund %s: %s", order.reference, describe(error))
            return _no_refund(order, Verdict.DECLINED if is_no else Verdict.NOT_SENT)
        return read_refund(made.to_dict())

    def look_up_refund_of(self, order: RefundOrder, intent_id: str) -> Refunded:
        try:
            if order.processor_ref:
                return read_refund(self.client.v1.refunds.retrieve(order.processor_ref).to_dict())
            listed = self.client.v1.refunds.list({"payment_intent": intent_id, "limit": _PAGE})
            found = [
                each
                for each in map(_plain, listed.auto_paging_iter())
                if read_metadata(each, REFERENCE) == order.reference
            ]
        except stripe.StripeError as error:
            if not had_no_effect(error):
                raise
            return _no_refund(order, Verdict.UNKNOWN)
        return read_refund(found[0]) if found else _no_refund(order, Verdict.ABSENT)

    # Lists

    def list_changed_intents(self, since: datetime) -> Iterator[Thing]:
        """Made since then, and older ones about which something has happened since."""
        seen = set()
        listed = self.client.v1.payment_intents.list(
            {"created": {"gte": _seconds(since)}, "limit": _PAGE, "expand": [f"data.{WITH_CHARGE[0]}"]}
        )
        for each in map(_plain, listed.auto_paging_iter()):
            seen.add(each["id"])
            if self.is_own(each):
                yield each
        for intent_id in self._list_touched(since):
            if intent_id in seen:
                continue
            seen.add(intent_id)
            intent = self._retrieve_if_there(intent_id)
            if intent is not None and self.is_own(intent):
                yield intent

    def _list_touched(self, since: datetime) -> Iterator[str]:
        events = self.client.v1.events.list(
            {"created": {"gte": _seconds(since)}, "types": _CHANGES, "limit": _PAGE}
        )
        for event in map(_plain, events.auto_paging_iter()):
            thing = event["data"]["object"]
            intent_id = thing["id"] if thing["object"] == "payment_intent" else thing.get("payment_intent")
            if intent_id:
                yield str(intent_id)

    def _retrieve_if_there(self, intent_id: str) -> Thing | None:
        try:
            return self.retrieve_intent(intent_id)
        except stripe.InvalidRequestError as error:
            if is_gone(error):
                return None
            raise

    def is_own(self, thing: Thing) -> bool:
        """Whether this connector made it: the account may serve other programs, too."""
        return bool(read_metadata(thing, REFERENCE)) and read_metadata(thing, MADE_BY) == self.name

    def read_fees(self, since: datetime) -> dict[str, Money]:
        """By charge: for the sweep alone, which can do without."""
        return deposits.read_fees(self.client, since - CLOCKS_DIFFER)

    def with_fee(self, told: Outcome, intent: Thing, fees: Mapping[str, Money]) -> Outcome:
        return replace(told, fee=fees.get(get_charge(intent).get("id", "")))

    def list_deposits(self, since: datetime) -> Iterator[Deposit]:
        return deposits.list_payouts(self.client, since)

    def list_deposit_parts(self, deposit_ref: str) -> Iterator[DepositPart]:
        return deposits.list_parts(self.client, deposit_ref)

    # Cards and notices

    def list_cards(self, customer_ref: str) -> Sequence[SavedCardFacts]:
        if not customer_ref:
            return []
        kept = cards.distinct(cards.list_kept(self.client, customer_ref))
        return [cards.to_facts(each, customer_ref) for each in kept]

    def forget_card(self, card: SavedCardFacts) -> Outcome:
        try:
            cards.forget(self.client, card)
        except stripe.StripeError as error:
            if not had_no_effect(error):
                raise
            return Outcome(Verdict.NOT_SENT, detail=describe(error))
        return Outcome(Verdict.SUCCEEDED)

    def read_notice(self, notice: RawNotice) -> list[Report]:
        return read_notice(notice, self.connection.secrets, self.name)


def _plain(thing: Any) -> Thing:
    return thing.to_dict()


def _seconds(moment: datetime) -> int:
    return int(moment.timestamp())


def _no_refund(order: RefundOrder, verdict: Verdict) -> Refunded:
    return Refunded(order.processor_ref, order.money, verdict, reference=order.reference)
