"""Whether everything that was ever issued is still what was issued, and no number is missing."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import UUID

from django.db.models import Q

from paywell.documents.frozen import get_digest
from paywell.documents.models import IssuedDocument
from paywell.documents.queries import is_whole
from paywell.invoicing.models import Invoice


def check_issued(practice_id: UUID | None = None) -> Iterator[str]:
    """One line for each invoice or document whose digest does not fit, and for each gap; nothing where all is well.

    Reads only, a row at a time.
    """
    scope = Q(practice=practice_id) if practice_id else Q()
    expected: dict[tuple[UUID, str], int] = {}
    for invoice in Invoice.objects.filter(scope).order_by("practice", "number").iterator(200):
        yield from _gap(expected, invoice.practice_id, "invoice", invoice.number)
        if get_digest(invoice.frozen) != invoice.digest:
            yield f"{invoice.id} {invoice.label}: what it prints is not what was issued."
    for row in IssuedDocument.objects.filter(scope).order_by("practice", "kind", "number").iterator(200):
        yield from _gap(expected, row.practice_id, row.kind, row.number)
        if not is_whole(row):
            yield f"{row.id} {row.label}: what it prints is not what was issued."


def _gap(expected: dict[tuple[UUID, str], int], practice_id: UUID, kind: str, number: int) -> Iterator[str]:
    wanted = expected.get((practice_id, kind), 1)
    if number != wanted:
        yield f"{practice_id} {kind}: number {wanted} is followed by {number}; some are missing."
    expected[practice_id, kind] = number + 1
