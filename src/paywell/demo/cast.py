"""Who is in the demonstration. All invented; every address is under example.org, every number is 555-01xx."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

#: One password for everybody, so that trying another person needs no looking up.
PASSWORD = "calm-river-morning"


class Habit(StrEnum):
    """How an account pays. `demo.money` knows what each one means."""

    PAYS_ALL = "pays_all"
    PAYS_LATE = "pays_late"  #: the last month is still open
    BEHIND = "behind"  #: the last two months are still open
    STOPPED = "stopped"  #: paid at first, then nothing: overdue
    PARTLY = "partly"  #: a part of one service, the rest open
    DECLINED = "declined"  #: tried with a card that is refused
    REFUNDED = "refunded"  #: got part of a payment back
    OPEN = "open"  #: never paid


@dataclass(frozen=True)
class ClinicianPart:
    name: str
    credentials: str
    npi_digits: str  #: nine; the tenth is computed
    license_number: str


@dataclass(frozen=True)
class StaffPart:
    role: str
    name: str
    tries: str
    clinician: str = ""


@dataclass(frozen=True)
class Item:
    code: str
    wording: str
    fee: int  #: cents
    kind: str = "session"


@dataclass(frozen=True)
class Visits:
    """Regular services: every `every` days, `item` of the catalogue, for the last `weeks` weeks."""

    item: str
    every: int = 7
    weeks: int = 20
    units: int = 1
    insurer: int = 0  #: cents of each service that an insurer pays
    modifiers: str = ""
    place: str = "11"


@dataclass(frozen=True)
class ClientPart:
    first: str
    last: str
    birth: str
    clinician: str
    account: str  #: the billing account's name
    visits: tuple[Visits, ...] = ()
    diagnosis: tuple[tuple[str, str], ...] = ()
    preferred: str = ""
    sex: str = ""
    shares: tuple[tuple[str, int], ...] = ()  #: (account, basis points)
    payments_allowed: bool = True

    @property
    def key(self) -> str:
        return f"{self.first} {self.last}"


@dataclass(frozen=True)
class GrantPart:
    client: str
    account: str
    role: str = "self"
    documents: bool = True
    diagnosis: bool = True
    pay: bool = True


@dataclass(frozen=True)
class PayerPart:
    """A contact who signs in. `role` is the word of demo.json."""

    role: str
    name: str
    tries: str
    grants: tuple[GrantPart, ...]


@dataclass(frozen=True)
class PracticePart:
    name: str
    slug: str
    connector: str
    fields: dict[str, object]
    clinicians: tuple[ClinicianPart, ...]
    staff: tuple[StaffPart, ...]
    locations: tuple[dict[str, str], ...]
    catalogue: tuple[Item, ...]
    clients: tuple[ClientPart, ...]
    payers: tuple[PayerPart, ...]
    habits: dict[str, Habit] = field(default_factory=dict)  #: by account

    @property
    def people(self) -> tuple[PayerPart | StaffPart, ...]:
        """Everybody who can sign in."""
        return (*self.payers, *self.staff)


def email_of(name: str) -> str:
    """mara.feldt@example.org for Mara Feldt."""
    return ".".join(name.lower().replace("-", " ").split()) + "@example.org"
