"""Receipts of payments and refunds as values."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import ClassVar

from paywell.documents.types.letterhead import LIVE, Kind, Letterhead, Setting


@dataclass(frozen=True, slots=True)
class ReceiptItem:
    """What part of the payment was for: the five facts that an HSA or FSA asks for."""

    on: date | None  #: date of service; None for credit on account
    client: str
    clinician: str
    wording: str
    invoice: str
    amount_minor: int
    client_id: str = ""  #: not printed: whose line it is, for what a viewer may see


@dataclass(frozen=True, slots=True)
class ReceiptRefund:
    on: date
    amount_minor: int


@dataclass(frozen=True, slots=True)
class ReceiptDocument:
    """Proof of one payment. What went back of it until `as_of` stands beside it and is not part of what is kept."""

    kind: ClassVar[Kind] = Kind.RECEIPT

    letterhead: Letterhead
    setting: Setting
    number: str
    addressee: tuple[str, ...]
    paid_on: date
    payer: str
    card_brand: str
    card_last4: str
    items: tuple[ReceiptItem, ...]
    amount_minor: int
    issued_on: date | None = None
    reference: str = ""  #: ours for the payment, also known to the processor
    is_test: bool = False
    replaces: str = ""
    method: str = ""  #: a billing.models.Method where no card went through the processor
    method_reference: str = ""  #: then: a check's number and the like
    reversed_on: date | None = field(default=None, metadata=LIVE)  #: entered by hand, and taken back
    refunds: tuple[ReceiptRefund, ...] = field(default=(), metadata=LIVE)
    as_of: date | None = field(default=None, metadata=LIVE)
    replaced_by: str = field(default="", metadata=LIVE)


@dataclass(frozen=True, slots=True)
class RefundDocument:
    """Proof of money that went back, and for which services it had been paid."""

    kind: ClassVar[Kind] = Kind.REFUND

    letterhead: Letterhead
    setting: Setting
    number: str
    addressee: tuple[str, ...]
    refunded_on: date
    paid_on: date
    payer: str
    card_brand: str
    card_last4: str
    receipt: str  #: number of the payment's receipt
    items: tuple[ReceiptItem, ...]
    amount_minor: int
    issued_on: date | None = None
    reference: str = ""
    is_test: bool = False
    replaces: str = ""
    replaced_by: str = field(default="", metadata=LIVE)
    came_back_on: date | None = field(default=None, metadata=LIVE)  #: the card did not take it after all
