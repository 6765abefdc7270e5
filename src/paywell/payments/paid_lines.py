"""What a payment covered, line by line: the same for one through the processor and one by hand."""

from __future__ import annotations

from typing import Any, Final

from paywell.clients.models import name_client
from paywell.core.money import Money
from paywell.payments.types import PaidLine

#: Read of every row that joins a payment to a line (`AttemptLine`, `EntryLine`), for `make_paid_line`.
PAID_LINE_COLUMNS: Final = (
    "line_id", "amount_minor", "line__on", "line__wording", "line__currency", "line__client_id", "line__service_id",
    "line__invoice_id", "line__invoice__label", "line__client__preferred_name", "line__client__legal_first_name",
    "line__client__legal_last_name",
)  # fmt: skip


def make_paid_line(row: Any, worded: frozenset[Any] | None) -> PaidLine:
    """From a row with PAID_LINE_COLUMNS; worded for the clients in `worded`, None is all."""
    return PaidLine(
        line_id=row.line_id,
        on=row.line__on,
        wording=row.line__wording if worded is None or row.line__client_id in worded else "",
        amount=Money(row.amount_minor, row.line__currency),
        client_name=name_client(
            row.line__client__preferred_name, row.line__client__legal_first_name, row.line__client__legal_last_name
        ),
        invoice_id=row.line__invoice_id,
        invoice_label=row.line__invoice__label,
        service_id=row.line__service_id,
    )
