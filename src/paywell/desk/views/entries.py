"""What staff enter by hand in a client's account: payments, credit, adjustments, the insurer's part; and undo."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from paywell.accounts.types import Permission, StaffViewer
from paywell.accounts.web import desk_view
from paywell.billing.access import access_entry
from paywell.billing.entries import NEEDS, get_insurer_left, make_entry, reverse_entry
from paywell.billing.limits import may_be_taken_back, needs_approval
from paywell.billing.models import EntryKind
from paywell.billing.pay_outs import request_pay_out
from paywell.billing.rules import get_rules
from paywell.billing.take_backs import request_take_back
from paywell.clients.access import access_client
from paywell.core.money import Money, format_money
from paywell.desk.access import access_service
from paywell.desk.forms.billing import ToldReasonForm
from paywell.desk.forms.entries import EntryPageForm
from paywell.desk.pages import run, show, succeeds
from paywell.desk.queries.accounts import choose_account, get_account_state
from paywell.desk.queries.scope import get_today
from paywell.desk.words import ENTRY_DONE, ENTRY_PAGES
from paywell.invoicing.models import InvoiceLine
from paywell.payments.story import find_credit_cards, get_entry_words

K = EntryKind


@require_http_methods(["GET", "HEAD", "POST"])
@desk_view(Permission.TAKE_PAYMENTS)
def payment_new(request: HttpRequest, viewer: StaffViewer, client_id: UUID) -> HttpResponse:
    """Cash, a check, a card outside Paywell."""
    return enter(request, viewer, client_id, [K.PAYMENT])


@require_http_methods(["GET", "HEAD", "POST"])
@desk_view(Permission.TAKE_PAYMENTS)
def credit_apply(request: HttpRequest, viewer: StaffViewer, client_id: UUID) -> HttpResponse:
    return enter(request, viewer, client_id, [K.CREDIT_USED])


@require_http_methods(["GET", "HEAD", "POST"])
@desk_view(Permission.ISSUE_INVOICES)
def adjust(request: HttpRequest, viewer: StaffViewer, client_id: UUID) -> HttpResponse:
    """Lower what is owed: an adjustment of the fee, or a write-off of what will not come."""
    return enter(request, viewer, client_id, [K.ADJUSTMENT, K.WRITE_OFF])


@require_http_methods(["GET", "HEAD", "POST"])
@desk_view(Permission.ISSUE_INVOICES)
def insurer_entry(request: HttpRequest, viewer: StaffViewer, service_id: UUID) -> HttpResponse:
    """What the insurer paid of its part, what neither owes, and what the client owes after all."""
    service = access_service(viewer, service_id)
    line = InvoiceLine.objects.filter(practice=viewer.practice, service=service, voided_at=None).first()
    account = line.account if line else service.client.default_account
    left = get_insurer_left(service)
    asked = request.POST.get("kind", "") or request.GET.get("kind", "")
    kind = EntryKind(asked) if asked in (K.INSURER_ADJUSTMENT, K.INSURER_TO_CLIENT) else K.INSURER_PAYMENT
    form = EntryPageForm(
        request.POST or None,
        kinds=[kind],
        currency=account.currency,
        initial={"amount": left, "on": get_today(viewer)},
    )
    if form.is_valid():
        entry = run(form, lambda: make_entry(viewer=viewer, account=account, form=form.entry(service.id)))
        if entry is not None:
            messages.success(request, _say(ENTRY_DONE[kind], form.cleaned_data["amount"]))
            return redirect("desk:service", service.id)
    return show(
        request, viewer, "insurer_entry", "services",
        service=service, left=left, kind=kind, words=ENTRY_PAGES[kind], form=form,
        status=422 if form.errors else 200,
    )  # fmt: skip


@require_http_methods(["GET", "HEAD", "POST"])
@desk_view(Permission.TAKE_PAYMENTS)
def entry_reverse(request: HttpRequest, viewer: StaffViewer, entry_id: UUID) -> HttpResponse:
    """Take an entry back, with a reason. What it did is undone by a line of its own; nothing is deleted."""
    entry = access_entry(viewer, entry_id)
    kind = EntryKind(entry.kind)
    form = ToldReasonForm(request.POST if request.method == "POST" else None)
    client = entry.service.client if entry.service else entry.account.clients.order_by("created_at").first()
    needs_second = not entry.reversed_at and not may_be_taken_back(entry)
    if form.is_valid() and needs_second:
        reason = form.cleaned_data["reason"]
        if wanted := run(form, lambda: request_take_back(viewer=viewer, entry=entry, reason=reason)):
            messages.success(
                request,
                _("Somebody else has to approve it now; it waits in their inbox. The payment stands until then."),
            )
            return redirect("desk:take_back", wanted.id)
    elif form.is_valid() and succeeds(
        form, lambda: reverse_entry(viewer=viewer, entry=entry, reason=form.cleaned_data["reason"])
    ):
        messages.success(request, _("It is taken back. The ledger shows both."))
        if entry.service_id:
            return redirect("desk:service", entry.service_id)
        if client is not None:
            return redirect("desk:client_ledger", client.id)
        return redirect("desk:payments")
    return show(
        request, viewer, "entry_reverse", "clients",
        entry=entry, amount=Money(entry.amount_minor, entry.currency), what=get_entry_words(kind), client=client,
        may_reverse=viewer.may(NEEDS[kind]), form=form,
        approve_above=_get_approve_above(viewer) if needs_second else None, status=422 if form.errors else 200,
    )  # fmt: skip


def enter(request: HttpRequest, viewer: StaffViewer, client_id: UUID, kinds: Sequence[EntryKind]) -> HttpResponse:
    """The page on which an entry of one of the kinds is made in a client's account. The view checks the right."""
    client = access_client(viewer, client_id)
    account, accounts = choose_account(viewer, client, request.GET.get("account", ""))
    state = get_account_state(viewer, account)
    usual = {K.CREDIT_USED: min(state.credit, state.owed), K.CREDIT_OUT: state.credit}.get(kinds[0], state.owed)
    form = EntryPageForm(
        request.POST or None,
        kinds=kinds,
        lines=state.lines,
        currency=account.currency,
        owed=state.owed,
        credit=state.credit,
        initial={"amount": usual if usual.minor > 0 else None, "on": get_today(viewer)},
    )
    if form.is_valid():
        if kinds[0] is K.CREDIT_OUT and needs_approval(account, form.cleaned_data["amount"]):
            if succeeds(form, lambda: request_pay_out(viewer=viewer, account=account, form=form.entry())):
                messages.success(
                    request,
                    _("Somebody else has to approve it now; it waits in their inbox. Don't pay it out before."),
                )
                return redirect("desk:pay_out", form.cleaned_data["entry_id"])
        elif (
            entry := run(form, lambda: make_entry(viewer=viewer, account=account, form=form.entry()))
        ) is not None:
            messages.success(request, _say(ENTRY_DONE[EntryKind(entry.kind)], form.cleaned_data["amount"]))
            if entry.kind == K.PAYMENT:
                return redirect("desk:payment", entry.id)
            return redirect("desk:client_ledger", client.id)
    return show(
        request, viewer, "entry_new", "clients",
        client=client, state=state, accounts=accounts, account=account, words=ENTRY_PAGES[kinds[0]], form=form,
        approve_above=_get_approve_above(viewer) if kinds[0] is K.CREDIT_OUT else None,
        from_cards=find_credit_cards(viewer.practice.id, account.id) if kinds[0] is K.CREDIT_OUT else (),
        status=422 if form.errors else 200,
    )  # fmt: skip


def _get_approve_above(viewer: StaffViewer) -> Money | None:
    above = get_rules(viewer.practice).approve_refunds_above_minor
    return None if above is None else Money(above, viewer.practice.currency)


def _say(words: object, amount: Money) -> str:
    return str(words) % {"amount": format_money(amount)}
