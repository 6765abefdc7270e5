"""Cards that Stripe keeps for a payer. One card may lie there several times: it counts as one.

Stripe makes a new payment method each time a card is entered; number and expiry are the same ones when their
fingerprint and expiry are. The oldest of them gives the card its name here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import stripe

from paywell.processors.connectors.stripe.client import WITHOUT_KEY, is_gone
from paywell.processors.connectors.stripe.reading import Thing, read_card
from paywell.processors.contract import SavedCardFacts

_PAGE: Final = 100


def list_kept(client: stripe.StripeClient, customer_ref: str) -> list[Thing]:
    """Every payment method of the payer, oldest first; empty for a customer that is gone."""
    try:
        listed = client.v1.payment_methods.list({"customer": customer_ref, "type": "card", "limit": _PAGE})
        found: list[Thing] = [each.to_dict() for each in listed.auto_paging_iter()]
    except stripe.InvalidRequestError as error:
        if is_gone(error):
            return []
        raise
    return found[::-1]


def distinct(methods: Sequence[Thing]) -> list[Thing]:
    """The oldest of each card."""
    cards: dict[tuple[Any, ...], Thing] = {}
    for method in methods:
        cards.setdefault(_identity(method), method)
    return list(cards.values())


def same_card(methods: Sequence[Thing], wanted: Thing) -> list[Thing]:
    return [each for each in methods if _identity(each) == _identity(wanted)]


def to_facts(method: Thing, customer_ref: str) -> SavedCardFacts:
    return SavedCardFacts(method["id"], customer_ref, read_card(method["card"]))


def forget(client: stripe.StripeClient, card: SavedCardFacts) -> None:
    """Detach it for good, however often it lies there. Another payer's card is left alone."""
    methods = list_kept(client, card.customer_ref)
    wanted = next((each for each in methods if each["id"] == card.token), None)
    if wanted is None:
        return
    for method in same_card(methods, wanted):
        try:
            client.v1.payment_methods.detach(method["id"], options={"idempotency_key": WITHOUT_KEY})
        except stripe.InvalidRequestError as error:
            if not is_gone(error):
                raise


def _identity(method: Mapping[str, Any]) -> tuple[Any, ...]:
    card = method["card"]
    return card.get("fingerprint") or method["id"], card.get("exp_month"), card.get("exp_year")
