"""Charging saved cards, one and many; payment plans; holding and ending what payers agreed to."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from paywell.accounts.types import Permission, StaffViewer
from paywell.accounts.web import desk_view
from paywell.agreements.again import charge_again
from paywell.agreements.agree import end_agreement, hold_agreement
from paywell.agreements.batch import CHARGES
from paywell.agreements.charging import charge_saved_card
from paywell.agreements.models import AgreementKind, Charge, ChargeState
from paywell.agreements.plans import offer_plan, withdraw_plan
from paywell.agreements.previews import preview_batch
from paywell.agreements.queries import (
    access_agreement,
    access_charge,
    access_plan,
    find_obstacles,
    get_chargeables,
    list_agreements,
    list_charges,
    list_plans,
)
from paywell.agreements.seen import mark_charge_seen, mark_stop_seen
from paywell.clients.access import access_client
from paywell.core.errors import UserError
from paywell.core.money import Money, format_money
from paywell.core.templatetags.paywell import day
from paywell.desk.forms.agreements import BatchForm, ChargeForm, PlanForm
from paywell.desk.pages import act, run, show
from paywell.desk.queries.accounts import choose_account, get_account_state
from paywell.desk.queries.clients import get_header
from paywell.desk.queries.scope import get_today
from paywell.desk.views.ids import read_ids
from paywell.work.actions import request_work


@require_safe
@desk_view(Permission.SEE_MONEY)
def client_agreements(request: HttpRequest, viewer: StaffViewer, client_id: UUID) -> HttpResponse:
    """What was agreed to for the account: charges by staff, AutoPay, plans; and what came of it."""
    client = access_client(viewer, client_id)
    account, accounts = choose_account(viewer, client, request.GET.get("account", ""))
    agreements = list(list_agreements(viewer, account.id))
    return show(
        request, viewer, "client_agreements", "clients",
        header=get_header(viewer, client), client=client, tab="agreements", account=account, accounts=accounts,
        agreements=[row for row in agreements if row.ended_at is None],
        past=[row for row in agreements if row.ended_at is not None],
        obstacles=find_obstacles(agreements), plans=list_plans(viewer, account.id),
        charges=list_charges(viewer, account.id),
        may_charge=any(row.kind == AgreementKind.STAFF and row.ended_at is None for row in agreements),
    )  # fmt: skip


@require_http_methods(["GET", "HEAD", "POST"])
@desk_view(Permission.TAKE_PAYMENTS)
def charge_card(request: HttpRequest, viewer: StaffViewer, client_id: UUID) -> HttpResponse:
    """Charge a card whose owner agreed to it; where nobody did, the page says what they can do."""
    client = access_client(viewer, client_id)
    account, accounts = choose_account(viewer, client, request.GET.get("account", ""))
    agreed = list_agreements(viewer, account.id).filter(kind=AgreementKind.STAFF, ended_at=None)
    options = get_chargeables(list(agreed))
    asked = request.GET.get("by", "")
    chosen = next((each for each in options if str(each.agreement.id) == asked), options[0] if options else None)
    form = None
    if chosen is not None and not chosen.why_not:
        state = get_account_state(viewer, account)
        form = ChargeForm(request.POST or None, most=chosen.most, lines=state.lines)
        if form.is_valid():
            charge = run(
                form,
                lambda: charge_saved_card(
                    viewer=viewer,
                    agreement=chosen.agreement,
                    amount=form.cleaned_data["amount"],
                    key=form.cleaned_data["key"],
                    line_ids=form.line_ids(),
                ),
            )
            if charge is not None:
                _say(request, charge)
                return redirect("desk:client_payments", client.id)
    return show(
        request, viewer, "charge_card", "clients",
        client=client, account=account, accounts=accounts, options=options, chosen=chosen, form=form,
        status=422 if form is not None and form.errors else 200,
    )  # fmt: skip


@require_http_methods(["GET", "HEAD", "POST"])
@desk_view(Permission.TAKE_PAYMENTS)
def charge_batch(request: HttpRequest, viewer: StaffViewer) -> HttpResponse:
    """Every account that owes something: what would be charged, and why the rest would not. Then the work."""
    rows = preview_batch(viewer)
    ready = [row for row in rows if row.cards]
    form = BatchForm(request.POST or None, ready=ready)
    if form.is_valid():
        orders = form.orders()
        work = request_work(
            practice_id=viewer.practice.id,
            kind=CHARGES,
            title=ngettext("Charge %(count)s saved card", "Charge %(count)s saved cards", len(orders))
            % {"count": len(orders)},
            actor_id=viewer.id,
            parameters={"rows": orders},
            key=f"charges:{form.cleaned_data['key']}",
        )
        return redirect("desk:work", work.id)
    zero = Money(0, viewer.practice.currency)
    return show(
        request, viewer, "charge_batch", "payments",
        form=form, ready=ready, left_out=[row for row in rows if not row.cards],
        total=sum((row.cards[0].most for row in ready), zero), status=422 if form.errors else 200,
    )  # fmt: skip


@require_http_methods(["GET", "HEAD", "POST"])
@desk_view(Permission.TAKE_PAYMENTS)
def plan_new(request: HttpRequest, viewer: StaffViewer, client_id: UUID) -> HttpResponse:
    """Offer installments; nothing is charged before the payer agrees in the portal."""
    client = access_client(viewer, client_id)
    account, accounts = choose_account(viewer, client, request.GET.get("account", ""))
    state = get_account_state(viewer, account)
    today = get_today(viewer)
    initial = {"first_on": today + timedelta(days=7)}
    form = PlanForm(request.POST or None, lines=state.lines, today=today, initial=initial)
    if form.is_valid():
        said = form.cleaned_data
        plan = run(
            form,
            lambda: offer_plan(
                viewer=viewer,
                account=account,
                line_ids=[UUID(each) for each in said["lines"]],
                count=said["count"],
                first_on=said["first_on"],
                every=said["every"],
            ),
        )
        if plan is not None:
            messages.success(
                request, _("The plan is offered. It begins once the payer agrees to it in the portal.")
            )
            return redirect("desk:client_agreements", client.id)
    return show(
        request, viewer, "plan_new", "clients",
        client=client, account=account, accounts=accounts, state=state, form=form,
        status=422 if form.errors else 200,
    )  # fmt: skip


@require_POST
@desk_view(Permission.TAKE_PAYMENTS)
def plan_withdraw(request: HttpRequest, viewer: StaffViewer, client_id: UUID, plan_id: UUID) -> HttpResponse:
    client, plan = access_client(viewer, client_id), access_plan(viewer, plan_id)
    return act(
        request, lambda: withdraw_plan(viewer=viewer, plan=plan), done=_("The offer is withdrawn."),
        back="desk:client_agreements", client_id=client.id,
    )  # fmt: skip


@require_POST
@desk_view(Permission.TAKE_PAYMENTS)
def agreement_hold(request: HttpRequest, viewer: StaffViewer, client_id: UUID, agreement_id: UUID) -> HttpResponse:
    """Put it on hold, or let it go on."""
    client, row = access_client(viewer, client_id), access_agreement(viewer, agreement_id)
    is_held = request.POST.get("held") == "yes"
    return act(
        request,
        lambda: hold_agreement(viewer=viewer, agreement=row, is_held=is_held),
        done=_("It is on hold: nothing is charged by it.")
        if is_held
        else _("It goes on. What was missed is announced to the payer first, then charged."),
        back="desk:client_agreements",
        client_id=client.id,
    )


@require_POST
@desk_view(Permission.TAKE_PAYMENTS)
def agreement_end(request: HttpRequest, viewer: StaffViewer, client_id: UUID, agreement_id: UUID) -> HttpResponse:
    client, row = access_client(viewer, client_id), access_agreement(viewer, agreement_id)
    return act(
        request,
        lambda: end_agreement(viewer=viewer, agreement=row),
        done=_("It is ended. Nothing more is charged."),
        back="desk:client_agreements", client_id=client.id,
    )  # fmt: skip


@require_POST
@desk_view(Permission.TAKE_PAYMENTS)
def charge_made_again(request: HttpRequest, viewer: StaffViewer, charge_id: UUID) -> HttpResponse:
    """Have a charge by rule that failed made again tomorrow; the payer is told today."""
    charge = access_charge(viewer, charge_id)
    try:
        again = charge_again(viewer=viewer, charge=charge)
    except UserError as error:
        messages.error(request, f"{error.message} {_('Nothing was charged.')}")
    else:
        _say_again(request, again)
    client_ids = read_ids(request.POST.getlist("client"))
    return redirect("desk:client_agreements", client_ids[0]) if client_ids else redirect("desk:inbox")


@require_POST
@desk_view(Permission.TAKE_PAYMENTS)
def charge_seen(request: HttpRequest, viewer: StaffViewer, charge_id: UUID) -> HttpResponse:
    """Somebody took note of a charge that did not come through: it leaves the inbox."""
    charge = access_charge(viewer, charge_id)
    mark_charge_seen(viewer=viewer, charge=charge)
    return redirect("desk:inbox")


@require_POST
@desk_view(Permission.TAKE_PAYMENTS)
def agreement_seen(request: HttpRequest, viewer: StaffViewer, agreement_id: UUID) -> HttpResponse:
    """Somebody took note of what the payer held or ended: it leaves the inbox."""
    mark_stop_seen(viewer=viewer, agreement=access_agreement(viewer, agreement_id))
    return redirect("desk:inbox")


def _say_again(request: HttpRequest, charge: Charge) -> None:
    amount = format_money(Money(charge.amount_minor, charge.currency))
    if charge.state == ChargeState.PLANNED:
        words = _("%(amount)s is charged on %(day)s. The payer gets a notice before.")
        messages.success(request, words % {"amount": amount, "day": day(charge.due_on)})
    else:
        messages.info(request, _("It did not fail, or somebody had it charged again already."))


def _say(request: HttpRequest, charge: Charge) -> None:
    amount = format_money(Money(charge.amount_minor, charge.currency))
    if charge.state == ChargeState.DONE:
        messages.success(request, _("%(amount)s is charged. The payer gets a receipt.") % {"amount": amount})
    elif charge.state == ChargeState.RUNNING:
        messages.info(request, _("Sent. The card processor has not answered yet; don't charge it again."))
    else:
        messages.error(request, f"{charge.words} {_('Nothing was charged.')}")
