"""The acts that empty the inbox: payments seen, refunds approved or not."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST

from paywell.accounts.types import Permission, StaffViewer
from paywell.accounts.web import desk_view
from paywell.core.money import Money, format_money
from paywell.desk.pages import decide
from paywell.notifications.unreached import mark_told
from paywell.payments.actions import refund_payment
from paywell.payments.approvals import access_request, decide_request, get_stage
from paywell.payments.models import RefundState
from paywell.payments.seen import mark_seen


@require_POST
@desk_view(Permission.TAKE_PAYMENTS)
def payments_seen(request: HttpRequest, viewer: StaffViewer) -> HttpResponse:
    """One payment, or all that are in the inbox."""
    ids = _read_ids(request, "payment")
    count = mark_seen(viewer=viewer, attempt_ids=ids)
    if len(ids) != 1:
        text = ngettext("%(count)s payment left the inbox.", "%(count)s payments left the inbox.", count)
        messages.success(request, text % {"count": count})
    return redirect("desk:inbox")


@require_POST
@desk_view(Permission.EDIT_CLIENTS)
def unreached_told(request: HttpRequest, viewer: StaffViewer) -> HttpResponse:
    """Staff told one account, or all that are in the inbox, in another way than by e-mail."""
    count = mark_told(viewer=viewer, delivery_ids=_read_ids(request, "delivery"))
    text = ngettext("%(count)s entry left the inbox.", "%(count)s entries left the inbox.", count)
    messages.success(request, text % {"count": count})
    return redirect("desk:inbox")


def _read_ids(request: HttpRequest, field: str) -> list[UUID]:
    """Ids of what the form names; none where one of them is no id."""
    try:
        return [UUID(each) for each in request.POST.getlist(field)]
    except ValueError:
        return []


@require_http_methods(["GET", "HEAD", "POST"])
@desk_view(Permission.REFUND)
def refund_request(request: HttpRequest, viewer: StaffViewer, request_id: UUID) -> HttpResponse:
    """A refund that waits for a second person. Nothing is sent before; whoever asked can take it back."""
    wanted = access_request(viewer, request_id)

    def do(is_approved: bool) -> HttpResponse:
        decide_request(viewer=viewer, request=wanted, is_approved=is_approved)
        if not is_approved:
            messages.success(request, _("The refund is declined. Nothing was sent."))
            return redirect("desk:inbox")
        amount = Money(wanted.amount_minor, wanted.currency)
        done = refund_payment(
            viewer=viewer, attempt=wanted.attempt, amount=amount, reason=wanted.reason, refund_id=wanted.id
        )
        if done.state == RefundState.FAILED:
            messages.error(request, _("The processor refused the refund. No money went back."))
        else:
            messages.success(request, _("%(amount)s goes back to the card.") % {"amount": format_money(amount)})
        return redirect("desk:payment", wanted.attempt_id)

    return decide(request, viewer, "refund_request", wanted, do, stage=get_stage(wanted))
