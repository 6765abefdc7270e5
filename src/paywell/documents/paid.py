"""What was paid for services, and when and how: box 29 of the CMS-1500, and the proof that insurers ask for."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Final
from uuid import UUID

from paywell.care.models import Service
from paywell.core import clock
from paywell.core.db import apart
from paywell.core.prepared import Prepared
from paywell.documents.movements import NOT_MONEY
from paywell.documents.types import SuperbillPayment
from paywell.invoicing.models import InvoiceLine
from paywell.ledger.models import AccountKind, Transfer
from paywell.practice.models import Practice

#: The word for what stands on the other side. A card's number is left out: it may be another payer's.
_METHODS: Final = {
    AccountKind.CLEARING: "card",
    AccountKind.CASH: "cash or check",
    AccountKind.BANK: "bank transfer",
    AccountKind.CLIENT_CREDIT: "credit on account",
}

_LINES = Prepared(
    lambda practice, services: (
        InvoiceLine.objects.alias(of=apart("practice_id"))
        .filter(of=practice, service_id__in=services)
        .values_list("id", "service_id")
    )
)
#: Without an order: SQLite would walk through all transfers of the practice in that order, looking for the lines.
_TRANSFERS = Prepared(
    lambda practice, lines: (
        Transfer.objects.filter(practice_id=practice, line_id__in=lines)
        .order_by()
        .values_list("line_id", "at", "effective_on", "amount_minor", "debit__kind", "credit__kind", "id")
    )
)


@dataclass(slots=True)
class Paid:
    """All in minor units."""

    of_service: dict[UUID, int] = field(default_factory=dict)  #: over all its payers
    parts: list[tuple[UUID, date, str, int]] = field(default_factory=list)  #: service, day, method, amount

    def proof(self, service_ids: Iterable[UUID]) -> tuple[SuperbillPayment, ...]:
        """By day and method; what was paid back on a day stands as a negative amount."""
        wanted, sums = set(service_ids), dict[tuple[date, str], int]()
        for service_id, on, method, minor in self.parts:
            if service_id in wanted:
                sums[on, method] = sums.get((on, method), 0) + minor
        return tuple(SuperbillPayment(on, method, minor) for (on, method), minor in sorted(sums.items()) if minor)


def get_payments_of(practice: Practice, services: Sequence[Service]) -> Paid:
    """From the transfers of the services' invoice lines. Two queries."""
    lines = dict(_LINES(practice=practice.id, services=[service.id for service in services]))
    paid = Paid()
    rows = sorted(_TRANSFERS(practice=practice.id, lines=list(lines)), key=lambda row: (row[1], row[-1]))
    for line_id, at, came_on, amount, debit, credit, _id in rows:
        if credit == AccountKind.RECEIVABLE:
            other, minor = debit, amount
        elif debit == AccountKind.RECEIVABLE:
            other, minor = credit, -amount
        else:
            continue
        if line_id is None or (other in NOT_MONEY and other != AccountKind.CLIENT_CREDIT):
            continue
        service_id = lines[line_id]
        paid.of_service[service_id] = paid.of_service.get(service_id, 0) + minor
        method = _METHODS.get(AccountKind(other), "other")
        paid.parts.append((service_id, came_on or clock.business_date(at, practice.timezone), method, minor))
    return paid
