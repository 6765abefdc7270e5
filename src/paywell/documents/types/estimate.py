"""Good Faith Estimates as values (45 CFR 149.610)."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import ClassVar

from paywell.documents.types.letterhead import LIVE, Kind, Letterhead, Setting
from paywell.documents.types.superbill import SuperbillClinician, SuperbillDiagnosis


@dataclass(frozen=True, slots=True)
class EstimateItem:
    """One kind of service that is expected, how often, and what it is expected to cost."""

    wording: str
    code: str
    count: int
    fee_minor: int  #: of one
    amount_minor: int
    clinician: int  #: place in `clinicians`
    is_separate: bool = False  #: has to be scheduled separately


@dataclass(frozen=True, slots=True)
class EstimateDocument:
    """What care is expected to cost, for somebody who pays for it without an insurer's claim."""

    kind: ClassVar[Kind] = Kind.ESTIMATE

    letterhead: Letterhead
    setting: Setting
    number: str
    issued_on: date
    addressee: tuple[str, ...]
    client: str  #: the legal name
    birth_date: date | None
    primary: str  #: the main service in plain words
    first_on: date | None  #: when it is scheduled; None: not yet
    period_from: date
    period_to: date  #: at most twelve months after `period_from`
    frequency: str
    diagnoses: tuple[SuperbillDiagnosis, ...]
    clinicians: tuple[SuperbillClinician, ...]
    place: tuple[str, ...]  #: where care takes place, with its state
    tax_id: str
    tax_id_kind: str
    group_npi: str
    items: tuple[EstimateItem, ...]
    total_minor: int
    asked_on: date | None = None  #: not printed: when the client asked, or the service was scheduled
    due_on: date | None = None  #: not printed: by when the client must have it
    replaces: str = ""
    replaced_by: str = field(default="", metadata=LIVE)
