"""A year's papers for taxes, an HSA or an insurer: the yearly statement, every receipt, and superbills.

What goes in is what the person could open one by one: each document is fetched by `access_issued`, which checks,
leaves out what they may not see, and audits.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from django.utils.translation import gettext as _

from paywell.clients.types import PortalViewer
from paywell.core import clock
from paywell.core.errors import UserError
from paywell.documents.access import access_issued
from paywell.documents.making import make_yearly
from paywell.documents.making_superbills import make_superbills_for_range, may_print_superbill
from paywell.documents.models import IssuedDocument
from paywell.documents.pdf import render
from paywell.documents.queries import list_issued
from paywell.documents.receipts import issue_missing_receipts
from paywell.documents.types import Kind, ReceiptDocument, RefundDocument
from paywell.documents.web import filename_of

#: A year with more receipts than this is fetched one by one from the list.
MOST_RECEIPTS = 400


@dataclass(frozen=True, slots=True)
class YearPack:
    """Which documents go in, and why some do not."""

    viewer: PortalViewer
    document_ids: tuple[UUID, ...]
    notes: tuple[str, ...]

    def files(self) -> Iterator[tuple[str, datetime, bytes]]:
        """Each document as PDF, rendered when it is asked for; last, in words, what is not in it."""
        at = clock.now()
        for document_id in self.document_ids:
            document = access_issued(self.viewer, document_id)
            yield filename_of(document), at, render(document)
        if self.notes:
            yield "notes.txt", at, ("\r\n".join(self.notes) + "\r\n").encode()


def make_year_pack(viewer: PortalViewer, year: int) -> YearPack:
    """Issue what the year's pack holds and is not on file yet.

    Raises UserError as `yearly.issue_yearly` does: a year in which nothing was paid has no pack.
    """
    yearly = make_yearly(viewer, year=year)
    issue_missing_receipts(viewer.practice, viewer.account)
    receipts = [row.id for row in _receipts(viewer, year)]
    superbills, notes = _superbills(viewer, year)
    return YearPack(viewer, (yearly.id, *receipts, *superbills), notes)


def _receipts(viewer: PortalViewer, year: int) -> list[IssuedDocument]:
    """Receipts of what was paid or went back in that year, the first payment first."""
    rows = list_issued(viewer, kinds=(Kind.RECEIPT, Kind.REFUND), date_from=date(year, 1, 1))
    found = []
    for row in rows.defer(None).order_by("issued_on", "issued_at")[:MOST_RECEIPTS]:
        document = access_issued(viewer, row.id)
        is_receipt = isinstance(document, ReceiptDocument) and document.paid_on.year == year
        if is_receipt or (isinstance(document, RefundDocument) and document.refunded_on.year == year):
            found.append(row)
    return found


def _superbills(viewer: PortalViewer, year: int) -> tuple[list[UUID], tuple[str, ...]]:
    """For each client whose diagnosis the person may see; a note where one can't be made."""
    found: list[UUID] = []
    notes: list[str] = []
    today = clock.business_date(clock.now(), viewer.practice.timezone)
    for right in viewer.rights:
        if not may_print_superbill(viewer, right.client_id):
            continue
        try:
            rows = make_superbills_for_range(
                viewer, client_id=right.client_id, date_from=date(year, 1, 1),
                date_to=min(date(year, 12, 31), today),
            )  # fmt: skip
        except UserError as error:
            notes.append(_("No superbill for %(name)s: %(why)s") % {"name": right.name, "why": error.message})
        else:
            found += [row.id for row in rows]
    return found, tuple(notes)
