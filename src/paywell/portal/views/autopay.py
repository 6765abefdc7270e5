"""AutoPay, charges by the practice and payment plans: what the payer agrees to, holds and ends."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from paywell.agreements import errors
from paywell.agreements.agree import accept_plan, end_agreement, hold_agreement, make_agreement
from paywell.agreements.chargeable import find_processor_obstacle
from paywell.agreements.models import Agreement, AgreementKind, Charge, ChargeState
from paywell.agreements.queries import (
    access_agreement,
    access_plan,
    find_obstacles,
    list_agreements,
    list_charges,
    list_plans,
)
from paywell.agreements.wording import CURRENT, WORDINGS
from paywell.clients.types import PortalViewer
from paywell.clients.web import portal_view
from paywell.core.errors import NotFoundForViewer, UserError
from paywell.core.money import Money, parse_money
from paywell.ledger.queries import get_line_balances
from paywell.payments import processor_accounts
from paywell.payments.availability import get_availability
from paywell.payments.cards import list_usable_cards
from paywell.portal.forms import read_ids

#: What can be agreed to by the payer alone; plans are offered by the practice.
_OFFERED = {"autopay": AgreementKind.AUTOPAY, "staff": AgreementKind.STAFF}


@require_safe
@portal_view
def autopay(request: HttpRequest, viewer: PortalViewer) -> HttpResponse:
    return _page(request, viewer)


@require_POST
@portal_view
def autopay_agree(request: HttpRequest, viewer: PortalViewer, kind: str) -> HttpResponse:
    """The payer's yes, in the words that stand on the page."""
    if kind not in _OFFERED:
        raise NotFoundForViewer
    said = _Said(viewer, request.POST, with_limits=True)
    if said.charge_limit is None or said.problems:
        return _page(request, viewer, said.problems, at=kind)
    try:
        make_agreement(
            viewer=viewer,
            kind=_OFFERED[kind],
            card_id=said.card_id,
            charge_limit=said.charge_limit,
            month_limit=said.month_limit,
            includes_old=request.POST.get("old") == "yes",
            is_agreed=said.is_agreed,
        )
    except UserError as error:
        return _page(request, viewer, [error], at=kind)
    done = _("AutoPay is on.") if kind == "autopay" else _("The practice may charge this card within your limit.")
    messages.success(request, done)
    return redirect("portal:autopay")


@require_POST
@portal_view
def plan_accept(request: HttpRequest, viewer: PortalViewer, plan_id: UUID) -> HttpResponse:
    plan = access_plan(viewer, plan_id)
    said = _Said(viewer, request.POST, with_limits=False)
    if said.problems:
        return _page(request, viewer, said.problems, at=str(plan.id))
    try:
        accept_plan(viewer=viewer, plan=plan, card_id=said.card_id, is_agreed=said.is_agreed)
    except UserError as error:
        return _page(request, viewer, [error], at=str(plan.id))
    messages.success(request, _("You agreed to the plan. A notice comes the day before each installment."))
    return redirect("portal:autopay")


@require_POST
@portal_view
def autopay_hold(request: HttpRequest, viewer: PortalViewer, agreement_id: UUID) -> HttpResponse:
    """Put it on hold, or let it go on."""
    agreement = access_agreement(viewer, agreement_id)
    is_held = request.POST.get("held") == "yes"
    try:
        hold_agreement(viewer=viewer, agreement=agreement, is_held=is_held)
    except UserError as error:
        messages.error(request, error.message)
    else:
        messages.success(request, _("It is on hold. Nothing is charged.") if is_held else _say_next(agreement))
    return redirect("portal:autopay")


@require_POST
@portal_view
def autopay_end(request: HttpRequest, viewer: PortalViewer, agreement_id: UUID) -> HttpResponse:
    end_agreement(viewer=viewer, agreement=access_agreement(viewer, agreement_id))
    messages.success(request, _("It is ended. Nothing more is charged by it."))
    return redirect("portal:autopay")


def _say_next(agreement: Agreement) -> str:
    if agreement.kind == AgreementKind.PLAN:
        return _(
            "It goes on. A missed installment comes first, one a week at most, each with a notice the day before."
        )
    if agreement.kind == AgreementKind.AUTOPAY:
        return _("It goes on. What is due meanwhile is charged next, with a notice the day before.")
    return _("It goes on.")


def _page(
    request: HttpRequest, viewer: PortalViewer, problems: Sequence[UserError] = (), *, at: str = ""
) -> HttpResponse:
    active = processor_accounts.get_active(viewer.practice.id)
    cards = [card for card in list_usable_cards(viewer, active.id) if not card.is_expired] if active else []
    is_possible = not find_processor_obstacle(active)
    agreements = [row for row in list_agreements(viewer, viewer.account.id) if row.ended_at is None]
    live = {row.kind: row for row in agreements}
    context: dict[str, Any] = {
        "viewer": viewer,
        "nav": "autopay",
        "zone": viewer.practice.timezone,
        "is_possible": is_possible and bool(viewer.payable_client_ids),
        "cards": cards,
        "autopay": live.get(AgreementKind.AUTOPAY),
        "staff": live.get(AgreementKind.STAFF),
        "obstacles": find_obstacles(agreements),
        "plans": list_plans(viewer, viewer.account.id),
        "charges": _charge_rows(viewer),
        "may_pay": get_availability(viewer).closed is None,
        "wordings": {kind.value: WORDINGS[version] for kind, version in CURRENT.items()},
        "problems": problems,
        "wrong": {error.field or "": error.message for error in problems},
        "at": at,
        "typed": request.POST if problems else {},
    }
    return render(request, "portal/autopay.html", context, status=422 if problems else 200)


@dataclass(frozen=True, slots=True)
class ChargeRow:
    """An automatic charge as its payer sees it."""

    charge: Charge
    services: list[tuple[date, str, Money]]  #: day, wording where they may read it, and how much was announced
    is_still_owed: bool  #: it was not made, something of it is left to pay, and no other charge of it is announced


def _charge_rows(viewer: PortalViewer) -> list[ChargeRow]:
    charges = list_charges(viewer, viewer.account.id, 12)
    coming = {
        each.line_id
        for charge in charges
        if charge.state in (ChargeState.PLANNED, ChargeState.RUNNING)
        for each in charge.lines.all()
    }
    missed = {
        charge.id: [each.line_id for each in charge.lines.all() if each.line_id not in coming]
        for charge in charges
        if charge.state in (ChargeState.FAILED, ChargeState.SKIPPED)
    }
    owed = get_line_balances(
        practice_id=viewer.practice.id, line_ids=[one for ids in missed.values() for one in ids]
    )
    return [
        ChargeRow(
            charge,
            [
                (
                    each.line.on,
                    each.line.wording if each.line.client_id in viewer.document_client_ids else "",
                    Money(each.amount_minor, charge.currency),
                )
                for each in charge.lines.all()
                if each.line.client_id in viewer.client_ids
            ],
            any(owed.get(line_id, 0) > 0 for line_id in missed.get(charge.id, ())),
        )
        for charge in charges
    ]


class _Said:
    """What the form by which a payer agrees said, and all that is wrong with it at once, from its top."""

    def __init__(self, viewer: PortalViewer, data: QueryDict, *, with_limits: bool) -> None:
        self.problems: list[UserError] = []
        self.card_id = _read_card(viewer, data)
        self.charge_limit: Money | None = None
        self.month_limit: Money | None = None
        self.is_agreed = data.get("agree") == "yes"
        if self.card_id is None:
            self.problems.append(errors.card_missing())
        if with_limits:
            self.charge_limit = self._read_limit(viewer, data, "limit")
            self.month_limit = self._read_limit(viewer, data, "month_limit") if data.get("month_limit") else None
            if self.charge_limit is not None and self.month_limit is not None:
                self._note(errors.month_below_charge(), self.month_limit < self.charge_limit)
        self._note(errors.not_agreed(), not self.is_agreed)

    def _note(self, error: UserError, is_so: bool) -> None:
        if is_so:
            self.problems.append(error)

    def _read_limit(self, viewer: PortalViewer, data: QueryDict, name: str) -> Money | None:
        try:
            return parse_money(data.get(name, ""), viewer.account.currency)
        except UserError as error:
            self.problems.append(UserError(error.message, code=error.code, field=name))
            return None


def _read_card(viewer: PortalViewer, data: QueryDict) -> UUID | None:
    chosen = data.get("card", "")
    return read_ids(viewer, [chosen], "card")[0] if chosen else None
