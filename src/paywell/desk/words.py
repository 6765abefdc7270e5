"""What the desk says: permissions, events of a payment, set-up gaps, audit events."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from paywell.accounts.types import Permission
from paywell.billing.models import EntryKind, Method
from paywell.payments.decisions import Decision
from paywell.payments.models import AttemptState, RefundState
from paywell.payments.types import Shown
from paywell.processors.contract import Decline

Text = str | Promise

PERMISSION_WORDS: Final[Mapping[Permission, Text]] = {
    Permission.SEE_DESK: _("Open the desk"),
    Permission.SEE_CLIENTS: _("See clients and services"),
    Permission.SEE_DIAGNOSES: _("See diagnoses and superbills"),
    Permission.SEE_MONEY: _("See balances, invoices and payments"),
    Permission.EDIT_CLIENTS: _("Change clients and who has access"),
    Permission.RECORD_SERVICES: _("Record services and diagnoses"),
    Permission.ISSUE_INVOICES: _("Issue and void invoices, adjust and write off"),
    Permission.TAKE_PAYMENTS: _("Record payments, apply credit, check payments at the processor"),
    Permission.REFUND: _("Refund payments, take entries back, close reviews"),
    Permission.CHANGE_SETTINGS: _("Change settings, staff and the processor"),
    Permission.SEE_AUDIT: _("See the whole audit trail, the delivery log and the status"),
}

#: The sign and color of each status of a payment.
STATUS_TONES: Final[Mapping[Shown, str]] = {
    Shown.PAID: "good",
    Shown.PROCESSING: "wait",
    Shown.DECLINED: "bad",
    Shown.REFUNDED: "back",
    Shown.PARTLY_REFUNDED: "back",
    Shown.DISPUTED: "warn",
    Shown.REVERSED: "info",
}
STATUS_WORDS: Final[Mapping[Shown, Text]] = {
    Shown.PAID: _("Paid"),
    Shown.PROCESSING: _("Processing"),
    Shown.DECLINED: _("Declined"),
    Shown.REFUNDED: _("Refunded"),
    Shown.PARTLY_REFUNDED: _("Partly refunded"),
    Shown.DISPUTED: _("Disputed"),
    Shown.REVERSED: _("Reversed"),
}

#: How a payment by hand was made.
METHOD_WORDS: Final[Mapping[str, Text]] = {
    Method.CASH: _("Cash"),
    Method.CHECK: _("Check"),
    Method.CARD: _("Card outside Paywell"),
    Method.BANK: _("Bank transfer"),
}

#: What became of a payment at each step; and its tone.
STATE_WORDS: Final[Mapping[str, tuple[Text, str]]] = {
    AttemptState.CREATED: (_("The payment was started."), "info"),
    AttemptState.AWAITING_ACTION: (_("Waiting for the payer to finish at the card processor."), "wait"),
    AttemptState.SUBMITTING: (_("Sent to the card processor."), "wait"),
    AttemptState.PROCESSING: (_("The card processor accepted it; the final answer is still to come."), "wait"),
    AttemptState.UNKNOWN: (_("No answer that can be trusted. Paywell keeps checking."), "warn"),
    AttemptState.IN_REVIEW: (_("Paywell can't settle this alone. A person has to look."), "warn"),
    AttemptState.SUCCEEDED: (_("Paid."), "good"),
    AttemptState.DECLINED: (_("Declined. No money moved."), "bad"),
    AttemptState.FAILED: (_("It never reached the card processor. No money moved."), "bad"),
    AttemptState.CANCELED: (_("Canceled. No money moved."), "info"),
    AttemptState.EXPIRED: (_("The payer did not finish in time. No money moved."), "info"),
}
UNCHANGED: Final = _("Checked; nothing has changed.")

#: How Paywell came to know it.
CAUSE_WORDS: Final[Mapping[str, Text]] = {
    "create": _("the payer sent the form"),
    "open": _("the payment was opened there"),
    "submit": _("the processor answered the payment"),
    "confirm": _("looked up right after the payment"),
    "return": _("the payer came back from the processor"),
    "read": _("somebody looked at the payment"),
    "notice": _("the processor sent a notice"),
    "reconcile": _("a check on schedule"),
    "sweep": _("the comparison with the processor's list"),
    "cancel": _("somebody canceled it"),
    "replace": _("a newer payment took its place"),
    "fence": _("the comparison with the processor's list"),
    "expire": _("its time ran out"),
    "person": _("staff decided after asking the processor"),
    "give_up": _("checked many times without an answer"),
    "desk": _("staff asked for a check"),
    "rebuild": _("rebuilt from the processor's records after a restore"),
}

DECLINE_WORDS: Final[Mapping[str, Text]] = {
    Decline.GENERIC: _("The bank gave no reason."),
    Decline.INSUFFICIENT_FUNDS: _("Not enough money on the card."),
    Decline.EXPIRED_CARD: _("The card has expired."),
    Decline.WRONG_CVC: _("The security code does not match the card."),
    Decline.WRONG_NUMBER: _("The bank does not know the card number."),
    Decline.WRONG_ZIP: _("The ZIP code does not match the card."),
    Decline.BANK_CHECK_FAILED: _("The bank could not confirm that it was the card's owner."),
    Decline.LOST_OR_STOLEN: _("The bank does not accept this card any more."),
    Decline.TOO_MANY_TRIES: _("The card was tried too often."),
    Decline.TRY_AGAIN_LATER: _("The bank could not answer just then."),
}

#: How much a finding of the check before a superbill weighs (`documents.check.Level`).
PROBLEM_WORDS: Final[Mapping[str, tuple[Text, str]]] = {
    "block": (_("Put it right"), "bad"),
    "reason": (_("Needs a reason"), "warn"),
    "warn": (_("Look at it"), "info"),
}

#: The sign and color of each state of a deposit.
DEPOSIT_TONES: Final[Mapping[str, str]] = {"pending": "wait", "paid": "good", "failed": "bad"}

REFUND_WORDS: Final[Mapping[str, tuple[Text, str]]] = {
    "sending": (_("Being sent"), "wait"),
    "pending": (_("Processing"), "wait"),
    "done": (_("Refunded"), "back"),
    "failed": (_("Not refunded"), "bad"),
    "failed_late": (_("Came back"), "bad"),
    "in_review": (_("In review"), "warn"),
}

#: What a payment's story tells of its refunds: that one was sent or made over there, and how it ended.
REFUND_SENT: Final = _("A refund of %(amount)s was sent to the card processor.")
REFUND_MADE_THERE: Final = _("A refund of %(amount)s was made at the card processor.")
REFUND_ENDS: Final[Mapping[str, tuple[Text, str]]] = {
    RefundState.DONE: (_("%(amount)s went back to the card."), "back"),
    RefundState.FAILED: (_("The card processor refused the refund of %(amount)s. No money went back."), "bad"),
    RefundState.FAILED_LATE: (
        _("The refund of %(amount)s came back: the card did not take it. The practice has the money again."),
        "bad",
    ),
}
REFUND_UNANSWERED: Final = _(
    "The card processor never answered whether %(amount)s went back. Somebody has to look."
)

#: The same of its disputes.
DISPUTE_OPENED: Final = _("The payer's bank disputes %(amount)s.")
DISPUTE_ENDS: Final[Mapping[str, tuple[Text, str]]] = {
    "won": (_("The dispute of %(amount)s was won."), "good"),
    "lost": (_("The dispute of %(amount)s was lost."), "bad"),
}

DISPUTE_WORDS: Final[Mapping[str, tuple[Text, str]]] = {
    "open": (_("Open: answer it at the processor"), "warn"),
    "won": (_("Won"), "good"),
    "lost": (_("Lost"), "bad"),
}

CHARGE_WORDS: Final[Mapping[str, tuple[Text, str]]] = {
    "planned": (_("Planned"), "wait"),
    "running": (_("Being charged"), "wait"),
    "done": (_("Charged"), "good"),
    "skipped": (_("Skipped"), "info"),
    "failed": (_("Failed"), "bad"),
}

#: What a person says came of a payment that no look-up could settle.
DECISION_WORDS: Final[Mapping[Decision, Text]] = {
    Decision.NOTHING_MOVED: _("No money moved: close it as unpaid, so that its services can be paid again"),
    Decision.ACCEPT: _("The charge is right: it pays these services, and what is left becomes credit"),
    Decision.SEND_RECEIPT: _("Tell the payer of the receipt, perhaps for the second time"),
    Decision.NO_RECEIPT: _("Tell nobody: the payer had the receipt before"),
    Decision.ASK_AGAIN: _("Ask the processor about the refund now, and settle it by the answer"),
}


@dataclass(frozen=True, slots=True)
class EntryPage:
    """The words of the page on which an entry of one kind is made."""

    title: Text
    lead: Text
    button: Text


ENTRY_PAGES: Final[Mapping[EntryKind, EntryPage]] = {
    EntryKind.PAYMENT: EntryPage(
        _("Record a payment"),
        _("Cash, a check, a card outside Paywell. What is more than the services need becomes credit."),
        _("Record the payment"),
    ),
    EntryKind.CREDIT_USED: EntryPage(
        _("Apply credit"), _("The account's credit pays services that are open."), _("Apply the credit")
    ),
    EntryKind.CREDIT_OUT: EntryPage(
        _("Pay credit out"),
        _(
            "Record that credit went back to the client outside Paywell. Credit that came from a card goes back to "
            "it by a refund of that payment."
        ),
        _("Record that it is paid out"),
    ),
    EntryKind.ADJUSTMENT: EntryPage(
        _("Adjust or write off"), _("Lowers what is owed. No money moves."), _("Lower what is owed")
    ),
    EntryKind.INSURER_PAYMENT: EntryPage(
        _("Insurer's payment"), _("What the insurer paid of its part."), _("Record the payment")
    ),
    EntryKind.INSURER_ADJUSTMENT: EntryPage(
        _("Insurer's adjustment"),
        _("What neither the insurer nor the client owes, by the contract with the insurer."),
        _("Record the adjustment"),
    ),
    EntryKind.INSURER_TO_CLIENT: EntryPage(
        _("Move to the client"),
        _("What the insurer does not pay and the client owes, a deductible for instance."),
        _("Move it to the client"),
    ),
}
ENTRY_DONE: Final[Mapping[EntryKind, Text]] = {
    EntryKind.PAYMENT: _("The payment of %(amount)s is recorded."),
    EntryKind.CREDIT_USED: _("%(amount)s of credit is applied."),
    EntryKind.CREDIT_OUT: _("%(amount)s of credit is recorded as paid out."),
    EntryKind.ADJUSTMENT: _("What is owed is lowered by %(amount)s."),
    EntryKind.WRITE_OFF: _("%(amount)s is written off."),
    EntryKind.INSURER_PAYMENT: _("The insurer's payment of %(amount)s is recorded."),
    EntryKind.INSURER_ADJUSTMENT: _("The insurer's part is lowered by %(amount)s."),
    EntryKind.INSURER_TO_CLIENT: _("%(amount)s is now owed by the client."),
}


#: The kinds by which a client's documents are narrowed (documents.listing.SHELVES).
SHELF_WORDS: Final[Mapping[str, Text]] = {
    "all": _("All"),
    "invoices": _("Invoices"),
    "superbills": _("Superbills"),
    "statements": _("Statements"),
    "receipts": _("Receipts"),
    "yearly": _("Yearly"),
    "estimates": _("Estimates"),
}
