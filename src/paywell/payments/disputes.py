"""What a payer is told of a dispute at the bank."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from paywell.payments.models import Dispute


def tell_dispute(practice_id: UUID, attempts: Any) -> str:
    """`open` while a bank looks into one of these payments, `lost` once it gave the money back, else empty.

    One that the practice won is as if it had never been. One query.
    """
    rows = Dispute.objects.filter(practice_id=practice_id, attempt__in=attempts).exclude(status="won")
    states = set(rows.values_list("status", flat=True))
    return "open" if "open" in states else "lost" if states else ""
