"""One payment: its result, its present state, and the way back from the processor's page."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.functional import Promise
from django.views.decorators.http import require_POST, require_safe
from django.views.defaults import page_not_found

from paywell.accounts.web import never_store
from paywell.billing.models import Entry
from paywell.clients.access import switch_account
from paywell.clients.types import PortalViewer
from paywell.clients.web import portal_view
from paywell.core.errors import NotFoundForViewer, UserError
from paywell.core.money import Money
from paywell.documents.access import list_refund_receipts
from paywell.payments.access import access_attempt, find_hand_payment, find_other_account
from paywell.payments.actions import cancel_attempt, check_attempt, return_from_processor
from paywell.payments.availability import get_availability
from paywell.payments.disputes import tell_dispute
from paywell.payments.machine import OPEN
from paywell.payments.models import Attempt, AttemptState
from paywell.payments.pay_links import make_token
from paywell.payments.queries import get_payment, get_summary
from paywell.portal.stepping import get_step_address, render_step
from paywell.portal.words import REFUNDS, STILL_OPEN, explain_decline, name_method
from paywell.processors.contract import Style
from paywell.processors.registry import CONNECTORS

S = AttemptState

#: What the page shows for each state: paid, declined, unfinished, checking, not_paid.
SCREENS: Final[dict[str, str]] = {
    S.SUCCEEDED: "paid",
    S.DECLINED: "declined",
    S.AWAITING_ACTION: "unfinished",
    S.CREATED: "checking",
    S.SUBMITTING: "checking",
    S.PROCESSING: "checking",
    S.UNKNOWN: "checking",
    S.IN_REVIEW: "in_review",
    S.FAILED: "not_paid",
    S.CANCELED: "not_paid",
    S.EXPIRED: "not_paid",
}


@dataclass(frozen=True, slots=True)
class RefundLine:
    """A refund as its payer sees it."""

    at: datetime
    amount: Money
    words: str | Promise
    receipt_id: UUID | None


@require_safe
@portal_view
def payment(request: HttpRequest, viewer: PortalViewer, attempt_id: UUID) -> HttpResponse:
    """The result, and for ever the payment's own page. Opening it asks the processor while it is open.

    A payment on another account of the same person (who switched meanwhile) opens that account.
    """
    account_id = find_other_account(viewer, attempt_id)
    if account_id is not None:
        switch_account(request, account_id)
        return redirect("portal:payment", attempt_id)
    entry = find_hand_payment(viewer, attempt_id)
    if entry is not None:
        return _by_hand(request, viewer, entry)
    attempt = access_attempt(viewer, attempt_id)
    if attempt.state in OPEN:
        attempt = check_attempt(attempt=attempt)
    row = get_payment(viewer, attempt)
    is_inline = CONNECTORS[attempt.processor_account.connector].style is Style.INLINE
    context = {
        "viewer": viewer,
        "nav": "history",
        "attempt": attempt,
        "row": row,
        "screen": SCREENS[attempt.state],
        "card": name_method(row),
        "refunds": list_refund_lines(attempt, viewer),
        "dispute": tell_dispute(viewer.practice.id, [attempt.id]) if attempt.disputed else "",
        "is_bank_check": is_inline,
        "card_not_kept": is_inline and attempt.consent_version and attempt.saved_card_id is None,
        "is_own": attempt.contact_id == viewer.contact.id,
        "decline": explain_decline(row.decline),
        "step_address": get_step_address(attempt, reverse("portal:payment", args=[attempt.id])),
        "balance": get_summary(viewer).balance_due,
        "may_try_again": get_availability(viewer).closed is None,
        "several_clients": len(viewer.rights) > 1,
    }
    return render(request, "portal/payment.html", context)


def list_refund_lines(attempt: Attempt, viewer: PortalViewer | None) -> list[RefundLine]:
    """What went back of the payment or is on its way, each with its receipt for a viewer in the portal. One query,
    two where any is done.

    A refund that the processor refused is none of it: nothing was said of it, and nothing moved.
    """
    rows = list(attempt.refunds.filter(practice=attempt.practice_id, state__in=REFUNDS).order_by("created_at"))
    receipts = list_refund_receipts(viewer, rows) if viewer else {}
    return [
        RefundLine(
            row.closed_at or row.created_at,
            Money(row.amount_minor, row.currency),
            REFUNDS[row.state],
            receipts.get(row.id),
        )
        for row in rows
    ]


def _by_hand(request: HttpRequest, viewer: PortalViewer, entry: Entry) -> HttpResponse:
    """A payment that the practice entered: it has no processor and nothing to wait for."""
    row = get_payment(viewer, entry)
    context = {
        "viewer": viewer,
        "nav": "history",
        "entry": entry,
        "row": row,
        "method": name_method(row),
        "credit": row.amount - sum((line.amount for line in row.lines), Money(0, entry.currency)),
        "balance": get_summary(viewer).balance_due,
        "several_clients": len(viewer.rights) > 1,
    }
    return render(request, "portal/payment_by_hand.html", context)


@require_safe
@portal_view
def payment_step(request: HttpRequest, viewer: PortalViewer, attempt_id: UUID) -> HttpResponse:
    """On to the processor's page, for the person who began the payment; everybody else sees the payment's page."""
    attempt = access_attempt(viewer, attempt_id)
    if attempt.contact_id != viewer.contact.id:
        return redirect("portal:payment", attempt.id)
    back = reverse("portal:payment", args=[attempt.id])
    return render_step(request, attempt, layout="core/layouts/portal.html", back=back, context={"viewer": viewer})


@require_safe
@portal_view
def payment_status(request: HttpRequest, viewer: PortalViewer, attempt_id: UUID) -> JsonResponse:
    """Whether the payment's page would now show something else. Asked every few seconds while it is open."""
    attempt = access_attempt(viewer, attempt_id)
    if attempt.state in OPEN:
        attempt = check_attempt(attempt=attempt)
    screen = SCREENS[attempt.state]
    return JsonResponse({"screen": screen, "done": screen != "checking"})


@require_POST
@portal_view
def payment_cancel(request: HttpRequest, viewer: PortalViewer, attempt_id: UUID) -> HttpResponse:
    """Give up a payment that waits for the payer. The processor is told first."""
    attempt = access_attempt(viewer, attempt_id)
    try:
        attempt = cancel_attempt(viewer=viewer, attempt=attempt)
    except UserError as error:
        messages.error(request, error.message)
    else:
        if attempt.state == S.AWAITING_ACTION:
            messages.info(request, STILL_OPEN)
    return redirect("portal:payment", attempt.id)


@require_safe
def come_back(request: HttpRequest, attempt_id: UUID, signature: str) -> HttpResponse:
    """The address to which the processor sends people back. Needs no session, shows nothing, leads on.

    Somebody who is signed out meanwhile signs in first and then sees the result.
    """
    try:
        attempt: Attempt = return_from_processor(attempt_id=attempt_id, signature=signature)
    except NotFoundForViewer as refusal:
        return page_not_found(request, refusal)
    # Whoever came by a pay link has no session to lead back to: their page is under the link.
    link = attempt.pay_link
    response = (
        redirect("paylink:payment", make_token(link), attempt.id)
        if link
        else redirect("portal:payment", attempt.id)
    )
    response.status_code = 303
    never_store(response)
    return response
