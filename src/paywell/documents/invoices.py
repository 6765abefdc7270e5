"""Builds an invoice's document: what was frozen when it was issued, and what stands on it today."""

from __future__ import annotations

from datetime import date
from typing import Any
from uuid import UUID

from paywell.core import clock
from paywell.documents.parts import address_lines_of, get_paid, pay_to_lines, phone_text
from paywell.documents.rights import Sight
from paywell.documents.text import clean
from paywell.documents.types import InvoiceDocument, InvoiceItem, Letterhead, Setting
from paywell.invoicing.models import Invoice, InvoiceLine
from paywell.ledger.queries import get_line_balances


def build_invoice(invoice: Invoice, lines: list[InvoiceLine], sight: Sight) -> InvoiceDocument:
    """`lines` are all of the invoice's. Letterhead, addressee, lines and total come from `invoice.frozen`."""
    frozen = invoice.frozen
    practice = invoice.practice
    paid = get_paid(practice_id=practice.id, line_ids=[line.id for line in lines])
    owed = get_line_balances(practice_id=practice.id, line_ids=[line.id for line in lines])
    paid_minor = sum(paid.values())
    balance_minor = sum(owed.values())
    voided = invoice.voided_at is not None
    replacement = Invoice.objects.filter(practice=practice, replaces=invoice).first() if voided else None
    sender = frozen["practice"]
    clients = {str(line.id): line.client_id for line in lines}
    return InvoiceDocument(
        letterhead=Letterhead(
            name=clean(sender["name"]),
            address=address_lines_of(sender),
            phone=phone_text(sender["phone"]),
            email=clean(sender["email"]),
            accent=sender.get("accent") or practice.accent,
            notice=clean(sender.get("notice", ""), 600),
            pay_to=pay_to_lines(sender),
            pay_note=clean(sender.get("pay_to_note", "")),
            logo_digest=sender.get("logo_digest", ""),
        ),
        setting=Setting(
            locale=frozen.get("locale") or practice.locale,
            currency=frozen["currency"],
            paper=frozen.get("paper") or practice.paper,
        ),
        number=clean(frozen["label"]),
        addressee=(clean(frozen["addressee"]["name"]), *address_lines_of(frozen["addressee"])),
        issued_on=date.fromisoformat(frozen["issued_on"]),
        due_on=date.fromisoformat(frozen["due_on"]),
        tax_id=clean(sender.get("tax_id", "")),
        items=tuple(_item(line, clients[line["line_id"]], sight) for line in frozen["lines"]),
        total_minor=frozen["total_minor"],
        as_of=clock.business_date(clock.now(), practice.timezone),
        paid_minor=paid_minor,
        adjusted_minor=0 if voided else frozen["total_minor"] - paid_minor - balance_minor,
        balance_minor=balance_minor,
        voided_on=clock.business_date(invoice.voided_at, practice.timezone) if invoice.voided_at else None,
        replaces=clean(invoice.replaces.label) if invoice.replaces else "",
        replaced_by=clean(replacement.label) if replacement else "",
    )


def _item(line: dict[str, Any], client_id: UUID, sight: Sight) -> InvoiceItem:
    """One frozen line, without what the viewer may not see. Dates and amounts always stay: the sum must add up."""
    named, worded = client_id in sight.names, client_id in sight.wordings
    return InvoiceItem(
        on=date.fromisoformat(line["on"]),
        client=clean(line["client_name"]) if named else "",
        clinician=clean(line["clinician"]) if named else "",
        wording=clean(line["wording"]) if worded else "",
        code=clean(line["code"]) if worded else "",
        units=line["units"],
        amount_minor=line["amount_minor"],
    )
