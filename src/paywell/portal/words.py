"""What the portal says about money: every decline, every status, every closed door.

Short, second person, present tense. Each text about a payment says whether money moved and what to do next.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from paywell.billing.models import Method
from paywell.documents.types import Kind
from paywell.payments.card_names import name_card
from paywell.payments.models import RefundState
from paywell.payments.types import Closed, PaymentRow, Shown
from paywell.processors.contract import Decline

Text = str | Promise


@dataclass(frozen=True, slots=True)
class Words:
    """A heading and what to do next."""

    title: Text
    advice: Text


_OTHER_CARD = _("Try another card or call the number on the back of this one.")

#: The whole vocabulary of "no". Every one of them means that no money moved, and the page says so.
DECLINES: Final[Mapping[Decline, Words]] = {
    Decline.GENERIC: Words(_("Your bank declined this card and gave no reason."), _OTHER_CARD),
    Decline.INSUFFICIENT_FUNDS: Words(
        _("Your bank said no because there is not enough money on this card."),
        _("Try another card, or pay for fewer services now and the rest later."),
    ),
    Decline.EXPIRED_CARD: Words(
        _("This card has expired."), _("Try another card, or enter the new card your bank sent you.")
    ),
    Decline.WRONG_CVC: Words(
        _("The security code does not match this card."),
        _("Enter the card again. The code is the 3 digits on its back, or the 4 on the front of an Amex."),
    ),
    Decline.WRONG_NUMBER: Words(
        _("Your bank does not know this card number."), _("Enter the card again and check the number.")
    ),
    Decline.WRONG_ZIP: Words(
        _("The ZIP code does not match this card."),
        _("Enter the card again with the ZIP code to which your bank sends its letters."),
    ),
    Decline.BANK_CHECK_FAILED: Words(
        _("Your bank could not confirm that it is you."),
        _("Try again and finish your bank's check, or use another card."),
    ),
    Decline.LOST_OR_STOLEN: Words(
        _("Your bank does not accept this card any more."), _("Use another card and call your bank about this one.")
    ),
    Decline.TOO_MANY_TRIES: Words(
        _("This card was tried too often today."), _("Use another card, or try this one again tomorrow.")
    ),
    Decline.TRY_AGAIN_LATER: Words(
        _("Your bank could not answer just now."), _("Try again in a few minutes, or use another card.")
    ),
}  # fmt: skip


def explain_decline(code: str) -> Words:
    """The words for a stored decline; one that we don't know reads as the one without a reason."""
    try:
        return DECLINES[Decline(code)]
    except ValueError:
        return DECLINES[Decline.GENERIC]


#: Why there is no Make a Payment. The first sentence is the same: a client need not know whose switch it is.
CLOSED: Final[Mapping[Closed, Words]] = {
    Closed.NO_PROCESSOR: Words(
        _("Online payments are not turned on"),
        _("Please reach out to your therapist to pay. Nothing was charged."),
    ),
    Closed.PRACTICE_SWITCH: Words(
        _("Online payments are not turned on"),
        _("Please reach out to your therapist to pay. Nothing was charged."),
    ),
    Closed.CLIENT_SWITCH: Words(
        _("Online payments are not turned on"),
        _("Please reach out to your therapist to pay. Nothing was charged."),
    ),
    Closed.PAUSED: Words(
        _("Payments are paused for a short while"),
        _("Nothing was charged, and nothing that you paid is lost. Please try again in half an hour."),
    ),
    Closed.NO_RIGHT: Words(
        _("Online payments are not turned on for you"),
        _("You can see this account, but paying is not part of your access. Please reach out to the therapist."),
    ),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Status:
    """A status of Payment History: the sign's name and the word."""

    state: str
    word: Text


STATUSES: Final[Mapping[Shown, Status]] = {
    Shown.PAID: Status("good", _("Paid")),
    Shown.PROCESSING: Status("wait", _("Processing")),
    Shown.DECLINED: Status("bad", _("Declined")),
    Shown.REFUNDED: Status("back", _("Refunded")),
    Shown.PARTLY_REFUNDED: Status("back", _("Partly refunded")),
    Shown.DISPUTED: Status("warn", _("Disputed")),
    Shown.REVERSED: Status("info", _("Reversed")),
}  # fmt: skip

#: What became of a refund, on the page of its payment. One that the processor refused never began for the payer.
REFUNDS: Final[Mapping[str, Text]] = {
    RefundState.SENDING: _("Being sent to the card"),
    RefundState.PENDING: _("On its way to the card"),
    RefundState.IN_REVIEW: _("The practice is checking with the card processor whether it went back"),
    RefundState.DONE: _("Went back to the card"),
    RefundState.FAILED_LATE: _("Came back: the card did not take it. The practice will reach out to you."),
}

#: How a payment by hand was made.
METHODS: Final[Mapping[str, Text]] = {
    Method.CASH: _("Cash"),
    Method.CHECK: _("Check"),
    Method.CARD: _("Card at the practice"),
    Method.BANK: _("Bank transfer"),
}


def name_method(row: PaymentRow) -> str:
    """How it was paid: `Visa 4242`, `Check 1042`; empty where that is not known."""
    if row.method:
        return f"{METHODS[row.method]} {row.method_reference}".strip()
    return name_card(row.card_brand, row.card_last4)


#: By version, because a consent is to one wording: a changed text gets a new version and the old one stays.
CONSENTS: Final[Mapping[str, Text]] = {
    "2026-11": _(
        "The card processor keeps this card so that you can pay with it here. It is charged only when you press "
        "Make a Payment. Remove it at any time under Saved cards."
    ),
}
CONSENT_VERSION: Final = "2026-11"


#: After Cancel, where the processor can't close its page.
STILL_OPEN = _(
    "The card processor's page can't be closed from here. Nothing is charged unless you press Submit there. It ends"
    " by itself, and within half an hour the services can be paid anew."
)


#: The filters of Documents. The first, without a key, lists services; the others documents by kind.
SHELF_WORDS: Final[Mapping[str, Text]] = {
    "": _("By service"),
    "all": _("Everything"),
    "invoices": _("Invoices"),
    "superbills": _("Superbills"),
    "statements": _("Statements"),
    "receipts": _("Receipts"),
    "yearly": _("Yearly statements"),
    "estimates": _("Estimates"),
}
KIND_WORDS: Final[Mapping[Kind, Text]] = {
    Kind.INVOICE: _("Invoice"),
    Kind.SUPERBILL: _("Superbill"),
    Kind.STATEMENT: _("Statement"),
    Kind.RECEIPT: _("Receipt"),
    Kind.REFUND: _("Refund receipt"),
    Kind.YEARLY: _("Yearly statement"),
    Kind.ESTIMATE: _("Good Faith Estimate"),
}
