"""Make a Payment: the list, the window, and its form."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from paywell.accounts.web import client_ip
from paywell.billing.questions import get_asked_at
from paywell.clients.types import PortalViewer
from paywell.clients.web import portal_view
from paywell.core.errors import UserError
from paywell.core.money import Money, format_plain
from paywell.payments import errors, processor_accounts
from paywell.payments.actions import start_payment
from paywell.payments.availability import get_availability
from paywell.payments.cards import ListedCard, list_usable_cards
from paywell.payments.forms import new_form_id
from paywell.payments.models import Attempt, AttemptState
from paywell.payments.payer import Payer
from paywell.payments.queries import get_lines, list_payable
from paywell.payments.types import NOTES_MAX, Availability, PayableLine
from paywell.portal.forms import NEW_CARD, parse_amount, read_lines, read_page, read_pay_form
from paywell.portal.policy import allow_processor
from paywell.portal.stepping import get_step_address
from paywell.portal.words import CLOSED, CONSENT_VERSION, CONSENTS
from paywell.processors.contract import Processor, Style

#: Errors after which the same form can't be sent again: the page gets a new id.
_NEEDS_NEW_FORM = {"stale_form", "form_reused"}
#: Errors that mean: these services can't be paid as chosen. The list shows why.
_CHOOSE_AGAIN = {"nothing_chosen", "too_many_lines", "already_paid", "voided", "being_paid"}


@require_safe
@portal_view
def pay(request: HttpRequest, viewer: PortalViewer) -> HttpResponse:
    availability = get_availability(viewer)
    if availability.closed is not None:
        return _closed(request, viewer, availability)
    page = list_payable(viewer, read_page(request.GET))
    rows = list(page.rows)
    kept = _kept(viewer, request.GET.getlist("line"), {row.line_id for row in rows})
    context = {
        "viewer": viewer,
        "nav": "pay",
        "page": page,
        "rows": rows,
        "kept": kept,
        "ticked": {*request.GET.getlist("line"), *(_all(rows) if request.GET.get("all") else ())},
        "several_clients": len(viewer.rights) > 1,
        "asked": get_asked_at(viewer.practice.id, [row.line_id for row in rows]),
        "can_tick": any(_can_tick(row) for row in rows),
    }
    processor = get_processor(viewer)
    context["fields"] = processor.fields() if processor else None
    response = render(request, "portal/pay.html", context)
    return allow_processor(response, processor.hosts()) if processor else response


@require_safe
@portal_view
def pay_window(request: HttpRequest, viewer: PortalViewer) -> HttpResponse:
    """The window: a fragment for the dialog, or a page of its own. Makes the form's id, starts nothing."""
    availability = get_availability(viewer)
    if availability.closed is not None:
        return _closed(request, viewer, availability)
    try:
        lines = get_lines(viewer, read_lines(viewer, request.GET.getlist("line")))
        check_payable(lines)
    except UserError as error:
        messages.error(request, error.message)
        return redirect("portal:pay")
    return _window(request, viewer, availability, lines)


@require_POST
@portal_view
def pay_start(request: HttpRequest, viewer: PortalViewer) -> HttpResponse:
    """Start the payment and lead on: to the processor's step, or to the result. Errors show the window again."""
    availability = get_availability(viewer)
    if availability.closed is not None or availability.style is None:
        return _closed(request, viewer, availability)
    try:
        form = read_pay_form(viewer, request.POST, availability.style)
        attempt = start_payment(viewer=viewer, form=replace(form, from_ip=client_ip(request)))
    except UserError as error:
        if error.code == "payments_closed":
            return _closed(request, viewer, get_availability(viewer))
        if error.code in _CHOOSE_AGAIN:
            messages.error(request, error.message)
            return redirect("portal:pay")
        lines = get_lines(viewer, read_lines(viewer, request.POST.getlist("line")))
        return _window(request, viewer, availability, lines, error)
    return lead_on(attempt, availability.style, reverse("portal:payment", args=[attempt.id]))


def lead_on(attempt: Attempt, style: Style, payment_url: str) -> HttpResponse:
    """To the processor's step, or to the result. 303, so that reloading what follows never sends the form again."""
    if style is Style.TWO_STEP and attempt.state == AttemptState.AWAITING_ACTION and attempt.step_url:
        return HttpResponse(status=303, headers={"Location": get_step_address(attempt, payment_url)})
    response = redirect(payment_url)
    response.status_code = 303
    return response


def _window(
    request: HttpRequest,
    viewer: PortalViewer,
    availability: Availability,
    lines: Sequence[PayableLine],
    error: UserError | None = None,
) -> HttpResponse:
    """The window, filled with what was typed where there was an error."""
    processor = get_processor(viewer)
    if processor is None:
        return _closed(request, viewer, availability)
    context = {
        "viewer": viewer,
        "nav": "pay",
        "start_url": reverse("portal:pay_start"),
        "back_url": reverse("portal:pay"),
        **window_context(request.POST, viewer, availability, processor, lines, error),
    }
    is_fragment = request.method == "GET" and request.headers.get("X-Paywell-Fragment") == "window"
    template = "portal/_window.html" if is_fragment else "portal/window.html"
    response = render(request, template, context | {"is_fragment": is_fragment}, status=422 if error else 200)
    return allow_processor(response, processor.hosts())


def window_context(
    typed: QueryDict,
    viewer: Payer,
    availability: Availability,
    processor: Processor,
    lines: Sequence[PayableLine],
    error: UserError | None,
) -> dict[str, Any]:
    """What `_window.html` needs beside viewer and addresses: the same for the portal and for a pay link."""
    fields = processor.fields()
    return {
        "lines": lines,
        "several_clients": len(viewer.rights) > 1,
        "is_test": processor.is_test,
        "fields": fields,
        "fields_config": json.dumps(dict(fields.config)) if fields else "",
        "error": error,
        "keeps_cards": viewer.contact_id is not None,
        **_amount_context(typed, lines, viewer.account.currency),
        **_form_context(typed, viewer, availability, error),
    }


def _amount_context(typed: QueryDict, lines: Sequence[PayableLine], currency: str) -> dict[str, Any]:
    """One service: what was typed, else its balance. Several: their sum, whatever was typed."""
    total = sum((line.balance for line in lines), Money(0, currency))
    is_single = len(lines) == 1
    amount = typed.get("amount") if is_single else None
    return {
        "is_single": is_single,
        "total": total,
        "amount": format_plain(total) if amount is None else amount,
        "shown_amount": total if amount is None else _read_amount(amount, total),
    }


def _form_context(
    typed: QueryDict, viewer: Payer, availability: Availability, error: UserError | None
) -> dict[str, Any]:
    """The form's id, the cards, the notes. After most errors it is still the same form."""
    is_inline = availability.style is Style.INLINE
    cards: list[ListedCard] = []
    if is_inline and availability.processor_account_id is not None and isinstance(viewer, PortalViewer):
        cards = list_usable_cards(viewer, availability.processor_account_id)
    is_new_form = error is None or error.code in _NEEDS_NEW_FORM
    return {
        "form_id": new_form_id(viewer) if is_new_form else typed.get("form", ""),
        "is_inline": is_inline,
        "cards": cards,
        "chosen": typed.get("card") or _preferred(cards),
        "new_card": NEW_CARD,
        "save_card": typed.get("save_card") is not None,
        "consent": CONSENTS[CONSENT_VERSION],
        "consent_version": CONSENT_VERSION,
        "notes": typed.get("notes", ""),
        "notes_max": NOTES_MAX,
    }


def _closed(request: HttpRequest, viewer: PortalViewer, availability: Availability) -> HttpResponse:
    """The page that answers in place of everything under Make a Payment while a switch is off."""
    closed = availability.closed
    words = CLOSED[closed] if closed else next(iter(CLOSED.values()))
    return render(request, "portal/closed.html", {"viewer": viewer, "nav": "pay", "words": words})


def get_processor(viewer: Payer) -> Processor | None:
    account = processor_accounts.get_active(viewer.practice.id)
    return processor_accounts.make_processor(account) if account else None


def check_payable(lines: Sequence[PayableLine]) -> None:
    """What the list would not let one tick is not shown in a window either. `start_payment` checks again."""
    if any(line.held_by for line in lines):
        raise errors.being_paid()
    if any(line.balance.minor <= 0 for line in lines):
        raise errors.already_paid()
    if not all(line.may_pay for line in lines):
        raise errors.payments_closed()


def _can_tick(row: PayableLine) -> bool:
    return row.may_pay and row.held_by is None


def _all(rows: Sequence[PayableLine]) -> set[str]:
    return {str(row.line_id) for row in rows if _can_tick(row)}


def _kept(viewer: PortalViewer, values: Sequence[str], shown: set[UUID]) -> list[PayableLine]:
    """Services ticked on another page of the list: they stay chosen while one turns pages."""
    try:
        elsewhere = [line_id for line_id in read_lines(viewer, values) if line_id not in shown]
    except UserError:
        return []
    return [line for line in get_lines(viewer, elsewhere) if _can_tick(line)] if elsewhere else []


def _preferred(cards: Sequence[ListedCard]) -> str:
    """The first card that has not expired (the default stands first), else a new one."""
    return next((str(card.id) for card in cards if not card.is_expired), NEW_CARD)


def _read_amount(typed: str, balance: Money) -> Money | None:
    """What the button would take; None while that can't be."""
    try:
        amount = parse_amount(typed, balance.currency)
    except UserError:
        return None
    return amount if amount <= balance else None
