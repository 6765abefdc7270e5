"""Superbills as values, by the boxes of the CMS-1500 (02/12)."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import ClassVar

from paywell.documents.types.letterhead import LIVE, Kind, Letterhead, Setting


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
    supervisor: str = ""  #: name and credentials
    supervisor_license: str = ""
    supervisor_npi: str = ""


@dataclass(frozen=True, slots=True)
class SuperbillCoverage:
    """The insurance as the card has it (boxes 1a, 4, 6, 7, 11 to 11c)."""

    insurer: str
    member_id: str
    group_number: str
    relationship: str  #: of the client to the subscriber: self, spouse, child or other
    subscriber: str
    subscriber_birth_date: date | None
    subscriber_address: tuple[str, ...] = ()  #: empty where it is the client's, or not known


@dataclass(frozen=True, slots=True)
class SuperbillPayment:
    """Proof that the client paid."""

    on: date
    method: str
    amount_minor: int


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
    service_id: str = ""  #: not printed


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
    coverage: SuperbillCoverage | None = None
    payments: tuple[SuperbillPayment, ...] = ()
    authorization: str = ""  #: prior authorization or referral number (box 23)
    referring: str = ""  #: name of who referred the client (box 17)
    referring_npi: str = ""
    signed_by: str = ""  #: whose signature is on file (box 31); blank: to be signed by hand
    signed_on: date | None = None
    facility_npi: str = ""
    show_descriptions: bool = True  #: of the diagnoses; their codes always stand
    part: str = ""  #: "1 of 2", where more than twelve diagnoses made several
    replaces: str = ""
    replaced_by: str = field(default="", metadata=LIVE)
