"""Cards that Square keeps on file for a payer: made after a payment, listed, disabled."""

from __future__ import annotations

from contextlib import suppress

import httpx
from square.types.card import Card
from square.types.payment import Payment

from paywell.processors.connectors.square import reading
from paywell.processors.connectors.square.client import OPTIONS, Api, Refused
from paywell.processors.contract import ChargeOrder, SavedCardFacts


class Cards:
    """Raises httpx errors, Refused and ValueError, except where a method says that it does not."""

    def __init__(self, api: Api) -> None:
        self.api = api

    def make_customer(self, order: ChargeOrder) -> str:
        """The payer's number at Square, which knows our opaque name and nothing else."""
        if order.customer_ref or not order.payer_reference:
            return order.customer_ref
        wanted = order.payer_reference
        found = self.api.call(
            lambda square: square.customers.search(
                query={"filter": {"reference_id": {"exact": wanted}}}, limit=1, request_options=OPTIONS
            )
        )
        known = (found.customers or [None])[0]
        if known is not None and known.id and known.reference_id == wanted:
            return known.id
        # The key is the payer's name: two payments at once make one customer.
        made = self.api.call(
            lambda square: square.customers.create(
                idempotency_key=f"payer-{wanted}", reference_id=wanted, request_options=OPTIONS
            )
        )
        if made.customer is None or not made.customer.id:
            raise ValueError("The customer has no number.")
        return made.customer.id

    def keep(self, order: ChargeOrder, payment: Payment) -> SavedCardFacts | None:
        """Keep the card that has just paid. None where that failed: the payment stands all the same.

        A call of its own, which may fail alone. It is tried twice under one key, and again when `submit` is
        repeated. The same card again is found, not kept a second time.
        """
        customer_ref, payment_id = payment.customer_id or "", payment.id or ""
        if not customer_ref or not payment_id:
            return None
        for _ in range(2):
            with suppress(httpx.HTTPError, Refused, ValueError):
                known = self.find(payment)
                if known is not None:
                    return known
                made = self.api.call(
                    lambda square: square.cards.create(
                        idempotency_key=f"card-{order.submit_key}",
                        source_id=payment_id,
                        card={"customer_id": customer_ref, "reference_id": order.reference},
                        request_options=OPTIONS,
                    )
                )
                return reading.tell_card(made.card, customer_ref) if made.card else None
        return None

    def find(self, payment: Payment) -> SavedCardFacts | None:
        """The card on file that paid, by its number there or else by its fingerprint."""
        customer_ref = payment.customer_id or ""
        paid_with = payment.card_details.card if payment.card_details else None
        if not customer_ref or paid_with is None:
            return None
        mark = reading.fingerprint_of(payment)
        for card in self._each(customer_ref):
            is_same = card.id == paid_with.id or (mark and card.fingerprint == mark)
            if is_same and (told := reading.tell_card(card, customer_ref)):
                return told
        return None

    def list_kept(self, customer_ref: str) -> list[SavedCardFacts]:
        if not customer_ref:
            return []
        told = (reading.tell_card(card, customer_ref) for card in self._each(customer_ref))
        return [each for each in told if each is not None]

    def disable(self, card: SavedCardFacts) -> None:
        """Take it off file. Done already where it is gone, or is not this payer's."""
        try:
            found = self.api.call(lambda square: square.cards.get(card.token, request_options=OPTIONS)).card
        except Refused as refusal:
            if refusal.status == 404:
                return
            raise
        if found is None or found.customer_id != card.customer_ref or found.enabled is False:
            return
        self.api.call(lambda square: square.cards.disable(card.token, request_options=OPTIONS))

    def _each(self, customer_ref: str) -> list[Card]:
        pages = self.api.each(
            lambda square: square.cards.list(customer_id=customer_ref, request_options=OPTIONS)
        )  # fmt: skip
        return list(pages)
