"""Who pays in a sandbox: published test cards in place of card fields, or the person at the keyboard."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import stripe

from paywell.processors.contract import Connection


class AtTheKeyboard:
    """Two steps: the person opens the address in a browser and comes back to this window."""

    def good_card(self) -> str:
        raise NotImplementedError("the page asks for the card")

    bad_card = good_card

    def walk(self, url: str, what: str) -> None:
        input(f"\n  Open this address in a browser and {what}:\n  {url}\n  Then press Enter here. ")


class StripeFields(AtTheKeyboard):
    """Stripe makes confirmation tokens of its test cards for testers, as its fields do for payers."""

    def __init__(self, connection: Connection) -> None:
        self._client = stripe.StripeClient(connection.secrets["secret_key"])

    def good_card(self) -> str:
        return self._token("pm_card_visa")

    def bad_card(self) -> str:
        return self._token("pm_card_visa_chargeDeclined")

    def _token(self, card: str) -> str:
        made = self._client.v1.test_helpers.confirmation_tokens.create({"payment_method": card})
        return str(made.id)


class SquareFields(AtTheKeyboard):
    """Square publishes what its fields would give for its test cards."""

    def __init__(self, connection: Connection) -> None:
        pass

    def good_card(self) -> str:
        return "cnon:card-nonce-ok"

    def bad_card(self) -> str:
        return "cnon:card-nonce-declined"


#: Connectors with card fields in our page. The others have a page of their own, where a person pays.
FIELDS: Final[dict[str, Callable[[Connection], AtTheKeyboard]]] = {"stripe": StripeFields, "square": SquareFields}


def get_payer(name: str, connection: Connection) -> AtTheKeyboard:
    return FIELDS[name](connection) if name in FIELDS else AtTheKeyboard()
