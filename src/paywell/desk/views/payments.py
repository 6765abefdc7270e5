"""Incoming payments: the list, one with its story, checking it, refunding it, closing a review."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from paywell.accounts.types import Permission, StaffViewer
from paywell.accounts.web import desk_view
from paywell.core.errors import NotFoundForViewer
from paywell.core.ids import new_id
from paywell.core.money import Money, format_money, format_plain
from paywell.desk.forms.billing import PaymentFilter, RefundForm, ReviewForm
from paywell.desk.pages import page_of, query_of, run, show, succeeds
from paywell.desk.queries.payments import (
    STATUS_FILTERS,
    find_named_payments,
    get_detail,
    get_hand_detail,
    get_refundable,
    list_payments,
)
from paywell.desk.review_words import say_review
from paywell.desk.views.ids import read_ids
from paywell.documents.access import access_receipt
from paywell.documents.web import in_grade, page_response, pdf_response
from paywell.payments.access import access_payment, find_hand_payment
from paywell.payments.actions import check_attempt, find_refund, refund_payment
from paywell.payments.approvals import needs_approval, request_refund
from paywell.payments.decisions import decide_review, list_decisions
from paywell.payments.machine import OPEN
from paywell.payments.models import Attempt, RefundState, Review
from paywell.payments.reviews import access_review, close_review


@require_safe
@desk_view(Permission.SEE_MONEY)
def payments(request: HttpRequest, viewer: StaffViewer) -> HttpResponse:
    form = PaymentFilter(request.GET)
    date_from, date_to = form.days()
    only = request.GET.get("show", "all")
    method = form.method()
    page = list_payments(
        viewer, show=only, date_from=date_from, date_to=date_to, method=method, page=page_of(request)
    )
    return show(
        request, viewer, "payments", "payments",
        page=page, form=form, only=only if only in STATUS_FILTERS else "all",
        is_narrowed=bool(date_from or date_to or method or only != "all"), query=query_of(request),
    )  # fmt: skip


@require_safe
@desk_view(Permission.SEE_MONEY)
def payment(request: HttpRequest, viewer: StaffViewer, attempt_id: UUID) -> HttpResponse:
    """The payment with its story. Opening it asks the processor while it is open."""
    entry = find_hand_payment(viewer, attempt_id)
    if entry is not None:
        return show(request, viewer, "payment_by_hand", "payments", **get_hand_detail(viewer, entry))
    attempt = access_payment(viewer, attempt_id)
    if attempt.state in OPEN:
        check_attempt(attempt=attempt)
        attempt = access_payment(viewer, attempt_id)
    return show(request, viewer, "payment", "payments", detail=get_detail(viewer, attempt))


@require_POST
@desk_view(Permission.TAKE_PAYMENTS)
def payment_check(request: HttpRequest, viewer: StaffViewer, attempt_id: UUID) -> HttpResponse:
    """Ask the processor now."""
    before = access_payment(viewer, attempt_id)
    after = check_attempt(attempt=before)
    if after.state == before.state:
        messages.info(request, _("Checked just now. The processor has no other answer yet."))
    else:
        messages.success(request, _("Checked just now: the payment moved on."))
    return redirect("desk:payment", attempt_id)


@require_http_methods(["GET", "HEAD", "POST"])
@desk_view(Permission.REFUND)
def refund(request: HttpRequest, viewer: StaffViewer, attempt_id: UUID) -> HttpResponse:
    """First how much and why; then the same once more in words, with the button that does it."""
    attempt = access_payment(viewer, attempt_id)
    refund_id = _read_id(request.POST.get("refund", ""))
    sent = find_refund(viewer=viewer, attempt=attempt, refund_id=refund_id) if refund_id else None
    if sent is not None:
        _say_refunded(request, sent.state, format_money(Money(sent.amount_minor, sent.currency)))
        return redirect("desk:payment", attempt.id)
    left = get_refundable(viewer, attempt)
    form = RefundForm(request.POST if request.method == "POST" else None, left=left, initial={"amount": left})
    if form.is_valid():
        # The same confirmation sent again finds less to refund than it showed, and only asks once more.
        is_sure = request.POST.get("step") == "refund" and request.POST.get("left") == format_plain(left)
        waits = needs_approval(attempt, form.cleaned_data["amount"])
        if not is_sure or refund_id is None:
            return _page(request, viewer, "refund_confirm", attempt, left, form, waits=waits)
        if waits:
            return _ask_for_approval(request, viewer, attempt, form, refund_id)
        done = run(
            form,
            lambda: refund_payment(
                viewer=viewer,
                attempt=attempt,
                amount=form.cleaned_data["amount"],
                reason=form.cleaned_data["reason"],
                refund_id=refund_id,
            ),
        )
        if done is not None:
            _say_refunded(request, done.state, format_money(form.cleaned_data["amount"]))
            return redirect("desk:payment", attempt.id)
    return _page(request, viewer, "refund", attempt, left, form)


def _ask_for_approval(
    request: HttpRequest, viewer: StaffViewer, attempt: Attempt, form: RefundForm, refund_id: UUID
) -> HttpResponse:
    """Above the practice's amount: somebody else decides, and only then anything is sent."""
    said = form.cleaned_data
    wanted = run(
        form,
        lambda: request_refund(
            viewer=viewer, attempt=attempt, amount=said["amount"], reason=said["reason"], request_id=refund_id
        ),
    )
    if wanted is None:
        return _page(request, viewer, "refund", attempt, get_refundable(viewer, attempt), form)
    messages.success(request, _("Somebody else has to approve it now; it waits in their inbox. Nothing was sent."))
    return redirect("desk:payment", attempt.id)


@require_safe
@desk_view(Permission.SEE_MONEY)
def receipt(request: HttpRequest, viewer: StaffViewer, attempt_id: UUID) -> HttpResponse:
    document = access_receipt(viewer, attempt_id)
    if request.resolver_match and request.resolver_match.url_name == "receipt_pdf":
        return pdf_response(in_grade(request, document))
    return page_response(
        request, document,
        pdf_url=reverse("desk:receipt_pdf", args=[attempt_id]), back_url=reverse("desk:payment", args=[attempt_id]),
    )  # fmt: skip


@require_http_methods(["GET", "HEAD", "POST"])
@desk_view(Permission.REFUND)
def review_close(request: HttpRequest, viewer: StaffViewer, review_id: UUID) -> HttpResponse:
    """A person says what was found, and what came of a payment that waits for it; then it leaves the inbox."""
    review = access_review(viewer, review_id)
    if review.closed_at is not None:
        raise NotFoundForViewer
    form = ReviewForm(request.POST if request.method == "POST" else None, decisions=list_decisions(review))
    if form.is_valid() and succeeds(form, lambda: _close(viewer, review, form)):
        messages.success(request, _("The review is closed."))
        return redirect("desk:inbox")
    return show(
        request, viewer, "review_close", "inbox",
        review=review, words=say_review(review.kind), form=form, **_get_sources(viewer, review),
        status=422 if form.errors else 200,
    )  # fmt: skip


def _get_sources(viewer: StaffViewer, review: Review) -> dict[str, object]:
    """Where to read more: the payment, which the check of the books names, and whether it was that check."""
    is_of_books = review.kind.startswith("books_law_")
    about = review.dedupe.partition(":")[2]
    named = find_named_payments(viewer, read_ids([about])).get(about) if is_of_books else None
    return {"payment_id": review.attempt_id or named, "is_of_books": is_of_books}


def _close(viewer: StaffViewer, review: Review, form: ReviewForm) -> Review:
    note, decision = form.cleaned_data["reason"], form.decision_made
    if decision is None:
        return close_review(viewer=viewer, review=review, note=note)
    return decide_review(viewer=viewer, review=review, decision=decision, note=note)


def _page(
    request: HttpRequest,
    viewer: StaffViewer,
    template: str,
    attempt: Attempt,
    left: object,
    form: RefundForm,
    *,
    waits: bool = False,
) -> HttpResponse:
    return show(
        request, viewer, template, "payments",
        attempt=attempt, left=left, form=form, refund_id=new_id(), waits=waits, status=422 if form.errors else 200,
    )  # fmt: skip


def _read_id(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def _say_refunded(request: HttpRequest, state: str, amount: str) -> None:
    if state == RefundState.DONE:
        messages.success(request, _("%(amount)s is refunded to the card.") % {"amount": amount})
    elif state == RefundState.FAILED:
        messages.error(request, _("The processor refused the refund. No money went back."))
    else:
        messages.info(
            request,
            _("The refund of %(amount)s is on its way. Its result will show here. Don't send it again.")
            % {"amount": amount},
        )
