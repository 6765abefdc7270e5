"""Paying by a pay link: the same window and the same result, without an account and without a cookie.

The token in the address is the whole authority, so there is no session to forge a request in: these views need no
CSRF token. They show dates and amounts; no client, no clinician, no service.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from functools import wraps
from http import HTTPStatus
from typing import Any
from uuid import UUID

from allauth.core import ratelimit
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from paywell.accounts.web import View, client_ip, never_store
from paywell.core import clock
from paywell.core.db import scope_to_practice
from paywell.core.errors import NotFoundForViewer, UserError
from paywell.core.money import Money
from paywell.documents.access import access_link_receipt
from paywell.documents.web import pdf_response
from paywell.payments.actions import cancel_attempt, check_attempt, start_payment
from paywell.payments.availability import get_availability
from paywell.payments.card_names import name_card
from paywell.payments.disputes import tell_dispute
from paywell.payments.jobs import send_asked_links
from paywell.payments.link_history import find_replacement, tell_link
from paywell.payments.machine import OPEN
from paywell.payments.models import PayLink
from paywell.payments.pay_links import InvoiceTakenBack, access_link_attempt, access_pay_link, make_token
from paywell.payments.payer import LinkViewer
from paywell.payments.queries import get_lines, get_payment
from paywell.payments.types import PayableLine
from paywell.portal.forms import read_lines, read_pay_form
from paywell.portal.policy import allow_processor
from paywell.portal.stepping import get_step_address, render_step
from paywell.portal.views.pay import check_payable, get_processor, lead_on, window_context
from paywell.portal.views.payment import SCREENS, list_refund_lines
from paywell.portal.words import CLOSED, explain_decline
from paywell.processors.contract import Style
from paywell.processors.registry import CONNECTORS


def link_view(view: View) -> View:
    """`view(request, viewer, ...)` for whoever holds a good link. Any other token gets one and the same page."""

    @csrf_exempt
    @wraps(view)
    def wrapped(request: HttpRequest, token: str, *args: Any, **kwargs: Any) -> HttpResponseBase:
        try:
            viewer = access_pay_link(token)
            scope_to_practice(viewer.practice.id)
            request.viewer = viewer  # type: ignore[attr-defined]
            response = view(request, viewer, *args, **kwargs)
        except InvoiceTakenBack as void:
            response = _taken_back(request, void.link)
        except NotFoundForViewer:
            response = render(request, "portal/link_over.html", status=404)
        # The address is the key: no page that is opened from here may learn it.
        response["Referrer-Policy"] = "no-referrer"
        return never_store(response)

    return wrapped


@require_safe
@link_view
def open_link(request: HttpRequest, viewer: LinkViewer) -> HttpResponse:
    """What is open on the invoice, and the form to pay it: all of it, or the one line that `?line=` names."""
    lines = _lines(viewer)
    if not any(line.balance.minor > 0 for line in lines):
        return _show(request, viewer, "link_paid", lines=lines, story=tell_link(viewer))
    if (running := _running(viewer, lines)) is not None:
        return _show(request, viewer, "link_busy", lines=lines, running=running)
    if get_availability(viewer).closed is not None:
        return _closed(request, viewer)
    chosen = [line for line in lines if line.balance.minor > 0 and line.may_pay]
    if request.GET.get("line"):
        chosen = get_lines_of(viewer, request.GET.getlist("line")[:1])
    try:
        check_payable(chosen)
    except UserError as error:
        return _show(request, viewer, "link_busy", lines=lines, running=None, error=error)
    return _window(request, viewer, chosen)


@require_POST
@link_view
def start(request: HttpRequest, viewer: LinkViewer) -> HttpResponse:
    """Start the payment and lead on: to the processor's step, or to the result."""
    availability = get_availability(viewer)
    if availability.closed is not None or availability.style is None:
        return _closed(request, viewer)
    try:
        form = read_pay_form(viewer, request.POST, availability.style)
        # A card is kept for a person. Nobody is signed in here.
        form = replace(form, consent_version="", saved_card_id=None, from_ip=client_ip(request))
        attempt = start_payment(viewer=viewer, form=form)
    except UserError as error:
        if error.code in ("nothing_chosen", "too_many_lines", "already_paid", "voided", "being_paid"):
            return redirect("paylink:open", make_token(viewer.link))
        if error.code == "link_over":
            raise NotFoundForViewer from error
        return _window(request, viewer, get_lines_of(viewer, request.POST.getlist("line")), error)
    return lead_on(attempt, availability.style, _payment_url(viewer, attempt.id))


@require_safe
@link_view
def payment(request: HttpRequest, viewer: LinkViewer, attempt_id: UUID) -> HttpResponse:
    """The result, for as long as the link is good. Opening it asks the processor while the payment is open."""
    attempt = access_link_attempt(viewer, attempt_id)
    if attempt.state in OPEN:
        attempt = check_attempt(attempt=attempt)
    row = get_payment(viewer, attempt)
    return _show(
        request, viewer, "link_payment",
        attempt=attempt, row=row, screen=SCREENS[attempt.state],
        card=name_card(row.card_brand, row.card_last4), decline=explain_decline(row.decline),
        is_bank_check=CONNECTORS[attempt.processor_account.connector].style is Style.INLINE,
        balance=_due(viewer), refunds=list_refund_lines(attempt, None),
        dispute=tell_dispute(viewer.practice.id, [attempt.id]) if attempt.disputed else "",
        step_address=get_step_address(attempt, _payment_url(viewer, attempt.id)),
    )  # fmt: skip


@require_safe
@link_view
def payment_step(request: HttpRequest, viewer: LinkViewer, attempt_id: UUID) -> HttpResponse:
    """On to the processor's page."""
    attempt = access_link_attempt(viewer, attempt_id)
    back = _payment_url(viewer, attempt.id)
    context = {"viewer": viewer, "token": make_token(viewer.link)}
    return render_step(request, attempt, layout="portal/link_base.html", back=back, context=context)


@require_safe
@link_view
def payment_status(request: HttpRequest, viewer: LinkViewer, attempt_id: UUID) -> JsonResponse:
    """Whether the payment's page would now show something else."""
    attempt = access_link_attempt(viewer, attempt_id)
    if attempt.state in OPEN:
        attempt = check_attempt(attempt=attempt)
    screen = SCREENS[attempt.state]
    return JsonResponse({"screen": screen, "done": screen != "checking"})


@require_POST
@link_view
def payment_cancel(request: HttpRequest, viewer: LinkViewer, attempt_id: UUID) -> HttpResponse:
    """Give up a payment that waits for the payer. The processor is told first."""
    attempt = access_link_attempt(viewer, attempt_id)
    with suppress(UserError):  # The page that follows shows what became of it.
        cancel_attempt(viewer=viewer, attempt=attempt)
    return redirect(_payment_url(viewer, attempt.id))


@require_safe
@link_view
def receipt_pdf(request: HttpRequest, viewer: LinkViewer, attempt_id: UUID) -> HttpResponse:
    """Proof of payment with dates and amounts. The full receipt waits in the portal."""
    return pdf_response(access_link_receipt(viewer, attempt_id))


@csrf_exempt
@require_http_methods(["GET", "HEAD", "POST"])
def ask(request: HttpRequest) -> HttpResponseBase:
    """For those who can't sign in, with all cookies blocked for instance: links to what is open, by e-mail.

    The answer is the same whether the address is anybody's or not.
    """
    email = request.POST.get("email", "").strip()
    error = False
    if request.method == "POST":
        try:
            validate_email(email)
        except ValidationError:
            error = True
        else:
            if not ratelimit.consume(request, action="pay_links", key=email.lower()):
                return never_store(render(request, "429.html", status=429))
            send_asked_links.enqueue(email)
            return never_store(render(request, "portal/link_asked.html"))
    return never_store(
        render(request, "portal/link_ask.html", {"email": email, "error": error}, status=422 if error else 200)
    )


def get_lines_of(viewer: LinkViewer, values: Sequence[str]) -> list[PayableLine]:
    """Chosen lines of the link's own invoice, without what tells of care. Raises NotFoundForViewer for others."""
    ids = read_lines(viewer, values)
    if not set(ids) <= viewer.line_ids:
        raise NotFoundForViewer
    return [_plain(line) for line in get_lines(viewer, ids)]


def _lines(viewer: LinkViewer) -> list[PayableLine]:
    return [_plain(line) for line in get_lines(viewer, viewer.line_ids)]


def _plain(line: PayableLine) -> PayableLine:
    return replace(line, clinician="", wording="", client_name="")


def _due(viewer: LinkViewer) -> Money:
    return sum((line.balance for line in _lines(viewer)), Money(0, viewer.account.currency))


def _running(viewer: LinkViewer, lines: Sequence[PayableLine]) -> str | None:
    """The address of an open payment of this link on one of the lines; empty where somebody else's holds them."""
    held = {line.held_by for line in lines if line.held_by is not None}
    if not held:
        return None
    own = viewer.link.attempts.filter(pk__in=held).values_list("pk", flat=True).first()
    return _payment_url(viewer, own) if own else ""


def _window(
    request: HttpRequest, viewer: LinkViewer, lines: Sequence[PayableLine], error: UserError | None = None
) -> HttpResponse:
    processor = get_processor(viewer)
    availability = get_availability(viewer)
    if processor is None or availability.closed is not None:
        return _closed(request, viewer)
    window = window_context(request.POST, viewer, availability, processor, lines, error)
    every = [line for line in _lines(viewer) if line.balance.minor > 0]
    start_url = reverse("paylink:start", args=[make_token(viewer.link)])
    status = 422 if error else 200
    response = _show(
        request, viewer, "link", status=status, start_url=start_url, every=every, story=tell_link(viewer),
        **window,
    )  # fmt: skip
    return allow_processor(response, processor.hosts())


def _taken_back(request: HttpRequest, link: PayLink) -> HttpResponse:
    """What whoever kept the link of a void invoice needs to know: nothing is owed on it, and what replaces it."""
    scope_to_practice(link.practice_id)
    context = {
        "viewer": {"practice": link.practice}, "token": make_token(link), "invoice": link.invoice,
        "on": clock.business_date(link.invoice.voided_at or clock.now(), link.practice.timezone),
        "replacement": find_replacement(link.invoice),
    }  # fmt: skip
    return render(request, "portal/link_void.html", context, status=HTTPStatus.GONE)


def _closed(request: HttpRequest, viewer: LinkViewer) -> HttpResponse:
    words = CLOSED[get_availability(viewer).closed or next(iter(CLOSED))]
    return _show(request, viewer, "link_closed", words=words)


def _show(
    request: HttpRequest, viewer: LinkViewer, template: str, *, status: int = 200, **context: Any
) -> HttpResponse:
    frame = {"token": make_token(viewer.link), "invoice": viewer.link.invoice, "is_fragment": False}
    return render(request, f"portal/{template}.html", {"viewer": viewer} | frame | context, status=status)


def _payment_url(viewer: LinkViewer, attempt_id: UUID) -> str:
    return reverse("paylink:payment", args=[make_token(viewer.link), attempt_id])
