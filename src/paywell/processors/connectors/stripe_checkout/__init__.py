"""Stripe with its own payment page: our screen, Next, the page at Stripe, and back.

`open`    makes a Checkout Session; the payer goes there with the whole page, picks or enters a card, pays
`submit`  only reads what became of it, as `look_up` does: the session, and the intent that it made
`cancel`  expires the session
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from typing import Final

import stripe
from django.utils.translation import gettext_lazy as _
from stripe.params.checkout import SessionCreateParams, SessionCreateParamsLineItem, SessionListParams

from paywell.processors.connectors.stripe import NOTICE_SECRET, NOTICES, SECRET_KEY, cards
from paywell.processors.connectors.stripe.base import CLOCKS_DIFFER, StripeConnector
from paywell.processors.connectors.stripe.client import WITHOUT_KEY, had_no_effect, is_gone, is_replay
from paywell.processors.connectors.stripe.notices import EVENTS
from paywell.processors.connectors.stripe.reading import MEMO, REFERENCE, Thing, read_metadata, read_time
from paywell.processors.contract import (
    ChargeOrder,
    Connection,
    Hosts,
    Outcome,
    Processor,
    Refunded,
    RefundOrder,
    SavedCardFacts,
    Setup,
    Step,
    Style,
    Submission,
    Verdict,
)

PAGE: Final = "https://checkout.stripe.com"
#: What comes with a session: its intent, that one's latest charge, and the refunds.
_WITH_INTENT: Final = ["payment_intent.latest_charge.refunds"]
_PAGE_LENGTH: Final = 100
_SESSION: Final = "cs_"

SETUP: Final = Setup(
    lead=_("Stripe in two steps: the client goes to Stripe's own page for the card, and comes back."),
    fields=(SECRET_KEY, NOTICE_SECRET),
    notices=NOTICES,
    notice_events=EVENTS,
)


class StripeCheckout(StripeConnector):
    """Checkout Sessions. A charge is named by its session; refunds and disputes hang on the session's intent."""

    name = "stripe_checkout"
    style = Style.TWO_STEP

    def hosts(self) -> Hosts:
        # Chromium holds form-action against the redirect that follows Next, too.
        return Hosts(form_action=(self.connection.settings.get("page_origin") or PAGE,))

    def fields(self) -> None:
        return None

    def open(self, order: ChargeOrder) -> Outcome:
        if not self.is_key_fresh(order):
            return self.look_up(order)
        try:
            params = self._describe_session(order)
            customer = self.get_customer(order)
            if customer:
                params["customer"] = customer
                params["saved_payment_method_options"] = {"payment_method_save": "enabled"}
            made = self.client.v1.checkout.sessions.create(params, options={"idempotency_key": order.open_key})
        except stripe.StripeError as error:
            return self.tell_unopened(order, error)
        if is_replay(made):
            return self.tell_session(self._retrieve(made.id))
        return self.tell_session(made.to_dict())

    def submit(self, order: ChargeOrder, submission: Submission) -> Outcome:
        return self.look_up(order)

    def look_up(self, order: ChargeOrder) -> Outcome:
        if order.processor_ref and not order.processor_ref.startswith(_SESSION):
            return self.tell_intent_alone(order.processor_ref)
        session = self._find(order)
        return self.tell_session(session) if session is not None else Outcome(Verdict.ABSENT)

    def cancel(self, order: ChargeOrder) -> Outcome:
        """Expire the session; where it is not there yet, use up the key under which it could still come."""
        session_id = order.processor_ref
        if not session_id:
            session = self._find(order)
            if session is None and not self.is_key_fresh(order):
                return Outcome(Verdict.CANCELED, reference=order.reference)
            session_id = session["id"] if session is not None else self._use_up_key(order)
        try:
            expired = self.client.v1.checkout.sessions.expire(
                session_id, {"expand": _WITH_INTENT}, options={"idempotency_key": WITHOUT_KEY}
            )
        except stripe.InvalidRequestError as error:
            if is_gone(error) or not had_no_effect(error):
                raise
            return self.tell_session(self._retrieve(session_id))
        return self.tell_session(expired.to_dict())

    def refund(self, order: RefundOrder) -> Refunded:
        intent_id = self._intent_of(order.charge_ref)
        if not intent_id:
            return Refunded("", order.money, Verdict.DECLINED, reference=order.reference)
        return self.refund_intent(order, intent_id)

    def look_up_refund(self, order: RefundOrder) -> Refunded:
        if order.processor_ref:
            return self.look_up_refund_of(order, "")
        return self.look_up_refund_of(order, self._intent_of(order.charge_ref))

    def list_since(self, since: datetime) -> Iterator[Outcome]:
        """Sessions made since then, and older ones whose intents have changed since."""
        seen, fees = set(), self.read_fees(since)
        for session in self._list_sessions({"created": {"gte": int(since.timestamp())}}):
            seen.add(_intent_id(session))
            if self.is_own(session):
                yield self.with_fee(self.tell_session(session), _intent_in(session), fees)
        for intent in self.list_changed_intents(since):
            if intent["id"] not in seen:
                for session in self._list_sessions({"payment_intent": intent["id"]}):
                    yield self.with_fee(self.tell_session(session), intent, fees)

    def tell_session(self, session: Thing) -> Outcome:
        """A session has three states; how the money stands is the intent's matter."""
        intent = session.get("payment_intent")
        told = Outcome(
            Verdict.UNKNOWN,
            reference=read_metadata(session, REFERENCE),
            memo=read_metadata(session, MEMO),
            live_mode=session["livemode"],
            at=read_time(session["created"]),
            detail=f"unknown status {str(session['status'])[:40]!r}",
        )
        if session["status"] == "complete" and isinstance(intent, dict):
            told = self.tell_intent(intent)
            told = replace(told, saved_card=self._find_kept_card(session, intent, told))
        elif session["status"] == "open":
            told = replace(told, verdict=Verdict.NEEDS_ACTION, step=Step(session["url"]), detail="")
        elif session["status"] == "expired":
            told = replace(told, verdict=Verdict.CANCELED, detail="")
        return replace(told, processor_ref=session["id"])

    def tell_intent_alone(self, intent_id: str) -> Outcome:
        """Whose intent it is, for a notice that names nothing else."""
        return self.tell_intent(self.retrieve_intent(intent_id))

    def _describe_session(self, order: ChargeOrder) -> SessionCreateParams:
        metadata = self.describe_order(order)
        line: SessionCreateParamsLineItem = {
            "quantity": 1,
            "price_data": {
                "currency": order.money.currency.lower(),
                "unit_amount": order.money.minor,
                "product_data": {"name": order.label},
            },
        }
        return {
            "mode": "payment",
            "ui_mode": "hosted_page",
            "submit_type": "pay",
            "allowed_payment_method_types": ["card"],
            "wallet_options": {"link": {"display": "never"}},
            "client_reference_id": order.reference,
            "line_items": [line],
            "metadata": metadata,
            "payment_intent_data": {"metadata": metadata},
            "success_url": order.return_url,
            "cancel_url": order.cancel_url,
            "expand": _WITH_INTENT,
        }

    def _use_up_key(self, order: ChargeOrder) -> str:
        made = self.client.v1.checkout.sessions.create(
            self._describe_session(order), options={"idempotency_key": order.open_key}
        )
        return str(made.id)

    def _retrieve(self, session_id: str) -> Thing:
        return self.client.v1.checkout.sessions.retrieve(session_id, {"expand": _WITH_INTENT}).to_dict()

    def _find(self, order: ChargeOrder) -> Thing | None:
        if order.processor_ref:
            return self._retrieve(order.processor_ref)
        if order.created_at is None:
            raise ValueError("An order without its hour can't be found by list.")
        since = order.created_at - CLOCKS_DIFFER
        sessions = self._list_sessions({"created": {"gte": int(since.timestamp())}})
        found = [each for each in sessions if read_metadata(each, REFERENCE) == order.reference]
        return next((each for each in found if each["status"] == "complete"), found[-1]) if found else None

    def _list_sessions(self, where: SessionListParams) -> Iterator[Thing]:
        where["limit"] = _PAGE_LENGTH
        where["expand"] = [f"data.{_WITH_INTENT[0]}"]
        listed = self.client.v1.checkout.sessions.list(where)
        for each in listed.auto_paging_iter():
            yield each.to_dict()

    def _intent_of(self, charge_ref: str) -> str:
        """Empty for a session by which nobody has tried to pay."""
        if not charge_ref.startswith(_SESSION):
            return charge_ref
        return _intent_id(self._retrieve(charge_ref))

    def _find_kept_card(self, session: Thing, intent: Thing, told: Outcome) -> SavedCardFacts | None:
        """The card that the payer asked Stripe's page to keep; one that was kept before counts as that one."""
        customer, method_id = session.get("customer"), intent.get("payment_method")
        if told.verdict is not Verdict.SUCCEEDED or not customer or not method_id:
            return None
        methods = cards.list_kept(self.client, customer)
        used = next((each for each in methods if each["id"] == method_id), None)
        if used is None or used["created"] <= session["created"]:
            return None  # not kept, or a kept one that was used
        return cards.to_facts(cards.same_card(methods, used)[0], customer)


def _intent_in(session: Thing) -> Thing:
    """The intent that came with a session; empty where it has none yet."""
    intent = session.get("payment_intent")
    return intent if isinstance(intent, dict) else {}


def _intent_id(session: Thing) -> str:
    intent = session.get("payment_intent")
    return str(intent["id"] if isinstance(intent, dict) else intent or "")


def connect(connection: Connection) -> Processor:
    return StripeCheckout(connection)
