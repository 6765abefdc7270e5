"""Reads of issued documents, scoped to the viewer."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable
from dataclasses import replace
from datetime import date
from typing import cast
from uuid import UUID

from django.db.models import Q, QuerySet

from paywell.accounts.models import Role
from paywell.accounts.types import Permission, StaffViewer
from paywell.care.models import Service
from paywell.clients.access import clients_of
from paywell.clients.types import PortalViewer
from paywell.documents.errors import DigestBroken
from paywell.documents.frozen import get_digest, load
from paywell.documents.models import IssuedClient, IssuedDocument, IssuedKind
from paywell.documents.parts import with_logo
from paywell.documents.rights import Viewer
from paywell.documents.types import Issued, Kind

#: What tells of the care itself: needs the right to see documents, of every client on it.
OF_CARE = (Kind.SUPERBILL.value, Kind.ESTIMATE.value)
#: What a payer keeps of their own payments when a grant ends.
OF_PAYMENTS = (Kind.RECEIPT.value, Kind.REFUND.value)


def list_issued(
    viewer: Viewer,
    *,
    kinds: Iterable[Kind] = (),
    date_from: date | None = None,
    date_to: date | None = None,
    client_id: UUID | None = None,
) -> QuerySet[IssuedDocument]:
    """Everything issued that this viewer may see, newest first, without what it prints (lazy: page it).

    In the portal: of the open account. `kinds` narrows it down; the days (both inclusive) are days of issue.
    Invoices are not among them: `payments.queries.list_invoiced` has those.
    """
    rows = visible_to(viewer)
    wanted = [kind.value for kind in kinds]
    if wanted:
        rows = rows.filter(kind__in=wanted)
    if date_from:
        rows = rows.filter(issued_on__gte=date_from)
    if date_to:
        rows = rows.filter(issued_on__lte=date_to)
    if client_id:
        rows = rows.filter(id__in=_of_clients(viewer, Q(client=client_id)))
    return rows.defer("data").order_by("-issued_on", "-issued_at", "-id")


def visible_to(viewer: Viewer) -> QuerySet[IssuedDocument]:
    """The one rule of who may see which issued document.

    In the portal: those of the open account whose every client the person has a grant for; superbills and
    estimates with the right to see documents, and what carries a diagnosis with the right to that; the receipts of
    one's own payments always. At the desk: by role; a clinician's, where an own client stands on it.
    """
    rows = IssuedDocument.objects.filter(practice=viewer.practice).select_related("practice", "account")
    if isinstance(viewer, PortalViewer):
        granted = ~Q(id__in=_beyond(viewer, viewer.client_ids))
        of_care = ~Q(kind__in=OF_CARE) | ~Q(id__in=_beyond(viewer, viewer.document_client_ids))
        diagnosis = Q(has_diagnosis=False) | ~Q(id__in=_beyond(viewer, viewer.diagnosis_client_ids))
        own = Q(kind__in=OF_PAYMENTS, contact=viewer.contact)
        return rows.filter((granted & of_care & diagnosis) | own, account=viewer.account)
    if not (viewer.may(Permission.SEE_CLIENTS) and viewer.may(Permission.SEE_MONEY)):
        return rows.none()
    if not viewer.may(Permission.SEE_DIAGNOSES):
        rows = rows.filter(has_diagnosis=False)
    if viewer.role is Role.CLINICIAN:
        rows = rows.filter(id__in=_of_clients(viewer, Q(client__in=clients_of(viewer))))
    return rows


def load_issued(row: IssuedDocument) -> Issued:
    """The document as it was issued, with the number of the one that corrects it.

    Raises DigestBroken where what is kept is not what was issued.
    """
    if not is_whole(row):
        raise DigestBroken(
            f"{row.label} is not shown: what is stored of it has changed since it was issued. Tell whoever runs "
            "Paywell for the practice.",
            code="digest_broken",
        )
    correction = IssuedDocument.objects.filter(practice_id=row.practice_id, corrects=row).only("label").first()
    document = cast("Issued", load(row.data))
    document = replace(document, replaced_by=correction.label if correction else "")
    return with_logo(document, row.practice_id)


def is_whole(row: IssuedDocument) -> bool:
    """Whether the stored data are those of the digest, and of this row."""
    named = (row.data.get("kind"), row.data.get("number")) == (row.kind, row.label)
    return named and get_digest(row.data) == row.digest


def get_client_ids(row: IssuedDocument) -> frozenset[UUID]:
    of_clients = IssuedClient.objects.filter(practice_id=row.practice_id, document=row)
    return frozenset(of_clients.values_list("client_id", flat=True))


def _of_clients(viewer: StaffViewer | PortalViewer, which: Q) -> QuerySet[IssuedClient, UUID]:
    return IssuedClient.objects.filter(which, practice=viewer.practice).values_list("document_id", flat=True)


def _beyond(viewer: PortalViewer, client_ids: frozenset[UUID]) -> QuerySet[IssuedClient, UUID]:
    """Documents of the open account on which somebody else than these clients stands."""
    return _of_clients(viewer, Q(document__account=viewer.account) & ~Q(client__in=client_ids))


def is_on_superbill(service_ids: Collection[UUID]) -> bool:
    """Whether an issued superbill lists any of the services. Asked by care before one is edited."""
    clients = Service.objects.filter(id__in=service_ids).values_list("client_id", flat=True)
    rows = IssuedDocument.objects.filter(kind=IssuedKind.SUPERBILL, of_clients__client_id__in=list(clients))
    wanted = [str(service_id) for service_id in service_ids]
    return any(one in json.dumps(data) for data in rows.values_list("data", flat=True) for one in wanted)
