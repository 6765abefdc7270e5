"""Values that go in and out of the payment path."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from paywell.core.money import Money
from paywell.processors.contract import Style

#: Longest note, in characters (product.md 1.3).
NOTES_MAX = 500
#: Most services in one payment.
LINES_MAX = 200


class Closed(StrEnum):
    """Why online payment is not offered. Each has its words in the portal."""

    NO_PROCESSOR = "no_processor"
    PRACTICE_SWITCH = "practice_switch"
    CLIENT_SWITCH = "client_switch"
    NO_RIGHT = "no_right"
    PAUSED = "paused"  #: for a restore, or by hand: `core.closing`


@dataclass(frozen=True, slots=True)
class Availability:
    """Whether this viewer can pay online now, and how the window looks. `closed` is None when they can."""

    closed: Closed | None
    style: Style | None = None
    processor_account_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Summary:
    """What the home page says of the open account."""

    balance_due: Money
    credit: Money
    open_count: int
    oldest_on: date | None


@dataclass(frozen=True, slots=True)
class InvoicedLine:
    """One row of Documents: a service that was invoiced, whatever became of it."""

    line_id: UUID
    service_id: UUID
    invoice_id: UUID
    invoice_label: str
    client_name: str
    on: date
    wording: str  #: empty where the viewer may not see it
    amount: Money
    balance: Money
    is_voided: bool
    may_print_superbill: bool


@dataclass(frozen=True, slots=True)
class PayableLine:
    """One row of Make a Payment: what one account owes for one service."""

    line_id: UUID
    service_id: UUID
    invoice_id: UUID
    invoice_label: str
    client_id: UUID
    client_name: str
    on: date
    due_on: date | None
    wording: str
    clinician: str
    amount: Money
    paid: Money
    balance: Money
    held_by: UUID | None  #: the open attempt that holds it; then it can't be ticked
    may_pay: bool
    may_print_superbill: bool


@dataclass(frozen=True, slots=True)
class PayForm:
    """What the window's form said, parsed. Never trusted for an amount of several services."""

    attempt_id: UUID
    line_ids: tuple[UUID, ...]
    amount: Money | None  #: only for a single line; None means its whole balance
    notes: str = ""
    saved_card_id: UUID | None = None
    card_token: str = ""  #: single-use, from the processor's own fields (inline)
    #: What is to be paid of each line, in minor units, where the practice charges on a payer's behalf; else empty.
    shares: tuple[tuple[UUID, int], ...] = ()
    consent_version: str = ""  #: set when Save Card for Future Payments was ticked (inline)
    from_ip: str = ""  #: where the form came from, for the limit on declines; kept as a digest only


class Shown(StrEnum):
    """The statuses of Payment History, in the words of the screen."""

    PAID = "Paid"
    PROCESSING = "Processing"
    DECLINED = "Declined"
    REFUNDED = "Refunded"
    PARTLY_REFUNDED = "Partly refunded"
    DISPUTED = "Disputed"
    REVERSED = "Reversed"  #: entered by hand, and taken back: a check that bounced, a typing error


@dataclass(frozen=True, slots=True)
class PaidLine:
    """How much of a payment went to which service. `wording` is empty where the viewer may not see it."""

    line_id: UUID
    on: date
    wording: str
    amount: Money
    client_name: str
    invoice_id: UUID
    invoice_label: str
    service_id: UUID


@dataclass(frozen=True, slots=True)
class PaymentRow:
    """One row of Payment History and of the desk's incoming payments."""

    attempt_id: UUID  #: of a payment by hand, the entry's id
    at: datetime
    status: Shown
    amount: Money
    refunded: Money
    card_brand: str
    card_last4: str
    notes: str
    lines: tuple[PaidLine, ...]
    account_name: str
    payer_name: str
    decline: str
    has_receipt: bool
    method: str = ""  #: a billing.models.Method where it was entered by hand
    method_reference: str = ""  #: then: a check's number and the like
