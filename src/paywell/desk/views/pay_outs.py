"""A second person's word above the practice's amount: credit that goes out, a payment by hand taken back."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from paywell.accounts.types import Permission, StaffViewer
from paywell.accounts.web import desk_view
from paywell.billing.models import EntryKind, Method
from paywell.billing.pay_outs import access_pay_out, decide_pay_out, get_pay_out_stage
from paywell.billing.take_backs import access_take_back, decide_take_back, get_take_back_stage
from paywell.core.money import Money, format_money
from paywell.desk.pages import decide
from paywell.desk.views.entries import enter
from paywell.desk.words import METHOD_WORDS


@require_http_methods(["GET", "HEAD", "POST"])
@desk_view(Permission.REFUND)
def credit_pay_out(request: HttpRequest, viewer: StaffViewer, client_id: UUID) -> HttpResponse:
    """Up to the practice's amount it is entered at once; above it, somebody else is asked."""
    return enter(request, viewer, client_id, [EntryKind.CREDIT_OUT])


@require_http_methods(["GET", "HEAD", "POST"])
@desk_view(Permission.REFUND)
def pay_out(request: HttpRequest, viewer: StaffViewer, pay_out_id: UUID) -> HttpResponse:
    """A pay-out that waits for a second person. Nothing is entered before; whoever asked can take it back."""
    wanted = access_pay_out(viewer, pay_out_id)

    def do(is_approved: bool) -> HttpResponse:
        decide_pay_out(viewer=viewer, request=wanted, is_approved=is_approved)
        if is_approved:
            words = _("%(amount)s of credit is recorded as paid out. It can be handed over now.")
            messages.success(request, words % {"amount": format_money(Money(wanted.amount_minor, wanted.currency))})
        else:
            messages.success(request, _("The pay-out is declined. Nothing was entered."))
        return redirect("desk:inbox")

    return decide(
        request, viewer, "pay_out", wanted, do,
        stage=get_pay_out_stage(wanted), method=METHOD_WORDS[Method(wanted.method)],
        client=wanted.account.clients.order_by("created_at").first(),
    )  # fmt: skip


@require_http_methods(["GET", "HEAD", "POST"])
@desk_view(Permission.REFUND)
def take_back(request: HttpRequest, viewer: StaffViewer, take_back_id: UUID) -> HttpResponse:
    """A payment by hand that somebody wants to take back. It stands before a second person's word."""
    wanted = access_take_back(viewer, take_back_id)

    def do(is_approved: bool) -> HttpResponse:
        decide_take_back(viewer=viewer, request=wanted, is_approved=is_approved)
        if is_approved:
            messages.success(request, _("It is taken back. The ledger shows both."))
        else:
            messages.success(request, _("The payment stands. Nothing was changed."))
        return redirect("desk:inbox")

    return decide(
        request, viewer, "take_back", wanted, do,
        stage=get_take_back_stage(wanted), method=METHOD_WORDS[Method(wanted.entry.method)],
    )  # fmt: skip
