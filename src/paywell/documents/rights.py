"""What one viewer may see on a document, client by client."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from uuid import UUID

from paywell.accounts.types import StaffViewer
from paywell.clients.access import clients_of
from paywell.clients.types import PortalViewer

Viewer = PortalViewer | StaffViewer


@dataclass(frozen=True, slots=True)
class Sight:
    """Of the clients on a document: whose name and clinician it may show, and whose services' wording.

    `contact_id` is the one payer whose card may be shown; None shows every payer's (the practice itself).
    """

    names: frozenset[UUID]
    wordings: frozenset[UUID]
    contact_id: UUID | None = None

    def may_see_card(self, contact_id: UUID | None) -> bool:
        """A card of one payer is never shown to another (product.md 1.5)."""
        return self.contact_id is None or self.contact_id == contact_id


def get_sight(viewer: Viewer, client_ids: Collection[UUID]) -> Sight:
    """What `viewer` sees of a document on which these clients stand.

    In the portal every grant shows names, dates and amounts; the wording of services needs the right to see
    documents. A clinician sees their own clients; on a shared document the others' lines keep date and amount.
    """
    present = frozenset(client_ids)
    if isinstance(viewer, PortalViewer):
        return Sight(
            names=present & viewer.client_ids,
            wordings=present & viewer.document_client_ids,
            contact_id=viewer.contact.id,
        )
    own = get_own_clients(viewer, present)
    return Sight(names=own, wordings=own)


def get_own_clients(viewer: StaffViewer, client_ids: Collection[UUID]) -> frozenset[UUID]:
    """Those of `client_ids` whom the staff member may see: the practice's, or a clinician's own."""
    return frozenset(clients_of(viewer).filter(id__in=client_ids).values_list("id", flat=True))
