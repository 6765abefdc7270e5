"""The documents as values: what an invoice, a superbill and a receipt say, before anybody formats it.

The PDF and the page are made from the same object. Amounts are minor units in the document's currency. Each
object turns into JSON (`dump`) and back (`load`) with a version, so that a document can be kept as it was.
"""

from __future__ import annotations

import types
from dataclasses import asdict, dataclass, fields, is_dataclass
from datetime import date
from enum import StrEnum
from typing import Any, ClassVar, Union, get_args, get_origin, get_type_hints

#: Raised whenever a field changes its meaning; `load` refuses other versions.
VERSION = 1


class Kind(StrEnum):
    INVOICE = "invoice"
    SUPERBILL = "superbill"
    RECEIPT = "receipt"


@dataclass(frozen=True, slots=True)
class Letterhead:
    """Who sends the document."""

    name: str
    address: tuple[str, ...] = ()
    phone: str = ""
    email: str = ""
    accent: str = ""  #: "#rrggbb", only for a rule and headings; the print is as clear without it


@dataclass(frozen=True, slots=True)
class Setting:
    """How the document writes dates and money."""

    locale: str = "en_US"
    currency: str = "USD"
    paper: str = "us-letter"


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
    replaced_by: str = ""


@dataclass(frozen=True, slots=True)
class SuperbillDiagnosis:
    letter: str  #: A to L, as box 21 of the CMS-1500 letters them
    code: str
    description: str


@dataclass(frozen=True, slots=True)
class SuperbillClinician:
    name: str
    credentials: str
    npi: str
    license: str  #: state and number
    taxonomy: str
    supervisor: str = ""


@dataclass(frozen=True, slots=True)
class SuperbillItem:
    """One date of service: columns of box 24 of the CMS-1500 (02/12), and what was paid."""

    on: date
    place_of_service: str
    code: str
    modifiers: tuple[str, ...]
    wording: str
    pointers: str  #: letters without commas, primary first, at most four
    units: int
    charge_minor: int
    paid_minor: int
    clinician: int  #: place in `clinicians`


@dataclass(frozen=True, slots=True)
class SuperbillDocument:
    """What a client sends to their insurer to be reimbursed. The payee is always the client."""

    kind: ClassVar[Kind] = Kind.SUPERBILL

    letterhead: Letterhead
    setting: Setting
    number: str
    issued_on: date
    client: str  #: the legal name, as on the insurance card
    birth_date: date | None
    sex: str
    client_address: tuple[str, ...]
    client_phone: str
    tax_id: str
    tax_id_kind: str
    group_npi: str
    clinicians: tuple[SuperbillClinician, ...]
    facility: tuple[str, ...]  #: where care took place, when it is not the practice's own address
    diagnoses: tuple[SuperbillDiagnosis, ...]
    items: tuple[SuperbillItem, ...]
    charge_minor: int
    paid_minor: int
    balance_minor: int


@dataclass(frozen=True, slots=True)
class ReceiptItem:
    """What part of the payment was for: the facts that an HSA or FSA asks for."""

    on: date
    client: str
    clinician: str
    wording: str
    invoice: str
    amount_minor: int


@dataclass(frozen=True, slots=True)
class ReceiptRefund:
    on: date
    amount_minor: int


@dataclass(frozen=True, slots=True)
class ReceiptDocument:
    """Proof of one payment, and of what went back of it until `as_of`."""

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
    refunds: tuple[ReceiptRefund, ...]
    as_of: date
    is_test: bool = False


Document = InvoiceDocument | SuperbillDocument | ReceiptDocument

_KINDS: dict[str, type[Any]] = {
    Kind.INVOICE: InvoiceDocument,
    Kind.SUPERBILL: SuperbillDocument,
    Kind.RECEIPT: ReceiptDocument,
}


def dump(document: Document) -> dict[str, Any]:
    """The document as JSON values: dates as ISO text, tuples as lists, with its kind and version."""
    return {"kind": document.kind.value, "version": VERSION, **_plain(asdict(document))}


def load(data: dict[str, Any]) -> Document:
    """The document that `dump` wrote. Raises ValueError for another version or an unknown kind."""
    if data.get("version") != VERSION or data.get("kind") not in _KINDS:
        raise ValueError(f"Not a document of version {VERSION}: {data.get('kind')} {data.get('version')}.")
    return _typed(_KINDS[data["kind"]], data)


def _plain(value: Any) -> Any:
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, dict):
        return {key: _plain(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(part) for part in value]
    return value


def _typed(wanted: Any, value: Any) -> Any:
    if is_dataclass(wanted) and isinstance(wanted, type):
        hints = get_type_hints(wanted)
        return wanted(**{f.name: _typed(hints[f.name], value[f.name]) for f in fields(wanted) if f.name in value})
    if get_origin(wanted) is tuple:
        return tuple(_typed(get_args(wanted)[0], part) for part in value)
    if get_origin(wanted) in (Union, types.UnionType):
        inner = next(part for part in get_args(wanted) if part is not type(None))
        return None if value is None else _typed(inner, value)
    return date.fromisoformat(value) if wanted is date else value
