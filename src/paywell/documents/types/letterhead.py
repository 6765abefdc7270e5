"""What every document has: its kind, who sends it, and how it writes dates and money."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

#: Marks a field that is read when the document is shown and never kept with it.
LIVE: Final = {"live": True}


class Kind(StrEnum):
    INVOICE = "invoice"
    SUPERBILL = "superbill"
    STATEMENT = "statement"
    RECEIPT = "receipt"
    REFUND = "refund"
    YEARLY = "yearly"
    ESTIMATE = "estimate"


@dataclass(frozen=True, slots=True)
class Letterhead:
    """Who sends the document."""

    name: str
    address: tuple[str, ...] = ()
    phone: str = ""
    email: str = ""
    accent: str = ""  #: "#rrggbb", only for a rule and headings; the print is as clear without it
    notice: str = ""  #: what every document of this practice must say: the Part 2 notice
    pay_to: tuple[str, ...] = ()  #: name and address to which payments are sent, where the practice says so
    pay_note: str = ""  #: what else the practice says of how to pay
    logo_digest: str = ""  #: which of the practice's pictures (`practice.logo`); blank: none
    logo: bytes = field(default=b"", metadata=LIVE)  #: the PNG itself


@dataclass(frozen=True, slots=True)
class Setting:
    """How the document writes dates and money."""

    locale: str = "en_US"
    currency: str = "USD"
    paper: str = "us-letter"
