"""Pay links that the system sends of its own accord, to payers without a sign-in."""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

from paywell.clients.models import Contact
from paywell.core.closing import get_closing
from paywell.core.db import phase
from paywell.payments.availability import has_processor
from paywell.payments.models import PayLink
from paywell.payments.pay_links import links_for


def provide_links(contact: Contact, invoice_ids: Collection[UUID]) -> list[PayLink]:
    """A link for each of these invoices that is open and that the contact may pay online as a whole.

    One that still works is given again. None where online payments are off, or somebody else's services stand on
    the invoice too.
    """
    if get_closing() is not None or not has_processor(contact.practice):
        return []
    with phase():
        return links_for(contact, invoice_ids)


def provide_receipt_links(contact: Contact, invoice_ids: Collection[UUID]) -> list[PayLink]:
    """The same for what was paid of these invoices, whether something is still owed on them or not."""
    if get_closing() is not None or not has_processor(contact.practice):
        return []
    with phase():
        return links_for(contact, invoice_ids, also_paid=True)
