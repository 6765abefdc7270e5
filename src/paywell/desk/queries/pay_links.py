"""Pay links for the desk: the open ones, and what the invoice's page needs to make, copy and send one."""

from __future__ import annotations

from dataclasses import dataclass

from paywell.accounts.types import Permission, StaffViewer
from paywell.clients.models import Contact
from paywell.core.money import Money
from paywell.core.paging import Page
from paywell.desk.types import paginate_whole
from paywell.invoicing.models import Invoice, InvoiceLine
from paywell.ledger.queries import get_line_balances
from paywell.payments.models import PayLink
from paywell.payments.pay_links import address_of, get_url, list_pay_links, list_recipients


@dataclass(frozen=True, slots=True)
class LinkRow:
    """One open link: its invoice, what is still due there, and its address."""

    link: PayLink
    balance: Money
    url: str


@dataclass(frozen=True, slots=True)
class Recipient:
    contact: Contact
    email: str


@dataclass(frozen=True, slots=True)
class LinkPanel:
    """The part of an invoice's page about its link."""

    row: LinkRow | None  #: the newest open link
    recipients: list[Recipient]


def list_link_rows(viewer: StaffViewer, page: int) -> Page[LinkRow]:
    """Open links, newest first. Three queries a page."""
    whole = PayLink.objects.filter(practice=viewer.practice).select_related("invoice__account", "made_by")
    return paginate_whole(list_pay_links(viewer), whole.order_by("-made_at", "-id"), page, _rows)


def get_link_panel(viewer: StaffViewer, invoice: Invoice) -> LinkPanel | None:
    """None where the viewer may take no payments or the invoice is void."""
    if not viewer.may(Permission.TAKE_PAYMENTS) or invoice.voided_at is not None:
        return None
    links = list(list_pay_links(viewer).filter(invoice=invoice)[:1])
    recipients = [Recipient(contact, address_of(contact)) for contact in list_recipients(invoice)] if links else []
    return LinkPanel(row=next(iter(_rows(links)), None), recipients=recipients)


def _rows(links: list[PayLink] | tuple[PayLink, ...]) -> list[LinkRow]:
    if not links:
        return []
    lines = list(
        InvoiceLine.objects.filter(
            practice_id=links[0].practice_id, invoice__in=[link.invoice_id for link in links], voided_at=None
        ).values_list("id", "invoice_id")
    )
    owed = get_line_balances(practice_id=links[0].practice_id, line_ids=[line for line, _ in lines])
    due: dict[object, int] = {}
    for line, invoice in lines:
        due[invoice] = due.get(invoice, 0) + owed.get(line, 0)
    return [
        LinkRow(link, Money(due.get(link.invoice_id, 0), link.invoice.currency), get_url(link)) for link in links
    ]
