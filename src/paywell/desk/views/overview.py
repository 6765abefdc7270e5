"""The inbox, the search, and who may do what."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from paywell.accounts.models import Role
from paywell.accounts.queries import list_staff
from paywell.accounts.types import PERMISSIONS, Permission, StaffViewer
from paywell.accounts.web import desk_view, switch_practice
from paywell.books.invariants import TITLES
from paywell.books.queries import get_last_check, join_findings
from paywell.core.backup_news import get_backup_news, is_daily
from paywell.core.paging import Page
from paywell.desk.pages import show
from paywell.desk.queries import inbox as inbox_queries
from paywell.desk.queries.clients import list_clients
from paywell.desk.queries.invoices import list_invoices
from paywell.desk.queries.payments import find_named_payments
from paywell.desk.types import ClientRow, InvoiceRow
from paywell.desk.views.ids import read_ids
from paywell.desk.words import PERMISSION_WORDS
from paywell.payments.availability import has_processor

#: How much of what is found is shown while one types.
FIRST_CLIENTS, FIRST_INVOICES = 6, 4


@require_safe
@desk_view(Permission.SEE_DESK)
def inbox(request: HttpRequest, viewer: StaffViewer) -> HttpResponse:
    return show(request, viewer, "inbox", "inbox", inbox=inbox_queries.get_inbox(viewer))


@require_http_methods(["GET", "HEAD", "POST"])
@desk_view(Permission.SEE_CLIENTS)
def search(request: HttpRequest, viewer: StaffViewer) -> HttpResponse:
    """Clients and invoices that have the words. A POST asks while one types, and gets the first few as a list."""
    asked = request.POST if request.method == "POST" else request.GET
    words = asked.get("q", "").strip()[:100]
    clients = list_clients(viewer, words=words) if words else None
    invoices = list_invoices(viewer, words=words) if words and viewer.may(Permission.SEE_MONEY) else None
    if request.method == "POST":
        return _show_first(request, viewer, clients, invoices)
    return show(request, viewer, "search", "", words=words, searched=words, clients=clients, invoices=invoices)


def _show_first(
    request: HttpRequest, viewer: StaffViewer, clients: Page[ClientRow] | None, invoices: Page[InvoiceRow] | None
) -> HttpResponse:
    """The list below the field, without the desk's frame."""
    first = {
        "clients": clients.rows[:FIRST_CLIENTS] if clients else [],
        "invoices": invoices.rows[:FIRST_INVOICES] if invoices else [],
    }
    count = sum(len(rows) for rows in first.values())
    may = {"see_money": viewer.may(Permission.SEE_MONEY)}
    return render(request, "desk/parts/found.html", first | {"count": count, "may": may})


@require_safe
@desk_view(Permission.SEE_DESK)
def roles(request: HttpRequest, viewer: StaffViewer) -> HttpResponse:
    """Who may do what, and who works here."""
    table = [
        (
            PERMISSION_WORDS[permission],
            [permission in PERMISSIONS[role] for role in Role],
            ", ".join(str(role.label) for role in Role if permission in PERMISSIONS[role]),
        )
        for permission in Permission
    ]
    staff = list_staff(viewer=viewer)
    return show(request, viewer, "roles", "roles", table=table, roles=list(Role), staff=staff)


@require_safe
@desk_view(Permission.SEE_AUDIT)
def status(request: HttpRequest, viewer: StaffViewer) -> HttpResponse:
    """When the books were last checked, and what offends; what became of the back-ups."""
    check, beside = get_last_check(viewer), get_last_check(viewer, with_processor=True)
    found = join_findings(check, beside)
    payments = find_named_payments(viewer, read_ids(str(each["id"]) for each in found))
    findings = [
        each | {"title": TITLES.get(each["law"], ""), "payment_id": payments.get(str(each["id"]))} for each in found
    ]
    laws = list(TITLES.values())
    return show(
        request, viewer, "status", "status", check=check, findings=findings, laws=laws, beside=beside,
        has_processor=has_processor(viewer.practice), backups=get_backup_news(), is_daily=is_daily(),
    )  # fmt: skip


@require_POST
@desk_view(Permission.SEE_DESK)
def switch(request: HttpRequest, viewer: StaffViewer) -> HttpResponse:
    """Open the desk of another practice where the person works too."""
    switch_practice(request, request.POST.get("practice", ""))
    return redirect("desk:inbox")
