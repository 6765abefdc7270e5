"""Invoices with what is still owed on each."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import date
from functools import reduce
from operator import or_
from typing import Final
from uuid import UUID

from django.db.models import Q, QuerySet

from paywell.accounts.types import StaffViewer
from paywell.clients.access import clients_of
from paywell.clients.models import Client
from paywell.clients.search import find_accounts_called
from paywell.core.beginnings import begins
from paywell.core.money import Money
from paywell.core.paging import Page
from paywell.desk.queries.scope import get_today
from paywell.desk.types import InvoiceLineRow, InvoiceRow, InvoiceState, paginate_whole
from paywell.invoicing import queries as invoicing
from paywell.invoicing.models import Invoice, InvoiceLine
from paywell.ledger.models import LineBalance

#: Of an invoice's number: more the column has no room for.
_MOST_DIGITS: Final = 9


def list_invoices(
    viewer: StaffViewer, *, client: Client | None = None, words: str = "", show: str = "all", page: int = 1
) -> Page[InvoiceRow]:
    """Pages of InvoiceRow, newest first. `show`: all, open, overdue, void. Three queries.

    Each of the words is an invoice's number, or begins its label or a word of the account's name.
    """
    invoices = invoicing.list_invoices(viewer)
    if client is not None:
        own = InvoiceLine.objects.filter(practice=viewer.practice, client=client)
        invoices = invoices.filter(id__in=own.values("invoice_id"))
    for word in words.split()[:6]:
        invoices = invoices.filter(pk__in=_called(viewer, word))
    if show == "void":
        invoices = invoices.filter(voided_at__isnull=False)
    elif show in ("open", "overdue"):
        unpaid = LineBalance.objects.filter(practice_id=viewer.practice.id, balance_minor__gt=0)
        lines = InvoiceLine.objects.filter(practice=viewer.practice, id__in=unpaid.values("line_id"))
        invoices = invoices.filter(voided_at=None, id__in=lines.values("invoice_id"))
        if show == "overdue":
            invoices = invoices.filter(due_on__lt=get_today(viewer))
    whole = Invoice.objects.filter(practice=viewer.practice).select_related("account")
    whole = whole.order_by("-issued_on", "-number")
    return paginate_whole(invoices, whole, page, lambda rows: get_invoice_rows(viewer, rows))


def _called(viewer: StaffViewer, word: str) -> QuerySet[Invoice, UUID]:
    """The ids of the practice's invoices that one word finds. A union, since each half has an index of its own."""
    practice, labels = viewer.practice, {word, word.upper()}
    # Without what stands before every number: as it is typed, but not so short that it fits them all.
    if len(word) > 1:
        labels.add(f"{practice.invoice_prefix}{word}")
    label = reduce(or_, (begins("label", each) for each in sorted(labels)))
    if word.isascii() and word.isdigit() and len(word) <= _MOST_DIGITS:
        label |= Q(number=int(word))
    ids = Invoice.objects.filter(practice=practice).values_list("pk", flat=True)
    return ids.filter(label).union(ids.filter(account__in=find_accounts_called(practice.id, word)))


def get_invoice_lines(viewer: StaffViewer, invoice: Invoice) -> list[InvoiceLineRow]:
    """The invoice's lines in printed order; for a clinician those of their own clients. Two queries."""
    lines = list(invoicing.list_lines(viewer, invoice).filter(client__in=clients_of(viewer)))
    left = _get_left(viewer, [line.id for line in lines])
    return [
        InvoiceLineRow(line, Money(line.amount_minor, line.currency), Money(left.get(line.id, 0), line.currency))
        for line in lines
    ]


def get_replacement(invoice: Invoice) -> Invoice | None:
    """The invoice that stands in place of a void one."""
    if invoice.voided_at is None:
        return None
    return Invoice.objects.filter(practice_id=invoice.practice_id, replaces=invoice, voided_at=None).first()


def get_invoice_rows(viewer: StaffViewer, invoices: Sequence[Invoice]) -> list[InvoiceRow]:
    """The invoices with their balances and states. Two queries for any number."""
    lines = InvoiceLine.objects.filter(practice=viewer.practice, invoice__in=[i.id for i in invoices])
    invoice_of: dict[UUID, UUID] = dict(lines.values_list("id", "invoice_id"))
    balances: dict[UUID, int] = defaultdict(int)
    for line_id, left in _get_left(viewer, list(invoice_of)).items():
        balances[invoice_of[line_id]] += left
    today = get_today(viewer)
    return [
        InvoiceRow(
            invoice=invoice,
            state=_state(invoice, balances[invoice.id], today),
            total=Money(invoice.total_minor, invoice.currency),
            balance=Money(balances[invoice.id], invoice.currency),
        )
        for invoice in invoices
    ]


def _get_left(viewer: StaffViewer, line_ids: Sequence[UUID]) -> dict[UUID, int]:
    rows = LineBalance.objects.filter(practice_id=viewer.practice.id, line_id__in=line_ids)
    return dict(rows.values_list("line_id", "balance_minor"))


def _state(invoice: Invoice, balance: int, today: date) -> InvoiceState:
    if invoice.voided_at is not None:
        return InvoiceState.VOIDED
    if balance <= 0:
        return InvoiceState.PAID
    if invoice.due_on < today:
        return InvoiceState.OVERDUE
    return InvoiceState.PARTLY_PAID if balance < invoice.total_minor else InvoiceState.OPEN
