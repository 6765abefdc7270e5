"""Who is looking, in the portal."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from paywell.clients.models import BillingAccount, Contact
from paywell.practice.models import Practice


@dataclass(frozen=True, slots=True)
class ClientRights:
    """What the open account's grants say of one client."""

    client_id: UUID
    name: str
    may_pay: bool
    may_see_documents: bool
    may_see_diagnosis: bool
    payments_allowed: bool  #: the client's own switch


@dataclass(frozen=True, slots=True)
class AccountChoice:
    """One account that the person may open: the switcher's entries."""

    account_id: UUID
    practice_name: str
    names: str  #: the clients on it, e.g. "Mia and Leo"
    account_name: str  #: whom its invoices are addressed to


@dataclass(frozen=True, slots=True)
class PortalViewer:
    """A contact looking at one billing account. Made by `clients.access.access_portal` alone.

    Every portal query is scoped to `practice`, `account` and the clients in `rights`.
    """

    id: UUID  #: the user's
    contact: Contact
    practice: Practice
    account: BillingAccount
    rights: tuple[ClientRights, ...]
    choices: tuple[AccountChoice, ...]

    @property
    def contact_id(self) -> UUID | None:
        return self.contact.id

    @property
    def actor_id(self) -> UUID | None:
        """The user on whose behalf something is done."""
        return self.id

    @property
    def client_ids(self) -> frozenset[UUID]:
        return frozenset(right.client_id for right in self.rights)

    @property
    def payable_client_ids(self) -> frozenset[UUID]:
        """Clients for whom this person may pay, with the client's own switch on."""
        return frozenset(r.client_id for r in self.rights if r.may_pay and r.payments_allowed)

    @property
    def document_client_ids(self) -> frozenset[UUID]:
        return frozenset(r.client_id for r in self.rights if r.may_see_documents)

    @property
    def diagnosis_client_ids(self) -> frozenset[UUID]:
        return frozenset(r.client_id for r in self.rights if r.may_see_diagnosis)
