"""Reports: the list, each one on the screen and as a file, and the month's end."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final
from uuid import UUID

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_safe

from paywell.accounts.types import Permission, StaffViewer
from paywell.accounts.web import desk_view
from paywell.audit.actions import record
from paywell.core.csv_export import csv_response
from paywell.core.money import Money
from paywell.core.paging import cut_page, page_bounds
from paywell.desk.access import refuse
from paywell.desk.forms.reports import ReportForm, read_form
from paywell.desk.pages import page_of, query_of, show
from paywell.desk.queries.scope import get_today
from paywell.desk.words import DEPOSIT_TONES
from paywell.payments.access import access_deposit
from paywell.payments.deposit_reviews import list_deposit_reviews
from paywell.reports.cards import report_cards
from paywell.reports.credits import report_credits
from paywell.reports.deposits import read_deposit, report_deposits, write_lines
from paywell.reports.income import report_income
from paywell.reports.month_end import MonthEnd, report_month_end
from paywell.reports.movements import is_narrowed
from paywell.reports.payments import report_payments
from paywell.reports.receivables import report_receivables
from paywell.reports.types import Cell, Period, Report
from paywell.reports.write_offs import report_write_offs

#: Rows on one page of a report; the file has them all.
ON_PAGE: Final = 50


@dataclass(frozen=True, slots=True)
class Kind:
    """One report: what it is called, what it says of itself, and who makes it."""

    title: str | Promise
    words: str | Promise
    make: Callable[[StaffViewer, Period], Report] | None = None  #: None: the month's end, a page of its own
    is_whole: bool = False  #: of the practice as a whole: there is no part of it that is a clinician's


KINDS: Final[Mapping[str, Kind]] = {
    "month-end": Kind(
        gettext_lazy("Month's end"),
        gettext_lazy("Each account from its balance before to its balance after. It adds up to the ledger."),
        is_whole=True,
    ),
    "receivables": Kind(
        gettext_lazy("Owed by clients"),
        gettext_lazy("What is owed, by client and by how long it is overdue."),
        report_receivables,
    ),
    "income": Kind(
        gettext_lazy("Income"),
        gettext_lazy("Billed, less adjustments and write-offs: by month, clinician and service."),
        report_income,
    ),
    "payments": Kind(
        gettext_lazy("Payments"),
        gettext_lazy("What came in and went back, by processor and method, and what processors kept of it."),
        report_payments,
        is_whole=True,
    ),
    "deposits": Kind(
        gettext_lazy("Deposits"),
        gettext_lazy("What processors sent to the bank, by the day it arrives, and what each deposit is made of."),
        report_deposits,
        is_whole=True,
    ),
    "credits": Kind(
        gettext_lazy("Credits"),
        gettext_lazy("What is held for clients, since when, and the day by which unused credit is given back."),
        report_credits,
    ),
    "write-offs": Kind(
        gettext_lazy("Write-offs and adjustments"),
        gettext_lazy("What was given up, and why."),
        report_write_offs,
    ),
    "card-expiry": Kind(
        gettext_lazy("Cards that expire"),
        gettext_lazy("Saved cards that expire within 60 days, so that their payers can be asked in time."),
        report_cards,
    ),
}


@require_safe
@desk_view(Permission.SEE_MONEY)
def reports(request: HttpRequest, viewer: StaffViewer) -> HttpResponse:
    kinds = {name: kind for name, kind in KINDS.items() if not (kind.is_whole and is_narrowed(viewer))}
    return show(request, viewer, "reports", "reports", kinds=kinds, is_narrowed=is_narrowed(viewer))


@require_safe
@desk_view(Permission.SEE_MONEY)
def report(request: HttpRequest, viewer: StaffViewer, report: str) -> HttpResponse:
    """One report. Days that can't be read are said in the form, and nothing is counted."""
    kind = _access_kind(viewer, report)
    form = read_form(report, request.GET, get_today(viewer))
    frame: dict[str, Any] = {"name": report, "kind": kind, "form": form, "is_narrowed": is_narrowed(viewer)}
    if not form.is_valid():
        return show(request, viewer, "report", "reports", status=422, **frame)
    period = _read_period(viewer, form)
    frame |= {"period": period, "query": query_of(request)}
    if kind.make is None:
        return show(request, viewer, "month_end", "reports", month=report_month_end(viewer, period), **frame)
    made = kind.make(viewer, period)
    number = page_of(request)
    page = cut_page(made.rows[page_bounds(number, ON_PAGE)], number, ON_PAGE)
    return show(request, viewer, "report", "reports", made=made, page=page, **frame)


@require_safe
@desk_view(Permission.SEE_MONEY)
def report_csv(request: HttpRequest, viewer: StaffViewer, report: str) -> HttpResponseBase:
    """Every row of the report, for the same days. That it was taken out stands in the audit trail."""
    kind = _access_kind(viewer, report)
    form = read_form(report, request.GET, get_today(viewer))
    if not form.is_valid():
        frame: dict[str, Any] = {"name": report, "kind": kind, "form": form, "is_narrowed": is_narrowed(viewer)}
        return show(request, viewer, "report", "reports", status=422, **frame)
    period = _read_period(viewer, form)
    detail = {"report": report, "to": period.last.isoformat()}
    record(practice_id=viewer.practice.id, actor_id=viewer.id, action="report.download", detail=detail)
    file_name = f"{report}-{period.last.isoformat()}.csv"
    if kind.make is None:
        header = (_("Account"), _("Line"), _("Amount"))
        return csv_response(header, _month_rows(report_month_end(viewer, period)), file_name=file_name)
    made = kind.make(viewer, period)
    rows = ([_write(cell) for cell in row.cells] for row in made.rows)
    return csv_response([column.label for column in made.columns], rows, file_name=file_name)


@require_safe
@desk_view(Permission.SEE_MONEY)
def deposit(request: HttpRequest, viewer: StaffViewer, deposit_id: UUID) -> HttpResponse:
    """One deposit with everything that is in it."""
    detail = read_deposit(access_deposit(viewer, deposit_id))
    return show(
        request, viewer, "deposit", "reports", detail=detail, tone=DEPOSIT_TONES[detail.deposit.state],
        reviews=list_deposit_reviews(viewer, detail.deposit),
    )  # fmt: skip


@require_safe
@desk_view(Permission.SEE_MONEY)
def deposit_csv(request: HttpRequest, viewer: StaffViewer, deposit_id: UUID) -> HttpResponseBase:
    """The same as a file. That it was taken out stands in the audit trail."""
    found = access_deposit(viewer, deposit_id)
    record(
        practice_id=viewer.practice.id, actor_id=viewer.id, action="report.download",
        detail={"report": "deposit", "to": found.arrives_on.isoformat()},
    )  # fmt: skip
    header = (_("What"), _("Date"), _("Account"), _("Amount"), _("Fee"), _("Net"))
    rows = write_lines(read_deposit(found))
    return csv_response(header, rows, file_name=f"deposit-{found.arrives_on.isoformat()}.csv")


def _access_kind(viewer: StaffViewer, name: str) -> Kind:
    kind = KINDS.get(name)
    if kind is None:
        refuse(viewer, "report", name, "no such report")
    if kind.is_whole and is_narrowed(viewer):
        refuse(viewer, "report", name, "of the whole practice")
    return kind


def _read_period(viewer: StaffViewer, form: ReportForm) -> Period:
    first, last = form.get_span()
    return Period(first, last, viewer.practice.timezone)


def _write(cell: Cell) -> str | Money:
    if cell is None:
        return ""
    if isinstance(cell, Money):
        return cell
    return cell.isoformat() if isinstance(cell, date) else str(cell)


def _month_rows(month: MonthEnd) -> Iterator[list[str | Money]]:
    for each in month.statements:
        yield [each.title, _("Before"), each.before]
        for label, amount in each.moves:
            yield [each.title, label, amount]
        yield [each.title, _("After"), each.after]
    for label, amount in month.earned:
        yield [_("Income"), label, amount]
    yield [_("Income"), _("Sum"), month.income]
