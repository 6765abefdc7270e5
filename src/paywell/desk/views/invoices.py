"""Invoices: the list, one, issuing for chosen services or a range, voiding."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Final
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from paywell.accounts.types import Permission, StaffViewer
from paywell.accounts.web import desk_view
from paywell.billing.invoice_runs import INVOICES, get_reissued, reissue_invoice
from paywell.care.models import Service
from paywell.clients.access import access_client
from paywell.clients.models import BillingAccount, Client
from paywell.core.errors import UserError
from paywell.core.ids import new_key
from paywell.core.money import Money
from paywell.core.templatetags.paywell import day as write_day
from paywell.desk.forms.billing import BatchForm, ToldReasonForm
from paywell.desk.pages import page_of, run, show, succeeds
from paywell.desk.queries.batch import LeftOutOfBatch, get_left_out_of_batch
from paywell.desk.queries.invoices import get_invoice_lines, get_invoice_rows, get_replacement, list_invoices
from paywell.desk.queries.pay_links import get_link_panel
from paywell.desk.queries.scope import get_today
from paywell.desk.queries.services import list_uninvoiced_rows, preview_invoices
from paywell.desk.views.ids import read_ids
from paywell.documents import access as documents
from paywell.documents.estimates import warn_above_estimates
from paywell.documents.letters import missing_letters, name_letters
from paywell.documents.text import clean
from paywell.documents.web import page_response, pdf_response
from paywell.invoicing.access import access_invoice
from paywell.invoicing.actions import issue_batch, issue_invoice, void_invoice
from paywell.invoicing.models import Invoice
from paywell.invoicing.queries import list_uninvoiced
from paywell.invoicing.types import Uninvoiced
from paywell.work.actions import request_work

#: More than this many invoices are issued by the worker, with a page that tells how far it is.
AT_ONCE: Final = 25


@require_safe
@desk_view(Permission.SEE_MONEY)
def invoices(request: HttpRequest, viewer: StaffViewer) -> HttpResponse:
    words, only = request.GET.get("q", "").strip()[:100], request.GET.get("show", "all")
    page = list_invoices(viewer, words=words, show=only, page=page_of(request))
    return show(request, viewer, "invoices", "invoices", page=page, words=words, only=only)


@require_safe
@desk_view(Permission.SEE_MONEY)
def invoice(request: HttpRequest, viewer: StaffViewer, invoice_id: UUID) -> HttpResponse:
    row = access_invoice(viewer, invoice_id)
    return show(
        request, viewer, "invoice", "invoices",
        row=get_invoice_rows(viewer, [row])[0], invoice=row, lines=get_invoice_lines(viewer, row),
        replacement=(replacement := get_replacement(row)), panel=get_link_panel(viewer, row),
        warnings=_warn_again(viewer, row) if row.voided_at and not replacement else (),
    )  # fmt: skip


@require_safe
@desk_view(Permission.SEE_MONEY)
def invoice_document(request: HttpRequest, viewer: StaffViewer, invoice_id: UUID) -> HttpResponse:
    """The invoice as PDF, or as a page for the browser's print dialog."""
    document = documents.access_invoice(viewer, invoice_id)
    if request.resolver_match and request.resolver_match.url_name == "invoice_pdf":
        return pdf_response(document)
    return page_response(
        request, document,
        pdf_url=reverse("desk:invoice_pdf", args=[invoice_id]), back_url=reverse("desk:invoice", args=[invoice_id]),
    )  # fmt: skip


@require_http_methods(["GET", "HEAD", "POST"])
@desk_view(Permission.ISSUE_INVOICES)
def invoice_new(request: HttpRequest, viewer: StaffViewer, client_id: UUID) -> HttpResponse:
    """Choose services, see what would be issued, issue it. Nothing is issued without the preview's button."""
    client = access_client(viewer, client_id)
    chosen = read_ids(request.POST.getlist("service") or request.GET.getlist("service"))
    preview = preview_invoices(viewer, client, chosen)
    if request.method == "POST" and preview:
        if request.POST.get("step") == "issue":
            return _issue(request, viewer, client, preview)
        return show(
            request, viewer, "invoice_preview", "clients",
            client=client, preview=preview, chosen=chosen, today=get_today(viewer),
            warnings=_warn(viewer, [(each.account, each.services) for each in preview]),
        )  # fmt: skip
    return show(
        request, viewer, "invoice_new", "clients",
        client=client, rows=list_uninvoiced_rows(viewer, client), chosen=chosen, today=get_today(viewer),
        nothing_chosen=request.method == "POST", status=422 if request.method == "POST" else 200,
    )  # fmt: skip


@require_http_methods(["GET", "HEAD", "POST"])
@desk_view(Permission.ISSUE_INVOICES)
def invoice_batch(request: HttpRequest, viewer: StaffViewer) -> HttpResponse:
    """A range of days, the preview, and the button that issues all of it."""
    today = get_today(viewer)
    initial = {"date_from": (today.replace(day=1) - timedelta(days=1)).replace(day=1), "date_to": today}
    asked = request.POST if request.method == "POST" else (request.GET if "date_from" in request.GET else None)
    form = BatchForm(asked, initial=initial)
    preview: list[Uninvoiced] | None = None
    left_out: LeftOutOfBatch | None = None
    if form.is_valid():
        if request.method == "POST":
            return _issue_batch(request, viewer, form)
        days = form.cleaned_data["date_from"], form.cleaned_data["date_to"]
        preview, left_out = list_uninvoiced(viewer, *days), get_left_out_of_batch(viewer, *days)
    total = sum((entry.total for entry in preview or ()), Money(0, viewer.practice.currency))
    return show(
        request, viewer, "invoice_batch", "invoices",
        form=form, preview=preview, total=total, left_out=left_out, 
        warnings=_warn(viewer, [(each.account, each.services) for each in preview or ()]),
        key=new_key(),
        status=422 if form.errors else 200,
    )  # fmt: skip


@require_http_methods(["GET", "HEAD", "POST"])
@desk_view(Permission.ISSUE_INVOICES)
def invoice_void(request: HttpRequest, viewer: StaffViewer, invoice_id: UUID) -> HttpResponse:
    row = access_invoice(viewer, invoice_id)
    form = ToldReasonForm(request.POST if request.method == "POST" else None)
    if form.is_valid() and succeeds(
        form, lambda: void_invoice(invoice=row, reason=form.cleaned_data["reason"], actor_id=viewer.id)
    ):
        messages.success(
            request, _("%(label)s is void. Its services can be invoiced again.") % {"label": row.label}
        )
        return redirect("desk:invoice", row.id)
    return show(
        request, viewer, "invoice_void", "invoices",
        invoice=row, row=get_invoice_rows(viewer, [row])[0], form=form, status=422 if form.errors else 200,
    )  # fmt: skip


@require_POST
@desk_view(Permission.ISSUE_INVOICES)
def invoice_reissue(request: HttpRequest, viewer: StaffViewer, invoice_id: UUID) -> HttpResponse:
    """The services of a void invoice once more, as they are now, on one that replaces it."""
    row = access_invoice(viewer, invoice_id)
    try:
        made = reissue_invoice(invoice=row, actor_id=viewer.id)
    except UserError as error:
        messages.error(request, error.message)
        return redirect("desk:invoice", row.id)
    messages.success(request, _("%(label)s replaces it.") % {"label": made.label})
    return redirect("desk:invoice", made.id)


def _warn(viewer: StaffViewer, bills: Iterable[tuple[BillingAccount, Sequence[Service]]]) -> list[str]:
    """Where these invoices would go 400 dollars or more above what the client was told to expect, and letters that
    their PDFs could not print."""
    services: dict[UUID, Service] = {}
    texts: set[str] = set()
    for account, billed in bills:
        services |= {service.id: service for service in billed}
        texts |= {account.name, *(each.wording for each in billed)}
    names = {service.client.name for service in services.values()}
    missing = missing_letters(*map(clean, sorted(texts | names)))
    letters = _(
        "The PDF has no font for these letters and prints a square instead: %(letters)s. The page shows them."
    )
    return [
        *warn_above_estimates(viewer.practice, list(services.values())),
        *([letters % {"letters": name_letters(missing)}] if missing else []),
    ]


def _warn_again(viewer: StaffViewer, row: Invoice) -> list[str]:
    """The same before a void invoice's services are issued once more."""
    if not viewer.may(Permission.ISSUE_INVOICES):
        return []
    return _warn(viewer, [(row.account, get_reissued(row))])


def _issue(request: HttpRequest, viewer: StaffViewer, client: Client, preview: list[Uninvoiced]) -> HttpResponse:
    """One invoice for each account; one that can't be issued stops no other."""
    issued = []
    for entry in preview:
        try:
            issued.append(
                issue_invoice(
                    practice=viewer.practice, account=entry.account, services=entry.services, actor_id=viewer.id
                )
            )
        except UserError as error:
            messages.error(request, f"{entry.account.name}: {error.message}")
    if issued:
        labels = ", ".join(row.label for row in issued)
        messages.success(request, _("Issued: %(labels)s.") % {"labels": labels})
    if len(issued) == 1:
        return redirect("desk:invoice", issued[0].id)
    return redirect("desk:client_invoices", client.id)


def _issue_batch(request: HttpRequest, viewer: StaffViewer, form: BatchForm) -> HttpResponse:
    first, last = form.cleaned_data["date_from"], form.cleaned_data["date_to"]
    if len(list_uninvoiced(viewer, first, last)) > AT_ONCE:
        work = request_work(
            practice_id=viewer.practice.id,
            kind=INVOICES,
            title=_("Invoices for %(first)s to %(last)s") % {"first": write_day(first), "last": write_day(last)},
            actor_id=viewer.id,
            parameters={"date_from": first.isoformat(), "date_to": last.isoformat()},
            key=f"invoices:{request.POST.get('key', '')[:40]}",
        )
        return redirect("desk:work", work.id)
    batch = run(
        form,
        lambda: issue_batch(
            practice=viewer.practice,
            date_from=form.cleaned_data["date_from"],
            date_to=form.cleaned_data["date_to"],
            actor_id=viewer.id,
        ),
    )
    for problem in batch.problems if batch is not None else ():
        messages.error(request, f"{problem.account_name}: {problem.message}")
    if batch:
        text = ngettext("%(count)s invoice is issued.", "%(count)s invoices are issued.", len(batch))
        messages.success(request, text % {"count": len(batch)})
    else:
        messages.info(request, _("No invoice is issued: there is nothing left to invoice in that range."))
    return redirect("desk:invoices")
