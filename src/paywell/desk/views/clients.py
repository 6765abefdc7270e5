"""Clients: the list and the record."""

from __future__ import annotations

from itertools import groupby
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from paywell.accounts.types import Permission, StaffViewer
from paywell.accounts.web import desk_view
from paywell.billing.rules import get_rules, is_invoiced_by_rule
from paywell.care.actions import add_diagnosis
from paywell.care.models import Diagnosis
from paywell.clients import actions
from paywell.clients.access import access_client
from paywell.clients.models import Client, StandingShare
from paywell.clients.queries import get_standing_shares, list_accounts, list_loose_accounts, list_namesakes
from paywell.codes.queries import check_code, list_releases, search_codes
from paywell.codes.types import Level
from paywell.core.errors import UserError
from paywell.desk.actions import add_client, archive_client, find_contact
from paywell.desk.forms.clients import (
    SHARED_KINDS,
    ClientForm,
    DiagnosisForm,
    NewClientForm,
    SharesForm,
)
from paywell.desk.pages import act, in_setup, leave, page_of, query_of, run, show, succeeds
from paywell.desk.queries import payments
from paywell.desk.queries.accounts import choose_account, get_ledger
from paywell.desk.queries.audit import list_looks
from paywell.desk.queries.clients import get_header, list_client_cards, list_clients
from paywell.desk.queries.invoices import list_invoices
from paywell.desk.queries.scope import get_today
from paywell.desk.queries.services import list_services


@require_safe
@desk_view(Permission.SEE_CLIENTS)
def clients(request: HttpRequest, viewer: StaffViewer) -> HttpResponse:
    words, only = request.GET.get("q", "").strip()[:100], request.GET.get("show", "all")
    page = list_clients(viewer, words=words, show=only, page=page_of(request))
    return show(request, viewer, "clients", "clients", page=page, words=words, only=only, query=query_of(request))


@require_http_methods(["GET", "HEAD", "POST"])
@desk_view(Permission.EDIT_CLIENTS)
def client_new(request: HttpRequest, viewer: StaffViewer) -> HttpResponse:
    form = NewClientForm(request.POST or None, viewer=viewer, initial={"invite": in_setup(request)})
    if form.is_valid():
        client = run(form, lambda: add_client(viewer=viewer, **form.cleaned_data))
        if client is not None:
            messages.success(request, _("%(name)s is on file.") % {"name": client.name})
            if form.cleaned_data["invite"]:
                _tell_invited(request, viewer, client)
            return leave(request, "desk:client", client.id)
    asks_who = form.is_bound and form.asks_who()
    return show(
        request, viewer, "client_form", "clients",
        form=form, asks_who=asks_who, namesakes=_list_namesakes(viewer, form) if asks_who else (),
        status=422 if form.errors else 200,
    )  # fmt: skip


def _tell_invited(request: HttpRequest, viewer: StaffViewer, client: Client) -> None:
    """Where the e-mail is somebody's who signs in already, no invitation was needed."""
    contact = find_contact(viewer, client.email)
    words = _("An invitation is on its way to %(email)s.")
    if contact is not None and contact.user_id is not None:
        words = _("%(email)s signs in already and sees this client now too.")
    messages.info(request, words % {"email": client.email})


def _list_namesakes(viewer: StaffViewer, form: NewClientForm) -> list[Client]:
    said = form.cleaned_data
    return list_namesakes(
        viewer=viewer, first=said.get("legal_first_name", ""), last=said.get("legal_last_name", ""),
        birth_date=said.get("birth_date"),
    )  # fmt: skip


@require_safe
@desk_view(Permission.SEE_CLIENTS)
def client(request: HttpRequest, viewer: StaffViewer, client_id: UUID) -> HttpResponse:
    """The record's first page: who they are, and the latest of everything."""
    row = access_client(viewer, client_id)
    return _record(
        request, viewer, row, "client", "overview",
        services=list_services(viewer, client=row).rows[:6],
        payments=payments.list_payments(viewer, client=row).rows[:4],
        looks=list_looks(viewer, row),
    )  # fmt: skip


@require_http_methods(["GET", "HEAD", "POST"])
@desk_view(Permission.EDIT_CLIENTS)
def client_edit(request: HttpRequest, viewer: StaffViewer, client_id: UUID) -> HttpResponse:
    row = access_client(viewer, client_id)
    initial = {name: getattr(row, name) for name in ClientForm.base_fields}
    form = ClientForm(request.POST or None, viewer=viewer, initial=initial)
    if form.is_valid() and succeeds(
        form, lambda: actions.change_client(client=row, actor_id=viewer.id, **form.cleaned_data)
    ):
        messages.success(request, _("The record is saved."))
        return redirect("desk:client", row.id)
    return show(
        request, viewer, "client_form", "clients", form=form, client=row, status=422 if form.errors else 200
    )


@require_safe
@desk_view(Permission.SEE_CLIENTS)
def client_services(request: HttpRequest, viewer: StaffViewer, client_id: UUID) -> HttpResponse:
    row = access_client(viewer, client_id)
    page = list_services(viewer, client=row, page=page_of(request))
    return _record(request, viewer, row, "client_services", "services", page=page)


@require_safe
@desk_view(Permission.SEE_MONEY)
def client_invoices(request: HttpRequest, viewer: StaffViewer, client_id: UUID) -> HttpResponse:
    row = access_client(viewer, client_id)
    page = list_invoices(viewer, client=row, page=page_of(request))
    return _record(request, viewer, row, "client_invoices", "invoices", page=page)


@require_safe
@desk_view(Permission.SEE_MONEY)
def client_payments(request: HttpRequest, viewer: StaffViewer, client_id: UUID) -> HttpResponse:
    row = access_client(viewer, client_id)
    page = payments.list_payments(viewer, client=row, page=page_of(request))
    return _record(request, viewer, row, "client_payments", "payments", page=page)


@require_safe
@desk_view(Permission.SEE_MONEY)
def client_ledger(request: HttpRequest, viewer: StaffViewer, client_id: UUID) -> HttpResponse:
    """Every step of an account: what, who, when, why, and what was owed then."""
    row = access_client(viewer, client_id)
    account, accounts = choose_account(viewer, row, request.GET.get("account", ""))
    ledger = get_ledger(viewer, account, page_of(request))
    return _record(
        request, viewer, row, "client_ledger", "ledger", accounts=accounts, account=account, ledger=ledger,
        page=ledger.page,
    )  # fmt: skip


@require_safe
@desk_view(Permission.SEE_MONEY)
def client_billing(request: HttpRequest, viewer: StaffViewer, client_id: UUID) -> HttpResponse:
    """The payment switch, the billing accounts, and how a service is shared out."""
    row = access_client(viewer, client_id)
    return _record(
        request, viewer, row, "client_billing", "billing",
        accounts=list_accounts(viewer=viewer, client=row), share_sets=_share_sets(get_standing_shares(row)),
        rules=get_rules(viewer.practice), by_rule=is_invoiced_by_rule(row),
        loose=list_loose_accounts(viewer) if viewer.may(Permission.EDIT_CLIENTS) else [],
    )  # fmt: skip


def _share_sets(shares: list[StandingShare]) -> list[tuple[Any, list[StandingShare], str]]:
    """The shares under the kind of service that they are for; with what the rest goes by, after fixed amounts:
    `percent`, or to the `default` account. Empty where there is nothing before the percentages."""
    sets = []
    for kind, rows in groupby(shares, lambda share: share.applies_to):
        found = list(rows)
        is_fixed, is_percent = any(row.fixed_minor for row in found), any(row.basis_points for row in found)
        rest = ("percent" if is_percent else "default") if is_fixed else ""
        sets.append((SHARED_KINDS.get(kind, kind), found, rest))
    if shares and shares[0].applies_to:
        sets.append((_("All other services"), [], "default"))
    return sets


@require_http_methods(["GET", "HEAD", "POST"])
@desk_view(Permission.EDIT_CLIENTS)
def client_shares(request: HttpRequest, viewer: StaffViewer, client_id: UUID) -> HttpResponse:
    row = access_client(viewer, client_id)
    kind = request.GET.get("for", "") if request.GET.get("for") in SHARED_KINDS else ""
    accounts = list_accounts(viewer=viewer, client=row)
    shares = [share for share in get_standing_shares(row) if share.applies_to == kind]
    currency = viewer.practice.currency
    form = SharesForm(request.POST or None, accounts=accounts, shares=shares, currency=currency)
    if form.is_valid():
        done = run(
            form,
            lambda: actions.set_standing_shares(
                client=row, shares=form.shares(), fixed=form.fixed(), applies_to=kind, actor_id=viewer.id
            ),
        )
        if done is not None:
            messages.success(request, _("Saved. What is invoiced from now on is shared out like this."))
            return redirect("desk:client_billing", row.id)
    return show(
        request, viewer, "client_shares", "clients",
        client=row, form=form, kind=kind, kinds=SHARED_KINDS.items(), status=422 if form.errors else 200,
    )  # fmt: skip


@require_POST
@desk_view(Permission.EDIT_CLIENTS)
def client_payments_allowed(request: HttpRequest, viewer: StaffViewer, client_id: UUID) -> HttpResponse:
    """The client's own switch."""
    row = access_client(viewer, client_id)
    allowed = request.POST.get("allowed") == "yes"
    done = _("Payments through the portal are on for %(name)s.") if allowed else _(
        "Payments through the portal are off for %(name)s."
    )  # fmt: skip
    return act(
        request,
        lambda: actions.set_client_payments_allowed(client=row, allowed=allowed, actor_id=viewer.id),
        done=done % {"name": row.name},
        back="desk:client_billing",
        client_id=row.id,
    )


@require_POST
@desk_view(Permission.EDIT_CLIENTS)
def client_archive(request: HttpRequest, viewer: StaffViewer, client_id: UUID) -> HttpResponse:
    """Off the list of clients, or back on it."""
    row = access_client(viewer, client_id)
    if request.POST.get("archived") == "no":
        return act(
            request,
            lambda: actions.set_archived(client=row, is_archived=False, actor_id=viewer.id),
            done=_("%(name)s is on the list again.") % {"name": row.name},
            back="desk:client",
            client_id=row.id,
        )
    return act(
        request,
        lambda: archive_client(viewer=viewer, client=row),
        done=_("%(name)s is archived: off the list, with everything kept.") % {"name": row.name},
        back="desk:client",
        client_id=row.id,
    )


@require_safe
@desk_view(Permission.SEE_MONEY)
def client_cards(request: HttpRequest, viewer: StaffViewer, client_id: UUID) -> HttpResponse:
    """The cards kept by people who may pay for the client: whose, until when, and with whose consent."""
    row = access_client(viewer, client_id)
    return _record(request, viewer, row, "client_cards", "cards", cards=list_client_cards(viewer, row))


@require_safe
@desk_view(Permission.SEE_DIAGNOSES)
def client_diagnoses(request: HttpRequest, viewer: StaffViewer, client_id: UUID) -> HttpResponse:
    row = access_client(viewer, client_id)
    diagnoses = Diagnosis.objects.filter(practice=viewer.practice, client=row).order_by("rank", "-diagnosed_on")
    return _record(request, viewer, row, "client_diagnoses", "diagnoses", diagnoses=diagnoses)


@require_http_methods(["GET", "HEAD", "POST"])
@desk_view(Permission.RECORD_SERVICES)
def diagnosis_new(request: HttpRequest, viewer: StaffViewer, client_id: UUID) -> HttpResponse:
    """Add a diagnosis; or, asked to search, show codes that have the words. Words never stand in an address."""
    row = access_client(viewer, client_id)
    today = get_today(viewer)
    if request.method != "POST":
        form = DiagnosisForm(asks_why=False, initial={"diagnosed_on": today})
        return show(request, viewer, "diagnosis_form", "clients", client=row, form=form)
    values = request.POST.copy()
    if values.get("step") == "search":
        form = DiagnosisForm(asks_why=False, initial=values.dict())
        found = [each for each in search_codes(values.get("code", ""), today, limit=40) if each.is_billable]
        searched: dict[str, Any] = {"searched": True, "found": found[:12], "has_codes": list_releases().exists()}
        return show(request, viewer, "diagnosis_form", "clients", client=row, form=form, **searched)
    if values.get("pick"):
        values["code"] = values.get("pick", "")
    form = DiagnosisForm(values, asks_why="override" in values)
    if form.is_valid():
        try:
            diagnosis = add_diagnosis(practice=viewer.practice, client=row, actor_id=viewer.id, **form.cleaned_data)
        except UserError as error:
            if error.code == "diagnosis_not_valid":
                form = DiagnosisForm(values, asks_why=True)
            form.add_error(error.field if error.field in form.fields else None, error.message)
        else:
            messages.success(request, _("The diagnosis is on file."))
            doubt = check_code(diagnosis.code, diagnosis.diagnosed_on)
            if doubt.level is Level.WARN and list_releases().exists():
                messages.warning(request, doubt.words)
            return redirect("desk:client_diagnoses", row.id)
    return show(request, viewer, "diagnosis_form", "clients", client=row, form=form, status=422)


def _record(
    request: HttpRequest, viewer: StaffViewer, row: Client, template: str, tab: str, **context: Any
) -> HttpResponse:
    return show(
        request, viewer, template, "clients", header=get_header(viewer, row), client=row, tab=tab, **context
    )
