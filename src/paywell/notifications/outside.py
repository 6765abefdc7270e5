"""Payers who have no sign-in: a link to pay by in place of "sign in", or their invitation once more.

Never where the client wants no e-mail or gave a confidential address: the practice noted the payer's address, and
nobody proved whose it is. Whom none of it reaches is told to the desk (`notifications.unreached`).
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from uuid import UUID

from django.db.models import Q

from paywell.clients.models import BillingAccount, Client, Contact, Grant
from paywell.core import clock
from paywell.invoicing.models import InvoiceLine
from paywell.notifications import messages
from paywell.notifications.models import RecipientKind, SkipReason
from paywell.notifications.recipients import Recipient, get_invited
from paywell.notifications.send import Mail, find_reason
from paywell.notifications.texts import Message, compose
from paywell.payments.models import Attempt, PayLink
from paywell.payments.notice_links import provide_links, provide_receipt_links
from paywell.payments.pay_links import address_of, is_good


def mail_outside(account: BillingAccount, lines: Sequence[InvoiceLine], notice: str) -> list[Mail]:
    """An e-mail to each payer of these lines without a sign-in, of the kind `notice` where a link can be given.

    Whoever can't be sent one is in the list too, with the reason, so that the log says it.
    """
    client_ids = {line.client_id for line in lines}
    silent = _find_silence(account.practice_id, client_ids)
    invoice_ids = {line.invoice_id for line in lines}
    return [_mail(contact, invoice_ids, notice, silent) for contact in _list_payers(account, client_ids)]


def mail_receipt_outside(
    account: BillingAccount, lines: Sequence[InvoiceLine], link: PayLink | None = None, notice: str = "receipt_link"
) -> list[Mail]:
    """The news of a receipt to the same people: by the link by which it was paid, else by one for each invoice."""
    client_ids = {line.client_id for line in lines}
    silent = _find_silence(account.practice_id, client_ids)
    invoice_ids = {line.invoice_id for line in lines}
    mails = []
    for contact in _list_payers(account, client_ids):
        email = address_of(contact)
        why_not = silent or ("" if email else SkipReason.NO_ADDRESS)
        links = [] if why_not else provide_receipt_links(contact, invoice_ids)
        if link is not None and links:
            links = [link] if is_good(link) else []
        why_not = why_not or ("" if links else SkipReason.NOTHING_TO_OPEN)
        mails.append(_by_links(contact, notice, links, email, why_not))
    return mails


def mail_refund_outside(attempt: Attempt, lines: Sequence[InvoiceLine]) -> list[Mail]:
    """The news that money of a payment by link went back: by that link while it works, else by a new one."""
    link = attempt.pay_link if attempt.pay_link is not None and is_good(attempt.pay_link) else None
    return mail_receipt_outside(attempt.account, lines, link, "refund_link")


def or_tell_desk(account: BillingAccount, mails: list[Mail], message: Message) -> list[Mail]:
    """The same, and where none of them goes out, an entry in the log that nobody could be told."""
    if any(not find_reason(mail.to) for mail in mails):
        return mails
    nobody = Recipient(RecipientKind.ACCOUNT, account.id, "", why_not=SkipReason.NOBODY)
    return [*mails, Mail(nobody, message)]


def _mail(contact: Contact, invoice_ids: Collection[UUID], notice: str, silent: str) -> Mail:
    practice, email = contact.practice, address_of(contact)
    why_not = silent or ("" if email else SkipReason.NO_ADDRESS)
    links = [] if why_not else provide_links(contact, invoice_ids)
    invited = contact.invitation if not links and contact.invitation and get_invited(contact.invitation) else None
    if invited is not None and not why_not:
        return Mail(Recipient(RecipientKind.CONTACT, contact.id, email), messages.invited_again(practice, invited))
    return _by_links(contact, notice, links, email, why_not or ("" if links else SkipReason.NOTHING_TO_OPEN))


def _by_links(contact: Contact, notice: str, links: Sequence[PayLink], email: str, why_not: str) -> Mail:
    practice = contact.practice
    message = messages.by_link(practice, notice, links) if links else compose(practice, notice, link="", days=0)
    return Mail(Recipient(RecipientKind.CONTACT, contact.id, email, why_not=why_not), message)


def _list_payers(account: BillingAccount, client_ids: Collection[UUID]) -> list[Contact]:
    today = clock.business_date(clock.now(), account.practice.timezone)
    grants = Grant.objects.filter(
        practice=account.practice_id, account=account, client__in=client_ids, may_pay=True, withdrawn_at=None,
        valid_from__lte=today,
    ).filter(Q(valid_until=None) | Q(valid_until__gte=today))  # fmt: skip
    rows = Contact.objects.filter(practice=account.practice_id, user=None, grants__in=grants)
    return list(rows.select_related("practice", "invitation").distinct().order_by("id"))


def _find_silence(practice_id: UUID, client_ids: Collection[UUID]) -> str:
    """Why nobody outside may be written to about these clients; blank where they may."""
    clients = Client.objects.filter(practice=practice_id, id__in=client_ids)
    for wants_no_email, street, city in clients.values_list("wants_no_email", "private_street", "private_city"):
        if wants_no_email:
            return SkipReason.NO_EMAIL_WANTED
        if street or city:
            return SkipReason.CONFIDENTIAL
    return ""
