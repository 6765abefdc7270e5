"""Statements of a billing account as values: for a period, and for a year."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import ClassVar

from paywell.documents.types.letterhead import LIVE, Kind, Letterhead, Setting


class Entry(StrEnum):
    """What a line of a statement is."""

    CHARGE = "charge"
    VOID = "void"  #: an invoice taken back
    PAYMENT = "payment"
    REFUND = "refund"
    ADJUSTMENT = "adjustment"  #: a write-off, or one undone
    CREDIT = "credit"  #: credit on account given or taken back without money moving


@dataclass(frozen=True, slots=True)
class StatementItem:
    """One movement of the account. Positive amounts are owed, negative ones take away from what is owed."""

    on: date  #: the day it was booked
    entry: Entry
    amount_minor: int
    balance_minor: int  #: of the account after it
    service_on: date | None = None
    wording: str = ""
    client: str = ""
    clinician: str = ""
    invoice: str = ""
    card_brand: str = ""
    card_last4: str = ""
    contact_id: str = ""  #: not printed: who paid, and may see the card
    client_id: str = ""  #: not printed


@dataclass(frozen=True, slots=True)
class Ageing:
    """What is owed at the end of the period, by the days since the invoice."""

    to_30_minor: int
    to_60_minor: int
    to_90_minor: int
    above_minor: int


@dataclass(frozen=True, slots=True)
class StatementDocument:
    """The account over a period: where it began, what happened, where it ended. Below zero: credit."""

    kind: ClassVar[Kind] = Kind.STATEMENT

    letterhead: Letterhead
    setting: Setting
    number: str
    addressee: tuple[str, ...]
    issued_on: date
    period_from: date
    period_to: date
    previous_minor: int
    items: tuple[StatementItem, ...]
    charges_minor: int
    payments_minor: int
    adjustments_minor: int
    ending_minor: int
    ageing: Ageing
    credit_minor: int = 0  #: of the ending balance, what is credit on account not yet used
    replaces: str = ""
    replaced_by: str = field(default="", metadata=LIVE)


@dataclass(frozen=True, slots=True)
class YearlyItem:
    """Part of a payment (or, below zero, of a refund), on the day on which the money moved."""

    paid_on: date
    amount_minor: int
    service_on: date | None = None  #: None for credit on account
    wording: str = ""
    client: str = ""
    clinician: str = ""
    invoice: str = ""
    payer: str = ""
    is_transfer: bool = False  #: credit paid before that was used now; no money moved on this day
    client_id: str = ""  #: not printed


@dataclass(frozen=True, slots=True)
class YearlyDocument:
    """What was paid in a calendar year, net of refunds: for taxes and for HSA and FSA."""

    kind: ClassVar[Kind] = Kind.YEARLY

    letterhead: Letterhead
    setting: Setting
    number: str
    addressee: tuple[str, ...]
    issued_on: date
    year: int
    through: date  #: the last day that it covers: the year's end, or the day of issue within the year
    tax_id: str  #: the practice's EIN; never an SSN
    items: tuple[YearlyItem, ...]
    paid_minor: int
    refunded_minor: int
    net_minor: int
    replaces: str = ""
    replaced_by: str = field(default="", metadata=LIVE)
