"""Takes from a document what a viewer may not see. Dates and amounts always stay: the sums must add up."""

from __future__ import annotations

from dataclasses import replace
from typing import TypeVar

from paywell.documents.rights import Sight
from paywell.documents.types import (
    Issued,
    ReceiptDocument,
    ReceiptItem,
    RefundDocument,
    StatementDocument,
    StatementItem,
    YearlyDocument,
    YearlyItem,
)

Item = TypeVar("Item", ReceiptItem, StatementItem, YearlyItem)


def redact(document: Issued, sight: Sight) -> Issued:
    """Names, clinicians and the wording of services go, line by line, where `sight` does not have the client.

    A superbill and an estimate are seen as a whole or not at all.
    """
    if isinstance(document, ReceiptDocument | RefundDocument):
        return replace(document, items=tuple(_item(item, sight) for item in document.items))
    if isinstance(document, StatementDocument):
        return replace(document, items=tuple(_card(_item(item, sight), sight) for item in document.items))
    if isinstance(document, YearlyDocument):
        return replace(document, items=tuple(_item(item, sight) for item in document.items))
    return document


def without_wordings(document: ReceiptDocument | RefundDocument) -> ReceiptDocument | RefundDocument:
    """The plain receipt: dates, people and amounts, and nothing of what kind of service it was."""
    return replace(document, items=tuple(replace(item, wording="") for item in document.items))


def without_card(document: Issued) -> Issued:
    """For a payer who looks at another's payment: a card is never shown to them."""
    if isinstance(document, ReceiptDocument | RefundDocument):
        return replace(document, card_brand="", card_last4="")
    return document


def _item(item: Item, sight: Sight) -> Item:
    if not item.client_id:
        return item
    names = {str(client_id) for client_id in sight.names}
    wordings = {str(client_id) for client_id in sight.wordings}
    if item.client_id not in names:
        item = replace(item, client="", clinician="")
    return item if item.client_id in wordings else replace(item, wording="")


def _card(item: StatementItem, sight: Sight) -> StatementItem:
    """A card of one payer is never shown to another."""
    shown = sight.contact_id is None or item.contact_id == str(sight.contact_id)
    return item if shown else replace(item, card_brand="", card_last4="")
