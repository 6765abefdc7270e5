"""Pay links: made from an invoice, copied or sent by e-mail, listed, revoked."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from paywell.accounts.types import Permission, StaffViewer
from paywell.accounts.web import desk_view
from paywell.core.errors import UserError
from paywell.desk.access import access_contact
from paywell.desk.pages import act, page_of, show
from paywell.desk.queries.pay_links import list_link_rows
from paywell.invoicing.access import access_invoice
from paywell.payments.pay_links import access_staff_link, make_pay_link, revoke_pay_link, send_pay_link


@require_safe
@desk_view(Permission.TAKE_PAYMENTS)
def pay_links(request: HttpRequest, viewer: StaffViewer) -> HttpResponse:
    """Every link that still opens something."""
    return show(request, viewer, "pay_links", "invoices", page=list_link_rows(viewer, page_of(request)))


@require_POST
@desk_view(Permission.TAKE_PAYMENTS)
def pay_link_new(request: HttpRequest, viewer: StaffViewer, invoice_id: UUID) -> HttpResponse:
    invoice = access_invoice(viewer, invoice_id)
    try:
        make_pay_link(viewer=viewer, invoice=invoice)
    except UserError as error:
        messages.error(request, error.message)
    return redirect("desk:invoice", invoice_id)


@require_POST
@desk_view(Permission.TAKE_PAYMENTS)
def pay_link_send(request: HttpRequest, viewer: StaffViewer, link_id: UUID, contact_id: UUID) -> HttpResponse:
    link = access_staff_link(viewer, link_id)
    contact = access_contact(viewer, contact_id)
    done = _("The link is on its way to %(name)s.") % {"name": contact.name}
    return act(
        request, lambda: send_pay_link(viewer=viewer, link=link, contact=contact), done=done, back="desk:invoice",
        invoice_id=link.invoice_id,
    )  # fmt: skip


@require_POST
@desk_view(Permission.TAKE_PAYMENTS)
def pay_link_revoke(request: HttpRequest, viewer: StaffViewer, link_id: UUID) -> HttpResponse:
    link = access_staff_link(viewer, link_id)
    done = _("The link opens nothing any more. A payment that has begun goes on.")
    where = {"invoice_id": link.invoice_id} if request.POST.get("from") == "invoice" else {}
    back = "desk:invoice" if where else "desk:pay_links"
    return act(request, lambda: revoke_pay_link(viewer=viewer, link=link), done=done, back=back, **where)
