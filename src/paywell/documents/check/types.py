"""What the check before issue finds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from uuid import UUID

from paywell.care.models import Service
from paywell.clients.models import Client, Coverage
from paywell.practice.models import Practice


class Level(StrEnum):
    """How much a finding weighs."""

    BLOCK = "block"  #: an insurer is certain to turn it down: it has to be put right
    REASON = "reason"  #: almost certain: staff may issue it with a reason
    WARN = "warn"  #: it may be right


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that an insurer could say no to. `rule` names it for tests; `words` are for a biller."""

    rule: str
    level: Level
    words: str
    on: date | None = None  #: the date of service that it is about; None: the whole superbill
    carc: str = ""  #: the number of the adjustment reason that insurers give for it, where there is one


@dataclass(frozen=True, slots=True)
class Case:
    """Everything that the rules look at. They read no database."""

    practice: Practice
    client: Client
    services: Sequence[Service]  #: by date
    coverages: Sequence[Coverage]  #: in force on any of the days, the first one pays first
    ended: Sequence[Coverage]  #: ended before the first day
    today: date
    paid: dict[UUID, int] = field(default_factory=dict)  #: by service, in minor units
    issued: dict[UUID, str] = field(default_factory=dict)  #: the superbill that has the service already
    valid: dict[UUID, tuple[str, ...]] = field(default_factory=dict)  #: codes in force on its date, by service
    code_words: dict[tuple[str, date], tuple[Level, str]] = field(default_factory=dict)
    place_words: dict[tuple[str, date], tuple[Level, str]] = field(default_factory=dict)
