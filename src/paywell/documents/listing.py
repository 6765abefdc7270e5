"""Everything that was ever issued, to the open account or for a client: invoices and all others in one list."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from heapq import merge
from typing import Any, Final
from uuid import UUID

from django.db.models import QuerySet, Sum

from paywell.accounts.types import StaffViewer
from paywell.clients.types import PortalViewer
from paywell.core.money import Money
from paywell.core.paging import Page, cut_page, page_bounds
from paywell.documents.models import IssuedDocument
from paywell.documents.queries import list_issued
from paywell.documents.types import Kind
from paywell.invoicing.models import Invoice, InvoiceLine
from paywell.ledger.models import LineBalance

#: The filters of the portal's list, and which kinds each stands for.
SHELVES: Final[dict[str, tuple[Kind, ...]]] = {
    "all": (),
    "invoices": (Kind.INVOICE,),
    "superbills": (Kind.SUPERBILL,),
    "statements": (Kind.STATEMENT,),
    "receipts": (Kind.RECEIPT, Kind.REFUND),
    "yearly": (Kind.YEARLY,),
    "estimates": (Kind.ESTIMATE,),
}


@dataclass(frozen=True, slots=True)
class DocumentRow:
    """One document of the list. `owed` is for invoices: what is left to pay of it."""

    id: UUID
    kind: Kind
    label: str
    issued_on: date
    period: tuple[date, date] | None = None
    is_withdrawn: bool = False  #: a voided invoice
    is_replaced: bool = False  #: another document corrects it
    owed: Money | None = None


def list_documents(
    viewer: PortalViewer,
    *,
    shelf: str = "all",
    date_from: date | None = None,
    date_to: date | None = None,
    page: int = 1,
) -> Page[DocumentRow]:
    """A page of what this person may see, newest first; the days (both included) are days of issue.

    At most five queries, however much there is.
    """
    kinds = SHELVES.get(shelf, ())
    bounds = page_bounds(page)
    invoices: Iterable[Invoice] = ()
    others: Iterable[IssuedDocument] = ()
    if not kinds or Kind.INVOICE in kinds:
        invoices = _invoices(viewer, date_from, date_to)[: bounds.stop]
    if not kinds or kinds != (Kind.INVOICE,):
        others = list_issued(viewer, kinds=kinds, date_from=date_from, date_to=date_to)[: bounds.stop]
    both: Iterable[Invoice | IssuedDocument] = merge(invoices, others, key=_when, reverse=True)
    found = cut_page(list(both)[bounds], page)
    owed = _owed_on(viewer, [row.id for row in found.rows if isinstance(row, Invoice)])
    replaced = _replaced(viewer, [row.id for row in found.rows if isinstance(row, IssuedDocument)])
    return found.with_rows(_row(row, owed, replaced) for row in found.rows)


def list_client_documents(viewer: StaffViewer, client_id: UUID, *, shelf: str = "all", page: int = 1) -> Page[Any]:
    """For the desk: everything issued for one client, already fetched by `access_client`, newest first.

    Rows are Invoice and IssuedDocument as they are kept. Two queries, however much there is.
    """
    kinds = SHELVES.get(shelf, ())
    bounds = page_bounds(page)
    invoices: Iterable[Invoice] = ()
    others: Iterable[IssuedDocument] = ()
    if not kinds or Kind.INVOICE in kinds:
        lines = InvoiceLine.objects.filter(practice=viewer.practice, client=client_id)
        rows = Invoice.objects.filter(practice=viewer.practice, id__in=lines.values("invoice"))
        invoices = rows.order_by("-issued_on", "-issued_at", "-id")[: bounds.stop]
    if kinds != (Kind.INVOICE,):
        others = list_issued(viewer, kinds=kinds, client_id=client_id)[: bounds.stop]
    both: Iterable[Invoice | IssuedDocument] = merge(invoices, others, key=_when, reverse=True)
    return cut_page(list(both)[bounds], page)


def _invoices(viewer: PortalViewer, date_from: date | None, date_to: date | None) -> QuerySet[Invoice]:
    """Those of the open account whose every client the person has a grant for (`invoicing.access`)."""
    beyond = InvoiceLine.objects.filter(practice=viewer.practice, account=viewer.account).exclude(
        client__in=viewer.client_ids
    )
    rows = Invoice.objects.filter(practice=viewer.practice, account=viewer.account)
    rows = rows.exclude(id__in=beyond.values("invoice"))
    if date_from:
        rows = rows.filter(issued_on__gte=date_from)
    if date_to:
        rows = rows.filter(issued_on__lte=date_to)
    return rows.order_by("-issued_on", "-issued_at", "-id")


def _when(row: Invoice | IssuedDocument) -> Any:
    return row.issued_on, row.issued_at


def _owed_on(viewer: PortalViewer, invoice_ids: list[UUID]) -> dict[UUID, int]:
    if not invoice_ids:
        return {}
    lines = dict(
        InvoiceLine.objects.filter(practice=viewer.practice, invoice__in=invoice_ids).values_list(
            "id", "invoice_id"
        )
    )
    owed = (
        LineBalance.objects.filter(practice_id=viewer.practice.id, line_id__in=lines)
        .values_list("line_id")
        .annotate(owed=Sum("balance_minor"))
    )
    sums: dict[UUID, int] = {}
    for line_id, minor in owed:
        sums[lines[line_id]] = sums.get(lines[line_id], 0) + minor
    return sums


def _replaced(viewer: PortalViewer, ids: list[UUID]) -> set[UUID | None]:
    if not ids:
        return set()
    rows = IssuedDocument.objects.filter(practice=viewer.practice, corrects__in=ids)
    return set(rows.values_list("corrects_id", flat=True))


def _row(row: Invoice | IssuedDocument, owed: dict[UUID, int], replaced: set[UUID | None]) -> DocumentRow:
    if isinstance(row, Invoice):
        is_withdrawn = row.voided_at is not None
        left = Money(0 if is_withdrawn else owed.get(row.id, 0), row.currency)
        return DocumentRow(row.id, Kind.INVOICE, row.label, row.issued_on, is_withdrawn=is_withdrawn, owed=left)
    period = (row.period_from, row.period_to) if row.period_from and row.period_to else None
    return DocumentRow(row.id, Kind(row.kind), row.label, row.issued_on, period, is_replaced=row.id in replaced)
