"""Invoices as values."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import ClassVar

from paywell.documents.types.letterhead import Kind, Letterhead, Setting


@dataclass(frozen=True, slots=True)
class InvoiceItem:
    """One line. `client`, `clinician`, `wording` and `code` are empty where the viewer may not see them."""

    on: date
    client: str
    clinician: str
    wording: str
    code: str
    units: int
    amount_minor: int


@dataclass(frozen=True, slots=True)
class InvoiceDocument:
    """A bill as it was issued, and beside it what stands on it on `as_of`."""

    kind: ClassVar[Kind] = Kind.INVOICE

    letterhead: Letterhead
    setting: Setting
    number: str
    addressee: tuple[str, ...]
    issued_on: date
    due_on: date
    tax_id: str  #: the practice's EIN; never an SSN
    items: tuple[InvoiceItem, ...]
    total_minor: int
    as_of: date
    paid_minor: int
    adjusted_minor: int  #: taken off by write-offs and the like; shown only when it is not zero
    balance_minor: int
    voided_on: date | None = None
    replaces: str = ""
    replaced_by: str = ""
