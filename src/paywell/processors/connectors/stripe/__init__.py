"""Stripe with its card fields inside our own page: one screen.

`open`    makes a PaymentIntent without a card: nothing can be taken
browser   the Payment Element trades what was typed for a ConfirmationToken
`submit`  confirms the intent with it, or with a kept card; the bank's question is answered on a page of its own
`look_up` reads the intent, which alone is believed
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from typing import Final

import stripe
from django.utils.translation import gettext_lazy as _
from stripe.params import PaymentIntentConfirmParams, PaymentIntentCreateParams

from paywell.processors.connectors.stripe import cards
from paywell.processors.connectors.stripe.base import WITH_CHARGE, StripeConnector
from paywell.processors.connectors.stripe.client import WITHOUT_KEY, describe, had_no_effect, is_gone, is_replay
from paywell.processors.connectors.stripe.notices import EVENTS
from paywell.processors.connectors.stripe.reading import Thing, decline_for, get_charge
from paywell.processors.contract import (
    ChargeOrder,
    Connection,
    ConnectionField,
    Fields,
    Hosts,
    Outcome,
    Processor,
    Refunded,
    RefundOrder,
    SavedCardFacts,
    Setup,
    Style,
    Submission,
    Verdict,
)

_log = logging.getLogger("paywell.processors.stripe")

#: Stripe's own script, of the version that belongs to the API's. Stripe demands that it comes from its host.
STRIPE_JS: Final = "https://js.stripe.com/endive/stripe.js"
_FUTURE: Final = "off_session"

SECRET_KEY: Final = ConnectionField(
    "secret_key",
    _("Secret key"),
    _("At Stripe under Developers, API keys. It begins with sk_live_, or with sk_test_ in test mode."),
    pattern=r"(sk|rk)_(live|test)_\w+",
    advice=_("This is no secret key of Stripe: those begin with sk_live_ or sk_test_."),
)
PUBLISHABLE_KEY: Final = ConnectionField(
    "publishable_key",
    _("Publishable key"),
    _("On the same page. It begins with pk_live_, or with pk_test_ in test mode."),
    is_secret=False,
    pattern=r"pk_(live|test)_\w+",
    advice=_("This is no publishable key of Stripe: those begin with pk_live_ or pk_test_."),
)
NOTICE_SECRET: Final = ConnectionField(
    "notice_secret",
    _("Signing secret for notices"),
    _("Can be entered later: Stripe shows it once it has the address for notices. It begins with whsec_."),
    is_required=False,
    pattern=r"whsec_\S+",
    advice=_("This is no signing secret of Stripe: those begin with whsec_."),
)
NOTICES: Final = _(
    "At Stripe under Developers, Webhooks, add an endpoint with this address, for the events that are listed here. "
    "Then enter its signing secret under Change the keys."
)
SETUP: Final = Setup(
    lead=_("Stripe on one screen: the client enters the card inside your own page."),
    fields=(SECRET_KEY, PUBLISHABLE_KEY, NOTICE_SECRET),
    notices=NOTICES,
    notice_events=EVENTS,
)


class StripeInline(StripeConnector):
    """PaymentIntents, confirmed by the server."""

    name = "stripe"
    style = Style.INLINE

    def hosts(self) -> Hosts:
        return Hosts(
            frame_src=("https://js.stripe.com", "https://*.js.stripe.com", "https://hooks.stripe.com"),
            script_src=("https://js.stripe.com", "https://*.js.stripe.com"),
            connect_src=("https://api.stripe.com",),
        )

    def fields(self) -> Fields:
        return Fields("stripe", (STRIPE_JS,), {"key": self.connection.settings.get("publishable_key", "")})

    def find_wrong_keys(self) -> list[str]:
        mode = "live" if self.connection.live_mode else "test"
        if not self.connection.settings.get("publishable_key", "").startswith(f"pk_{mode}_"):
            return [
                *super().find_wrong_keys(),
                f"The publishable key is not a {mode} key: those begin with pk_{mode}_. Copy the one of this mode.",
            ]
        return super().find_wrong_keys()

    def open(self, order: ChargeOrder) -> Outcome:
        if not self.is_key_fresh(order):
            return self.look_up(order)
        try:
            params = self._describe_intent(order)
            customer = self.get_customer(order)
            if customer:
                params["customer"] = customer
            made = self.client.v1.payment_intents.create(params, options={"idempotency_key": order.open_key})
        except stripe.StripeError as error:
            return self.tell_unopened(order, error)
        if is_replay(made):
            return self.tell_intent(self.retrieve_intent(made.id))
        return self.tell_intent(made.to_dict())

    def submit(self, order: ChargeOrder, submission: Submission) -> Outcome:
        params: PaymentIntentConfirmParams = {"return_url": order.return_url, "expand": WITH_CHARGE}
        if submission.saved_card_token:
            params["payment_method"] = submission.saved_card_token
            if submission.is_payer_absent:
                params["off_session"] = True  # the bank that wants a check says no instead of asking nobody
        else:
            # The bank's question comes as a page of its own, not as a dialog of Stripe.js in ours.
            params["confirmation_token"] = submission.card_token
            params["use_stripe_sdk"] = False
            if submission.save_card and (order.customer_ref or order.payer_reference):
                params["setup_future_usage"] = _FUTURE
        if not self.is_key_fresh(order):
            return self.look_up(order)
        try:
            confirmed = self.patient.v1.payment_intents.confirm(
                order.processor_ref, params, options={"idempotency_key": order.submit_key}
            )
        except stripe.CardError as error:
            return self._close_declined(order, error)
        except stripe.StripeError as error:
            return self._read_refusal(order, error)
        if is_replay(confirmed):
            return self.look_up(order)
        return self.tell_intent(confirmed.to_dict())

    def look_up(self, order: ChargeOrder) -> Outcome:
        intent = self._find(order)
        return self.tell_intent(intent) if intent is not None else Outcome(Verdict.ABSENT)

    def cancel(self, order: ChargeOrder) -> Outcome:
        """Cancel the intent; where it is not there yet, use up the key under which it could still come."""
        intent_id = order.processor_ref
        if not intent_id:
            intent = self._find(order)
            if intent is None and not self.is_key_fresh(order):
                return Outcome(Verdict.CANCELED, reference=order.reference)
            intent_id = intent["id"] if intent is not None else self._use_up_key(order)
        return self._cancel_intent(intent_id)

    def refund(self, order: RefundOrder) -> Refunded:
        return self.refund_intent(order, order.charge_ref)

    def look_up_refund(self, order: RefundOrder) -> Refunded:
        return self.look_up_refund_of(order, order.charge_ref)

    def list_since(self, since: datetime) -> Iterator[Outcome]:
        fees = self.read_fees(since)
        for intent in self.list_changed_intents(since):
            yield self.with_fee(self.tell_intent(intent), intent, fees)

    def tell_intent(self, intent: Thing) -> Outcome:
        told = super().tell_intent(intent)
        if told.verdict is not Verdict.SUCCEEDED or not intent.get("setup_future_usage"):
            return told
        return replace(told, saved_card=self._find_kept_card(intent))

    def _find_kept_card(self, intent: Thing) -> SavedCardFacts | None:
        """The card that this payment kept; one that was kept before counts as that one."""
        customer, method_id = intent.get("customer"), intent.get("payment_method")
        if not customer or not method_id:
            return None
        methods = cards.list_kept(self.client, customer)
        kept = next((each for each in methods if each["id"] == method_id), None)
        return cards.to_facts(cards.same_card(methods, kept)[0], customer) if kept is not None else None

    def _find(self, order: ChargeOrder) -> Thing | None:
        if order.processor_ref:
            return self.retrieve_intent(order.processor_ref)
        found = self.find_intents(order)
        return next((each for each in found if get_charge(each)), found[0]) if found else None

    def _close_declined(self, order: ChargeOrder, error: stripe.CardError) -> Outcome:
        """A decline leaves the intent open: cancel it, so that nothing can be taken by it any more."""
        body = error.json_body if isinstance(error.json_body, dict) else {}
        said = body.get("error") or {}
        decline = decline_for(said.get("decline_code"), error.code)
        try:
            self.client.v1.payment_intents.cancel(order.processor_ref, options={"idempotency_key": WITHOUT_KEY})
        except Exception as failure:  # it stays open without a card; the sweep fences it
            _log.warning("declined intent %s is not canceled: %s", order.processor_ref, type(failure).__name__)
        return Outcome(
            Verdict.DECLINED,
            processor_ref=order.processor_ref,
            reference=order.reference,
            decline=decline,
            live_mode=self.connection.live_mode,
            detail=describe(error),
        )

    def _read_refusal(self, order: ChargeOrder, error: stripe.StripeError) -> Outcome:
        """Refused unexecuted. An intent in another state than expected tells itself what became of it."""
        if is_replay(error):
            return self.look_up(order)
        if not had_no_effect(error):
            raise error
        if error.code in ("payment_intent_unexpected_state", "intent_invalid_state"):
            return self.look_up(order)
        return Outcome(Verdict.NOT_SENT, detail=describe(error))

    def _cancel_intent(self, intent_id: str) -> Outcome:
        try:
            canceled = self.client.v1.payment_intents.cancel(
                intent_id, {"expand": WITH_CHARGE}, options={"idempotency_key": WITHOUT_KEY}
            )
        except stripe.InvalidRequestError as error:
            if is_gone(error) or not had_no_effect(error):
                raise
            return self.tell_intent(self.retrieve_intent(intent_id))
        told = self.tell_intent(canceled.to_dict())
        # An intent that a card was refused for is as canceled as any: it is our fence that is answered here.
        return replace(told, verdict=Verdict.CANCELED) if canceled.status == "canceled" else told

    def _use_up_key(self, order: ChargeOrder) -> str:
        """An intent of our own under the key of `open`: whatever still comes under it makes no second one."""
        made = self.client.v1.payment_intents.create(
            self._describe_intent(order), options={"idempotency_key": order.open_key}
        )
        return str(made.id)

    def _describe_intent(self, order: ChargeOrder) -> PaymentIntentCreateParams:
        return {
            "amount": order.money.minor,
            "currency": order.money.currency.lower(),
            "allowed_payment_method_types": ["card"],
            "metadata": self.describe_order(order),
            "expand": WITH_CHARGE,
        }


def connect(connection: Connection) -> Processor:
    return StripeInline(connection)
