"""What an invoice prints, frozen when it is issued, and its digest."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict
from datetime import date
from typing import Any, Final

from paywell.clients.models import BillingAccount
from paywell.invoicing.models import InvoiceLine
from paywell.practice.models import Location, Practice
from paywell.practice.remittance import get_pay_to

#: Raised when the shape below changes; documents read every shape that was ever written.
VERSION: Final = 1


def freeze_invoice(
    *,
    practice: Practice,
    account: BillingAccount,
    lines: Sequence[InvoiceLine],
    number: int,
    label: str,
    issued_on: date,
    due_on: date,
    location: Location | None = None,
) -> dict[str, Any]:
    """The printed data as plain JSON: letterhead, addressee, terms, lines, total. Amounts in minor units.

    An SSN that serves as tax number is never on an invoice; an EIN is. Payments are sent where `location` says.
    """
    return {
        "version": VERSION,
        "kind": "invoice",
        "number": number,
        "label": label,
        "issued_on": issued_on.isoformat(),
        "due_on": due_on.isoformat(),
        "terms_days": practice.payment_terms_days,
        "currency": account.currency,
        "locale": practice.locale,
        "paper": practice.paper,
        "total_minor": sum(line.amount_minor for line in lines),
        "practice": freeze_letterhead(practice, location),
        "addressee": {
            "name": account.name,
            **asdict(account.mail_address),
        },
        "lines": [_freeze_line(line) for line in lines],
    }


def freeze_letterhead(practice: Practice, location: Location | None = None) -> dict[str, str]:
    """Who sends the document, and where payments go for services at `location`."""
    return {
        "name": practice.name,
        "street": practice.street,
        "city": practice.city,
        "state": practice.state,
        "postal_code": practice.postal_code,
        "phone": practice.phone,
        "email": practice.email,
        "npi": practice.npi,
        "tax_id": practice.tax_id if practice.tax_id_kind == "EIN" else "",
        "accent": practice.accent,
        "logo_digest": practice.logo_digest,
        "notice": practice.part2_notice if practice.is_part2_program else "",
        **get_pay_to(practice, location),
    }


def _freeze_line(line: InvoiceLine) -> dict[str, Any]:
    service = line.service
    return {
        "line_id": str(line.id),
        "service_id": str(service.id),
        "client_name": service.client.name,
        "on": line.on.isoformat(),
        "code": service.code,
        "wording": line.wording,
        "kind": service.kind,
        "units": service.units,
        "clinician": line.clinician_name,
        "fee_minor": service.fee_minor,
        "insurer_minor": service.insurer_minor,
        "amount_minor": line.amount_minor,
    }


def get_digest(frozen: dict[str, Any]) -> str:
    """SHA-256 of the canonical JSON: sorted keys, no blanks, UTF-8."""
    canonical = json.dumps(frozen, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(canonical.encode()).hexdigest()
