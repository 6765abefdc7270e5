"""Documents of a client: what was issued, and making superbills and statements."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from paywell.accounts.types import Permission, StaffViewer
from paywell.accounts.web import desk_view
from paywell.clients.access import access_client
from paywell.clients.models import Client
from paywell.clients.queries import list_accounts
from paywell.core.errors import UserError
from paywell.desk.forms.documents import StatementForm, SuperbillRangeForm
from paywell.desk.pages import page_of, run, show
from paywell.desk.queries.clients import get_header
from paywell.desk.queries.scope import get_today
from paywell.desk.queries.services import list_superbill_services
from paywell.desk.views.ids import read_ids
from paywell.desk.words import SHELF_WORDS
from paywell.documents.access import access_issued
from paywell.documents.check import Level, Problem, check_superbill
from paywell.documents.errors import NoSuperbill
from paywell.documents.listing import list_client_documents
from paywell.documents.making import make_statement, make_yearly
from paywell.documents.making_superbills import access_services, find_services, make_superbills
from paywell.documents.models import IssuedDocument
from paywell.documents.superbills import refuse_services
from paywell.documents.web import in_grade, page_response, pdf_response

_FORM = ["GET", "HEAD", "POST"]


@require_safe
@desk_view(Permission.SEE_MONEY)
def client_documents(request: HttpRequest, viewer: StaffViewer, client_id: UUID) -> HttpResponse:
    """Everything issued for the client, by kind and by day of issue."""
    row = access_client(viewer, client_id)
    asked = request.GET.get("show", "")
    only = asked if asked in SHELF_WORDS else "all"
    return show(
        request, viewer, "client_documents", "clients",
        header=get_header(viewer, row), client=row, tab="documents", only=only, shelves=SHELF_WORDS.items(),
        page=list_client_documents(viewer, row.id, shelf=only, page=page_of(request)),
    )  # fmt: skip


@require_safe
@desk_view(Permission.SEE_CLIENTS)
def issued(request: HttpRequest, viewer: StaffViewer, document_id: UUID) -> HttpResponse:
    """An issued document, as PDF or as a page for the browser's print dialog."""
    try:
        document = access_issued(viewer, document_id)
    except UserError as broken:
        messages.error(request, broken.message)
        return redirect("desk:inbox")
    if request.resolver_match and request.resolver_match.url_name == "issued_pdf":
        return pdf_response(in_grade(request, document))
    return page_response(
        request, document, pdf_url=reverse("desk:issued_pdf", args=[document_id]), back_url=_back(request)
    )


@require_http_methods(_FORM)
@desk_view(Permission.RECORD_SERVICES)
def superbill_new(request: HttpRequest, viewer: StaffViewer, client_id: UUID) -> HttpResponse:
    """Choose services or days, read what an insurer could say no to, issue it. Nothing is issued unchecked."""
    client = access_client(viewer, client_id)
    asked = request.POST if request.method == "POST" else request.GET
    chosen = read_ids(asked.getlist("service"))
    form = SuperbillRangeForm(asked if "date_from" in asked and not chosen else None, today=get_today(viewer))
    if form.is_bound and form.is_valid():
        days = form.cleaned_data
        chosen = (
            run(
                form,
                lambda: find_services(
                    viewer, client_id=client.id, date_from=days["date_from"], date_to=days["date_to"]
                ),
            )
            or []
        )
    if chosen:
        return _check(request, viewer, client, chosen)
    return show(
        request, viewer, "superbill_new", "clients",
        client=client, form=form, rows=list_superbill_services(viewer, client),
        nothing_chosen=request.method == "POST" and not form.is_bound,
        status=422 if form.errors or request.method == "POST" else 200,
    )  # fmt: skip


def _check(request: HttpRequest, viewer: StaffViewer, client: Client, chosen: list[UUID]) -> HttpResponse:
    """What the check says of the chosen services; with the button's step, issue them."""
    services = access_services(viewer, chosen)
    refused, why = "", request.POST.get("reason", "").strip()[:300]
    try:
        refuse_services(services)
        if request.method == "POST" and request.POST.get("step") == "issue":
            return _issued(request, make_superbills(viewer, chosen, reason=why))
    except NoSuperbill as error:
        refused = error.message
    problems = check_superbill(viewer.practice, services)
    levels = {problem.level for problem in problems}
    return show(
        request, viewer, "superbill_check", "clients",
        client=client, services=services, findings=_said_once(problems), refused=refused, reason=why,
        is_blocked=Level.BLOCK in levels, needs_reason=Level.REASON in levels,
        status=422 if refused and request.POST.get("step") == "issue" else 200,
    )  # fmt: skip


def _said_once(problems: Sequence[Problem]) -> list[tuple[list[date], Problem]]:
    """What is the same on several days once, with all its days; in the order in which it was found."""
    days: dict[Problem, list[date]] = {}
    for problem in problems:
        of = days.setdefault(replace(problem, on=None), [])
        if problem.on and problem.on not in of:
            of.append(problem.on)
    return [(of, problem) for problem, of in days.items()]


def _issued(request: HttpRequest, rows: list[IssuedDocument]) -> HttpResponse:
    labels = ", ".join(row.label for row in rows)
    messages.success(request, _("Issued: %(labels)s.") % {"labels": labels})
    if len(rows) > 1:
        messages.info(
            request, _("There are more than twelve diagnoses, so the services are on several superbills.")
        )
    return redirect("desk:issued", rows[0].id)


@require_http_methods(_FORM)
@desk_view(Permission.ISSUE_INVOICES)
def statement_new(request: HttpRequest, viewer: StaffViewer, client_id: UUID) -> HttpResponse:
    """A statement for some days, or for a year."""
    client = access_client(viewer, client_id)
    accounts = list_accounts(viewer=viewer, client=client)
    form = StatementForm(request.POST or None, accounts=accounts, today=get_today(viewer))
    if form.is_valid():
        row = run(form, lambda: _make(viewer, form))
        if row is not None:
            return redirect("desk:issued", row.id)
    return show(
        request, viewer, "statement_new", "clients", client=client, form=form, status=422 if form.errors else 200
    )


def _make(viewer: StaffViewer, form: StatementForm) -> IssuedDocument:
    values = form.cleaned_data
    if values["kind"] == "yearly":
        return make_yearly(viewer, year=values["date_to"].year, account_id=values["account"].id)
    first: date = values["date_from"]
    return make_statement(viewer, date_from=first, date_to=values["date_to"], account_id=values["account"].id)


def _back(request: HttpRequest) -> str:
    """To the payment or the client's documents, where the page was opened from there."""
    payments = read_ids([request.GET.get("payment", "")])
    if payments:
        return reverse("desk:payment", args=[payments[0]])
    ids = read_ids([request.GET.get("client", "")])
    return reverse("desk:client_documents", args=[ids[0]]) if ids else reverse("desk:clients")
