"""What can be paid: the summary of the home page, the rows of Make a Payment, and all lines ever invoiced."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any
from uuid import UUID

from django.db.models import Count, Min, QuerySet, Sum

from paywell.care.models import NEVER_ON_A_SUPERBILL
from paywell.clients.types import PortalViewer
from paywell.core.errors import NotFoundForViewer
from paywell.core.money import Money
from paywell.core.paging import PAGE_SIZE, Page, cut_page, page_bounds
from paywell.core.prepared import Prepared
from paywell.core.security_log import access_refused
from paywell.invoicing.models import InvoiceLine
from paywell.ledger.models import AccountKind, LineBalance
from paywell.ledger.queries import get_listed_balance
from paywell.payments.payer import Payer
from paywell.payments.types import InvoicedLine, PayableLine, Summary


def get_summary(viewer: PortalViewer) -> Summary:
    """Balance due, credit, how many services are open and since when. Two queries, whatever the number of lines."""
    due, count, oldest_on = _SUMMARY.first(**_scope(viewer)) or (0, 0, None)
    currency = viewer.account.currency
    credit = -get_listed_balance(
        practice_id=viewer.practice.id,
        kind=AccountKind.CLIENT_CREDIT,
        owner_id=viewer.account.id,
        currency=currency,
    )
    return Summary(
        balance_due=Money(due, currency),
        credit=Money(max(credit, 0), currency),
        open_count=count,
        oldest_on=oldest_on,
    )


def list_payable(viewer: PortalViewer, page: int = 1) -> Page[PayableLine]:
    """The services on which something is owed, newest first: the rows of Make a Payment. Two queries a page."""
    bounds = page_bounds(page)
    balances = cut_page(_OPEN_PAGE(**_scope(viewer), start=bounds.start, stop=bounds.stop), page)
    return balances.with_rows(_rows(viewer, balances.rows))


def get_lines(viewer: Payer, line_ids: Collection[UUID]) -> list[PayableLine]:
    """These lines of the open account, also paid ones (balance zero), newest first.

    Raises NotFoundForViewer, with a security log line, if any of them is not there for the viewer.
    """
    wanted = set(line_ids)
    rows = _rows(viewer, _BALANCES(**_scope(viewer), lines=wanted))
    if len(rows) != len(wanted):
        missing = wanted - {row.line_id for row in rows}
        access_refused(viewer=viewer, kind="invoice line", target=min(missing), reason="not theirs")
        raise NotFoundForViewer
    return rows


def list_invoiced(viewer: PortalViewer, page: int = 1, size: int = PAGE_SIZE) -> Page[InvoicedLine]:
    """Every line ever invoiced to the account, open, paid and withdrawn alike, newest first. Two queries a page."""
    lines = cut_page(
        _lines(**_scope(viewer)).order_by("-on", "-invoice__number", "position")[page_bounds(page, size)],
        page,
        size,
    )
    owed = dict(
        LineBalance.objects.filter(
            practice_id=viewer.practice.id, line_id__in=[line.id for line in lines.rows]
        ).values_list("line_id", "balance_minor")
    )
    return lines.with_rows(
        InvoicedLine(
            line_id=line.id,
            service_id=line.service_id,
            invoice_id=line.invoice_id,
            invoice_label=line.invoice.label,
            client_name=line.client.name,
            on=line.on,
            wording=_wording(viewer, line),
            amount=Money(line.amount_minor, line.currency),
            balance=Money(owed.get(line.id, 0), line.currency),
            is_voided=line.voided_at is not None,
            may_print_superbill=line.voided_at is None and _may_print_superbill(viewer, line),
        )
        for line in lines.rows
    )


def _scope(viewer: Payer) -> dict[str, Any]:
    """What every query here names: the practice, the open account, the clients whom the viewer acts for."""
    return {"practice": viewer.practice.id, "account": viewer.account.id, "clients": viewer.client_ids}


def _balances(practice: UUID, account: UUID, clients: Collection[UUID]) -> QuerySet[LineBalance]:
    return LineBalance.objects.filter(practice_id=practice, owner_id=account, subject_id__in=clients)


def _lines(practice: UUID, account: UUID, clients: Collection[UUID]) -> QuerySet[InvoiceLine]:
    return (
        InvoiceLine.objects.filter(practice_id=practice, account_id=account, client_id__in=clients)
        .select_related("invoice", "client", "service")
        .only(
            "id", "service_id", "invoice_id", "client_id", "on", "wording", "clinician_name", "amount_minor",
            "currency", "voided_at", "position", "invoice__label", "invoice__number", "invoice__due_on",
            "client__preferred_name", "client__legal_first_name", "client__legal_last_name", "service__kind",
            "service__is_kept_from_insurer",
        )
    )  # fmt: skip


_SUMMARY = Prepared(
    lambda practice, account, clients: (
        _balances(practice, account, clients)
        .filter(balance_minor__gt=0)
        .values("owner_id")  # one group, so one row, or none where nothing is owed
        .annotate(due=Sum("balance_minor"), count=Count("line_id"), oldest_on=Min("on"))
        .values_list("due", "count", "oldest_on")
    )
)
_OPEN_PAGE = Prepared(
    lambda practice, account, clients, start, stop: (
        _balances(practice, account, clients)
        .filter(balance_minor__gt=0)
        .order_by("-on", "line_id")
        .values_list("line_id", "balance_minor")[start:stop]
    )
)
_BALANCES = Prepared(
    lambda practice, account, clients, lines: (
        _balances(practice, account, clients)
        .filter(line_id__in=lines)
        .order_by("-on", "line_id")
        .values_list("line_id", "balance_minor")
    )
)
_SHOWN_LINES: Prepared[Any] = Prepared(
    lambda practice, account, clients, lines: InvoiceLine.objects.filter(
        practice_id=practice, account_id=account, client_id__in=clients, id__in=lines
    ).values_list(
        "id",
        "service_id",
        "invoice_id",
        "client_id",
        "on",
        "wording",
        "clinician_name",
        "amount_minor",
        "currency",
        "invoice__label",
        "invoice__due_on",
        "service__kind",
        "service__is_kept_from_insurer",
        "claim__attempt_id",
        named=True,
    )
)


def _rows(viewer: Payer, balances: Iterable[tuple[UUID, int]]) -> list[PayableLine]:
    """Lines with what is owed on each, and what the page shows beside it, in their order."""
    owed_on = dict(balances)
    lines = {line.id: line for line in _SHOWN_LINES(**_scope(viewer), lines=list(owed_on))}
    names = {right.client_id: right.name for right in viewer.rights}
    payable, worded, superbills = viewer.payable_client_ids, viewer.document_client_ids, viewer.diagnosis_client_ids
    rows = []
    for line_id, balance_minor in owed_on.items():
        line = lines.get(line_id)
        if line is None:
            continue
        amount = Money(line.amount_minor, line.currency)
        owed = Money(balance_minor, line.currency)
        rows.append(
            PayableLine(
                line_id=line.id,
                service_id=line.service_id,
                invoice_id=line.invoice_id,
                invoice_label=line.invoice__label,
                client_id=line.client_id,
                client_name=names[line.client_id],
                on=line.on,
                due_on=line.invoice__due_on,
                wording=line.wording if line.client_id in worded else "",
                clinician=line.clinician_name,
                amount=amount,
                paid=amount - owed,
                balance=owed,
                held_by=line.claim__attempt_id,
                may_pay=line.client_id in payable,
                may_print_superbill=line.client_id in superbills
                and line.service__kind not in NEVER_ON_A_SUPERBILL
                and not line.service__is_kept_from_insurer,
            )
        )
    return rows


def _wording(viewer: PortalViewer, line: InvoiceLine) -> str:
    """What the service was: only with the right to see documents. A payer sees dates and amounts."""
    return line.wording if line.client_id in viewer.document_client_ids else ""


def _may_print_superbill(viewer: PortalViewer, line: InvoiceLine) -> bool:
    if line.service.kind in NEVER_ON_A_SUPERBILL or line.service.is_kept_from_insurer:
        return False
    return line.client_id in viewer.diagnosis_client_ids
