"""Builds receipts: proof of one payment, with the five facts that an HSA or FSA audit asks for.

Those are client, clinician, date of service, description and amount (the last but one only where the viewer has
the right to it).
"""

from __future__ import annotations

from uuid import UUID

from paywell.core import clock
from paywell.documents.parts import address_lines, letterhead, setting
from paywell.documents.rights import Sight
from paywell.documents.text import clean
from paywell.documents.types import ReceiptDocument, ReceiptItem, ReceiptRefund
from paywell.payments.models import Attempt, AttemptLine, RefundState


def build_receipt(attempt: Attempt, lines: list[AttemptLine], sight: Sight) -> ReceiptDocument:
    """`attempt` is a payment (it succeeded); `lines` are all of its lines, with invoice line and client."""
    practice = attempt.practice
    zone = practice.timezone
    card = sight.may_see_card(attempt.contact_id)
    payer = attempt.contact.name if attempt.contact else attempt.account.name
    refunds = attempt.refunds.filter(practice=practice, state=RefundState.DONE).order_by("created_at")
    return ReceiptDocument(
        letterhead=letterhead(practice),
        setting=setting(practice, attempt.currency),
        number=attempt.reference,
        addressee=(clean(attempt.account.name), *address_lines(attempt.account)),
        paid_on=clock.business_date(attempt.closed_at or attempt.created_at, zone),
        payer=clean(payer),
        card_brand=clean(attempt.card_brand) if card else "",
        card_last4=attempt.card_last4 if card else "",
        items=tuple(_item(line, line.line.client_id, sight) for line in lines),
        amount_minor=attempt.amount_minor,
        refunds=tuple(
            ReceiptRefund(
                on=clock.business_date(refund.closed_at or refund.created_at, zone),
                amount_minor=refund.amount_minor,
            )
            for refund in refunds
        ),
        as_of=clock.business_date(clock.now(), zone),
        is_test=not attempt.processor_account.live_mode,
    )


def _item(line: AttemptLine, client_id: UUID, sight: Sight) -> ReceiptItem:
    named = client_id in sight.names
    return ReceiptItem(
        on=line.line.on,
        client=clean(line.line.client.name) if named else "",
        clinician=clean(line.line.clinician_name) if named else "",
        wording=clean(line.line.wording) if client_id in sight.wordings else "",
        invoice=clean(line.line.invoice.label),
        amount_minor=line.amount_minor,
    )
