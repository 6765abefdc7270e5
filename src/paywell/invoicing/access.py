"""Fetch and check in one step. A refusal is a NotFoundForViewer and a line of the security log."""

from __future__ import annotations

from uuid import UUID

from paywell.accounts.types import Permission, StaffViewer
from paywell.clients.access import clients_of
from paywell.clients.types import PortalViewer
from paywell.core.errors import NotFoundForViewer
from paywell.core.security_log import access_refused
from paywell.invoicing.models import Invoice, InvoiceLine


def access_invoice(viewer: PortalViewer | StaffViewer, invoice_id: UUID) -> Invoice:
    """The invoice, if it is this viewer's to see.

    In the portal: an invoice to the open account whose every line is of a client whom the person has a grant for
    (two clients can share an account, and a grant may be for one of them). At the desk: one of the practice's; for
    a clinician, one that has a line of an own client.
    """
    invoice = (
        Invoice.objects.filter(practice=viewer.practice, id=invoice_id)
        .select_related("account", "practice")
        .first()
    )
    reason = _why_not(viewer, invoice)
    if invoice is None or reason:
        access_refused(viewer=viewer, kind="invoice", target=invoice_id, reason=reason or "no such invoice")
        raise NotFoundForViewer(f"invoice {invoice_id}")
    return invoice


def _why_not(viewer: PortalViewer | StaffViewer, invoice: Invoice | None) -> str:
    if invoice is None:
        return "no such invoice in the practice"
    lines = InvoiceLine.objects.filter(practice=viewer.practice, invoice=invoice)
    if isinstance(viewer, PortalViewer):
        if invoice.account_id != viewer.account.id:
            return "another account"
        if lines.exclude(client_id__in=viewer.client_ids).exists():
            return "a client without a grant"
        return ""
    if not viewer.may(Permission.SEE_MONEY):
        return "role"
    return "" if lines.filter(client__in=clients_of(viewer)).exists() else "not an own client"
