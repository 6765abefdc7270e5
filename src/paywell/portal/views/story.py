"""Why do I owe this: the story of one service, and the client's question about it."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from paywell.billing.questions import TEXT_MAX, ask_question, list_questions
from paywell.clients.types import PortalViewer
from paywell.clients.web import portal_view
from paywell.core.errors import NotFoundForViewer, UserError
from paywell.core.security_log import access_refused
from paywell.invoicing.models import InvoiceLine
from paywell.payments.availability import get_availability
from paywell.payments.story import tell_lines


@require_http_methods(["GET", "HEAD", "POST"])
@portal_view
def why(request: HttpRequest, viewer: PortalViewer, line_id: UUID) -> HttpResponse:
    """From the fee to the balance in a few lines; below it what was asked, or the form to ask."""
    line = _access_line(viewer, line_id)
    error: UserError | None = None
    if request.method == "POST":
        try:
            ask_question(viewer=viewer, line_id=line.id, text=request.POST.get("text", ""))
        except UserError as caught:
            error = caught
        else:
            messages.success(
                request,
                _(
                    "Your question is with the practice. No reminder comes for this service, and nothing is "
                    "charged by itself, until it is answered."
                ),
            )
            return redirect("portal:why", line.id)
    story = tell_lines(viewer.practice.id, [line], card_of=viewer.contact.id)[0]
    questions = list_questions(viewer.practice.id, line.id)
    context = {
        "viewer": viewer,
        "nav": "pay",
        "zone": viewer.practice.timezone,
        "line": line,
        "wording": line.wording if line.client_id in viewer.document_client_ids else "",
        "story": story,
        "questions": questions,
        "is_asked": any(question.answered_at is None for question in questions),
        "may_pay": get_availability(viewer).closed is None and line.client_id in viewer.payable_client_ids,
        "several_clients": len(viewer.rights) > 1,
        "error": error,
        "typed": request.POST.get("text", ""),
        "text_max": TEXT_MAX,
    }
    return render(request, "portal/why.html", context, status=422 if error else 200)


def _access_line(viewer: PortalViewer, line_id: UUID) -> InvoiceLine:
    """A line of the open account about a client of the viewer's."""
    line = (
        InvoiceLine.objects.filter(
            practice=viewer.practice, account=viewer.account, client_id__in=viewer.client_ids, id=line_id
        )
        .select_related("service", "client", "invoice")
        .first()
    )
    if line is None:
        access_refused(viewer=viewer, kind="invoice line", target=line_id, reason="not theirs")
        raise NotFoundForViewer
    return line
