"""Checks the viewer's right and builds the document, in one step; every view is audited.

A refusal is a NotFoundForViewer and a line of the security log. A payer sees invoices and receipts of their
account; the wording of services needs the right to see documents. A superbill always carries the diagnosis, so
it needs the right to see that as well.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import NoReturn, cast
from uuid import UUID

from paywell.accounts.types import Permission, StaffViewer
from paywell.audit.actions import record_view
from paywell.billing.models import Entry
from paywell.clients.types import PortalViewer
from paywell.core import clock
from paywell.core.errors import NotFoundForViewer
from paywell.core.security_log import access_refused
from paywell.documents.errors import DigestBroken
from paywell.documents.invoices import build_invoice
from paywell.documents.making_superbills import make_superbills
from paywell.documents.models import IssuedDocument
from paywell.documents.parts import with_logo
from paywell.documents.queries import OF_PAYMENTS, get_client_ids, load_issued, visible_to
from paywell.documents.receipts import (
    get_day_it_came_back,
    get_refunds,
    issue_hand_receipt,
    issue_receipt,
    issue_refund_receipt,
)
from paywell.documents.redact import redact, without_card
from paywell.documents.rights import Sight, Viewer, get_sight
from paywell.documents.types import (
    InvoiceDocument,
    Issued,
    Kind,
    ReceiptDocument,
    RefundDocument,
    SuperbillDocument,
)
from paywell.invoicing import access as invoicing_access
from paywell.invoicing.models import InvoiceLine
from paywell.payments import access as payments_access
from paywell.payments.link_history import find_link_hand_payment
from paywell.payments.models import Attempt, AttemptState, Refund, RefundState
from paywell.payments.pay_links import access_link_attempt
from paywell.payments.payer import LinkViewer


def access_invoice(viewer: Viewer, invoice_id: UUID) -> InvoiceDocument:
    """The invoice as this viewer may see it; voided ones too, marked. Raises NotFoundForViewer."""
    _check_staff(viewer, Kind.INVOICE, invoice_id, Permission.SEE_CLIENTS)
    invoice = invoicing_access.access_invoice(viewer, invoice_id)
    lines = list(InvoiceLine.objects.filter(practice=viewer.practice, invoice=invoice).order_by("position"))
    document = build_invoice(invoice, lines, get_sight(viewer, {line.client_id for line in lines}))
    document = with_logo(document, viewer.practice.id)
    _audit_view(viewer, Kind.INVOICE, invoice.id)
    return document


def access_superbill(viewer: Viewer, service_id: UUID) -> SuperbillDocument:
    """The superbill of one service. See `access_superbill_for`."""
    return access_superbill_for(viewer, [service_id])


def access_superbill_for(viewer: Viewer, service_ids: Sequence[UUID]) -> SuperbillDocument:
    """The superbill of these services of one client, issued when first asked for.

    Raises NotFoundForViewer and NoSuperbill as `making_superbills.make_superbills` does.
    """
    document = _show(viewer, make_superbills(viewer, service_ids)[0])
    for service_id in service_ids:
        _audit_view(viewer, Kind.SUPERBILL, service_id)
    return cast("SuperbillDocument", document)


def access_receipt(viewer: Viewer, attempt_id: UUID) -> ReceiptDocument:
    """The receipt of a payment, online or by hand, issued when first asked for. Raises NotFoundForViewer, also for
    an attempt that didn't succeed.

    Who may see it is the payments room's rule. A payer keeps the receipts of their own payments when a grant
    ends; the client's name and the wording then stay out.
    """
    _check_staff(viewer, Kind.RECEIPT, attempt_id, Permission.SEE_CLIENTS, Permission.SEE_MONEY)
    entry = payments_access.find_hand_payment(viewer, attempt_id)
    if entry is not None:
        document = _show(viewer, issue_hand_receipt(entry))
        _audit_view(viewer, Kind.RECEIPT, entry.id)
        return cast("ReceiptDocument", document)
    if isinstance(viewer, PortalViewer):
        attempt = payments_access.access_attempt(viewer, attempt_id)
    else:
        attempt = payments_access.access_payment(viewer, attempt_id)
    if attempt.state != AttemptState.SUCCEEDED:
        _refuse(viewer, Kind.RECEIPT, attempt_id, "not paid")
    document = _show(viewer, issue_receipt(attempt))
    _audit_view(viewer, Kind.RECEIPT, attempt.id)
    return cast("ReceiptDocument", document)


def list_refund_receipts(viewer: Viewer, refunds: Iterable[Refund]) -> dict[UUID, UUID]:
    """The receipt's id of each refund of a payment that the viewer may see, by the refund's id.

    Issued here where the worker has not come to it, as a payment's own is. A refund that came back keeps its
    receipt, which says so; one that is not done has none. One query, none where nothing went back.
    """
    done = [refund for refund in refunds if refund.state in (RefundState.DONE, RefundState.FAILED_LATE)]
    if not done:
        return {}
    found = _find_refund_receipts(viewer, done)
    missing = [refund for refund in done if refund.id not in found and refund.state == RefundState.DONE]
    if not missing:
        return found
    for refund in missing:
        issue_refund_receipt(refund)
    return _find_refund_receipts(viewer, done)


def _find_refund_receipts(viewer: Viewer, refunds: Iterable[Refund]) -> dict[UUID, UUID]:
    subjects = [refund.id for refund in refunds]
    rows = visible_to(viewer).filter(kind=Kind.REFUND.value, subject_id__in=subjects, corrects=None)
    return {subject: row for subject, row in rows.values_list("subject_id", "id") if subject is not None}


def access_link_receipt(viewer: LinkViewer, attempt_id: UUID) -> ReceiptDocument:
    """The receipt for whoever holds a pay link, of a payment by it or by hand: dates and amounts, no name and no
    service (product.md 1.6)."""
    entry = find_link_hand_payment(viewer, attempt_id)
    nothing = Sight(names=frozenset(), wordings=frozenset())
    if entry is not None:
        receipt = cast("ReceiptDocument", redact(load_issued(issue_hand_receipt(entry)), nothing))
        return replace(receipt, addressee=(), payer="", method_reference="")
    attempt = access_link_attempt(viewer, attempt_id)
    if attempt.state != AttemptState.SUCCEEDED:
        access_refused(viewer=viewer, kind=Kind.RECEIPT, target=attempt_id, reason="not paid")
        raise NotFoundForViewer
    document = cast("ReceiptDocument", redact(load_issued(issue_receipt(attempt)), nothing))
    today = clock.business_date(clock.now(), viewer.practice.timezone)
    return replace(document, addressee=(), payer="", refunds=get_refunds(attempt), as_of=today)


def access_issued(viewer: Viewer, document_id: UUID) -> Issued:
    """An issued document as it was issued, without what this viewer may not see.

    Raises NotFoundForViewer, and DigestBroken (with words for the screen) where what is stored has changed.
    """
    row = visible_to(viewer).filter(id=document_id).first()
    if row is None:
        _refuse(viewer, "issued document", document_id, "not theirs")
    document = _show(viewer, row)
    record_view(
        room="documents",
        practice_id=viewer.practice.id,
        actor_id=viewer.id,
        page=row.kind,
        target_kind="issued_document",
        target_id=row.id,
    )
    return document


def _show(viewer: Viewer, row: IssuedDocument) -> Issued:
    """What is kept, what stands beside it today, less what the viewer may not see."""
    try:
        document = load_issued(row)
    except DigestBroken:
        access_refused(viewer=viewer, kind=row.kind, target=row.id, reason="the digest does not fit")
        raise
    sight = get_sight(viewer, get_client_ids(row))
    document = redact(document, sight)
    if row.kind in OF_PAYMENTS and not sight.may_see_card(row.contact_id):
        document = without_card(document)
    if isinstance(document, ReceiptDocument) and row.subject_id is not None:
        document = _as_it_stands(row, document, row.subject_id)
    if isinstance(document, RefundDocument) and row.subject_id is not None:
        refund = Refund.objects.get(practice_id=row.practice_id, pk=row.subject_id)
        document = replace(document, came_back_on=get_day_it_came_back(refund, row.practice.timezone))
    return document


def _as_it_stands(row: IssuedDocument, document: ReceiptDocument, subject_id: UUID) -> ReceiptDocument:
    """The receipt with what went back since: refunds; of a payment by hand, that it was taken back."""
    zone = row.practice.timezone
    if document.method:
        entry = Entry.objects.get(practice_id=row.practice_id, pk=subject_id)
        reversed_on = clock.business_date(entry.reversed_at, zone) if entry.reversed_at else None
        return replace(document, reversed_on=reversed_on)
    attempt = Attempt.objects.select_related("practice").get(practice_id=row.practice_id, pk=subject_id)
    return replace(document, refunds=get_refunds(attempt), as_of=clock.business_date(clock.now(), zone))


def _check_staff(viewer: Viewer, kind: Kind, target: UUID | str, *needed: Permission) -> None:
    if isinstance(viewer, StaffViewer):
        for permission in needed:
            if not viewer.may(permission):
                _refuse(viewer, kind, target, f"role lacks {permission}")


def _refuse(viewer: Viewer, kind: str, target: UUID | str, reason: str) -> NoReturn:
    access_refused(viewer=viewer, kind=kind, target=target, reason=reason)
    raise NotFoundForViewer(f"{kind} {target}")


def _audit_view(viewer: Viewer, kind: Kind, target_id: UUID) -> None:
    target_kind = {Kind.INVOICE: "invoice", Kind.SUPERBILL: "service", Kind.RECEIPT: "attempt"}[kind]
    record_view(
        room="documents",
        practice_id=viewer.practice.id,
        actor_id=viewer.id,
        page=kind.value,
        target_kind=target_kind,
        target_id=target_id,
    )
