"""The printed form: every label, date and amount of a document as text, in order.

The Typst templates and the HTML templates both lay out this one form, so that the PDF and the page say the same.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from paywell.documents.present.account import present_statement, present_yearly
from paywell.documents.present.estimate import present_estimate
from paywell.documents.present.invoice import present_invoice
from paywell.documents.present.parts import Printed, card_name, note_missing_letters
from paywell.documents.present.payment import present_receipt, present_refund
from paywell.documents.present.superbill import present_superbill
from paywell.documents.types import Document, Kind

__all__ = ["Printed", "card_name", "note_missing_letters", "present"]

_KINDS: dict[Kind, Callable[[Any], Printed]] = {
    Kind.INVOICE: present_invoice,
    Kind.SUPERBILL: present_superbill,
    Kind.STATEMENT: present_statement,
    Kind.RECEIPT: present_receipt,
    Kind.REFUND: present_refund,
    Kind.YEARLY: present_yearly,
    Kind.ESTIMATE: present_estimate,
}


def present(document: Document) -> Printed:
    """The document's printed form, in the language that is active and the document's own locale."""
    return _KINDS[document.kind](document)
