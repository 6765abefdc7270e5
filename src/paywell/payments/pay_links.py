"""Pay links: an address by which one invoice is paid without an account and without a cookie.

The address carries the link's id and a signature over it. Nothing that opens it is stored: a copy of the database
without the secret key opens nothing, and a link that is revoked or has expired opens nothing either.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Collection, Sequence
from datetime import date, datetime, timedelta
from typing import Final
from uuid import UUID

from django.conf import settings
from django.core import signing
from django.db.models import Q, QuerySet

from paywell.accounts.models import Role
from paywell.accounts.types import Permission, StaffViewer
from paywell.audit.actions import record
from paywell.clients.access import own_client_ids
from paywell.clients.models import Contact, Grant
from paywell.clients.types import ClientRights
from paywell.core import clock
from paywell.core.db import lock, phase
from paywell.core.errors import NotAllowed, NotFoundForViewer, UserError
from paywell.core.security_log import access_refused
from paywell.invoicing.models import Invoice, InvoiceLine
from paywell.ledger.queries import get_line_balances
from paywell.outbox.actions import emit
from paywell.payments.models import Attempt, PayLink
from paywell.payments.payer import LinkViewer

_SALT: Final = "paywell.payments.pay_link"
_VOID: Final = "void invoice"
#: Fixed by the portal's addresses.
LINK_PATH: Final = "/pay/{token}/"
#: Most open invoices for which one request by e-mail sends links.
MOST_AT_ONCE: Final = 20


def make_token(link: PayLink) -> str:
    """The part of the address that opens the link: `<id>.<signature>`, letters a URL needs no escapes for."""
    return _signer().sign(base64.urlsafe_b64encode(link.pk.bytes).decode().rstrip("="))


def get_url(link: PayLink) -> str:
    """The whole address, for staff to copy and for the e-mail."""
    return settings.PUBLIC_URL + LINK_PATH.format(token=make_token(link))


class InvoiceTakenBack(NotFoundForViewer):
    """The link is good, but its invoice is void. Whoever holds it may know that, and nothing more."""

    def __init__(self, link: PayLink) -> None:
        super().__init__()
        self.link = link


def access_pay_link(token: str) -> LinkViewer:
    """Whoever holds the link. Raises NotFoundForViewer for a forged, expired or revoked one.

    All of these look the same from outside. Raises InvoiceTakenBack where the link would be good but for its
    invoice, which is void.
    """
    link_id = _read_token(token)
    link = link_id and PayLink.objects.select_related("practice", "invoice__account").filter(pk=link_id).first()
    reason = _why_over(link, clock.now()) if link else "forged"
    if not link or reason:
        access_refused(viewer="anonymous", kind="pay link", target=link_id or "", reason=reason)
        if link and reason == _VOID:
            raise InvoiceTakenBack(link)
        raise NotFoundForViewer
    lines = InvoiceLine.objects.filter(practice=link.practice, invoice=link.invoice, voided_at=None)
    return LinkViewer(
        link=link,
        practice=link.practice,
        account=link.invoice.account,
        rights=_rights(lines),
        line_ids=frozenset(line.id for line in lines),
    )


def access_link_attempt(viewer: LinkViewer, attempt_id: UUID) -> Attempt:
    """A payment that was made by this very link. Raises NotFoundForViewer for any other."""
    rows = Attempt.objects.filter(practice=viewer.practice, pay_link=viewer.link, pk=attempt_id)
    attempt = rows.select_related("practice", "account", "processor_account").first()
    if attempt is None:
        access_refused(viewer=viewer, kind="payment", target=attempt_id, reason="not of this link")
        raise NotFoundForViewer
    return attempt


def make_pay_link(*, viewer: StaffViewer, invoice: Invoice) -> PayLink:
    """A new link for one invoice, or the one that still works the longest. Raises UserError `voided`."""
    _check_may(viewer, invoice.practice_id)
    with phase():
        held = lock(Invoice.objects.filter(practice=viewer.practice, pk=invoice.pk)).get()
        if held.voided_at is not None:
            raise UserError("This invoice is void. There is nothing to pay on it.", code="voided")
        now = clock.now()
        link = _find_good(held, now)
        if link is None:
            link = _create(held, now, made_by=viewer.id, days=viewer.practice.pay_link_days)
            _record(viewer, link, "payments.make_pay_link")
    return link


def revoke_pay_link(*, viewer: StaffViewer, link: PayLink) -> None:
    """From now on the address opens nothing. A payment that has begun goes on. Again: changes nothing."""
    _check_may(viewer, link.practice_id)
    with phase():
        mine = PayLink.objects.filter(practice=viewer.practice, pk=link.pk, revoked_at=None)
        if mine.update(revoked_at=clock.now(), revoked_by=viewer.id):
            _record(viewer, link, "payments.revoke_pay_link")


def send_pay_link(*, viewer: StaffViewer, link: PayLink, contact: Contact) -> None:
    """E-mail the link to somebody who may pay on the account. Raises UserError where that can't be.

    Pressing twice within a minute sends once.
    """
    _check_may(viewer, link.practice_id)
    if contact.id not in {each.id for each in list_recipients(link.invoice)}:
        raise NotFoundForViewer
    now = clock.now()
    if _why_over(link, now):
        raise UserError("This link is no longer valid. Make a new one.", code="link_over")
    with phase():
        emit(
            practice_id=link.practice_id,
            kind="payments.pay_links_sent",
            dedupe=f"pay_link:{link.id}:{contact.id}:{now:%Y%m%d%H%M}",
            payload={"contact_id": str(contact.id), "link_ids": str(link.id)},
        )
        _record(viewer, link, "payments.send_pay_link")


def list_pay_links(viewer: StaffViewer) -> QuerySet[PayLink]:
    """The links that still open something, newest first; for a clinician those of invoices of their own clients."""
    rows = _good(PayLink.objects.filter(practice=viewer.practice), clock.now())
    if viewer.role is Role.CLINICIAN:
        own = InvoiceLine.objects.filter(practice=viewer.practice, client_id__in=own_client_ids(viewer))
        rows = rows.filter(invoice__in=own.values("invoice"))
    return rows.select_related("invoice__account", "made_by").order_by("-made_at", "-id")


def access_staff_link(viewer: StaffViewer, link_id: UUID) -> PayLink:
    """One open link of the practice. Raises NotFoundForViewer."""
    link = list_pay_links(viewer).filter(pk=link_id).first()
    if link is None:
        access_refused(viewer=viewer, kind="pay link", target=link_id, reason="not theirs")
        raise NotFoundForViewer
    return link


def list_recipients(invoice: Invoice) -> list[Contact]:
    """Who may be sent a link: contacts with an e-mail address who may pay on the account today for a client on it.

    A client's wish for no e-mail holds for everybody who pays for that client.
    """
    today = clock.business_date(clock.now(), invoice.practice.timezone)
    clients = InvoiceLine.objects.filter(practice=invoice.practice_id, invoice=invoice).values("client_id")
    grants = _grants_today(today).filter(
        practice=invoice.practice_id, account=invoice.account_id, client__in=clients
    )
    silent = set(grants.filter(client__wants_no_email=True).values_list("contact_id", flat=True))
    contacts = Contact.objects.filter(practice=invoice.practice_id, grants__in=grants).exclude(pk__in=silent)
    return [each for each in contacts.select_related("user").distinct().order_by("name", "id") if address_of(each)]


def address_of(contact: Contact) -> str:
    """The address of their sign-in, which they proved to be theirs, else the one that the practice noted."""
    return contact.user.email if contact.user else contact.email


def answer_request(email: str) -> int:
    """Somebody who can't sign in asked for links: send what is open to that address, if it is anybody's.

    Says nothing to the asker. One e-mail for each practice, at most one an hour. Returns how many.
    """
    wanted = Q(user__email__iexact=email, user__is_active=True) | Q(user=None, email__iexact=email)
    sent = 0
    for contact in Contact.objects.filter(wanted).select_related("practice")[:MOST_AT_ONCE]:
        now = clock.now()
        with phase():
            links = links_for(contact)
            if not links:
                continue
            emit(
                practice_id=contact.practice_id,
                kind="payments.pay_links_sent",
                dedupe=f"pay_links_asked:{contact.id}:{now:%Y%m%d%H}",
                payload={"contact_id": str(contact.id), "link_ids": ",".join(str(link.id) for link in links)},
            )
        sent += 1
    return sent


def links_for(
    contact: Contact, invoice_ids: Collection[UUID] | None = None, *, also_paid: bool = False
) -> list[PayLink]:
    """Links for what this contact can pay online today, of these invoices alone where some are named.

    With `also_paid` those too on which nothing is owed any more: the page then shows what was paid. Inside the
    caller's transaction. Made without a person; one that still works is given again.
    """
    now = clock.now()
    return [
        _find_good(each, now) or _create(each, now, made_by=None, days=contact.practice.pay_link_days)
        for each in _open_invoices(contact, invoice_ids, also_paid=also_paid)
    ]


def is_good(link: PayLink) -> bool:
    """Whether it still opens something, for a day at least."""
    return not _why_over(link, clock.now() + timedelta(days=1))


def _open_invoices(contact: Contact, invoice_ids: Collection[UUID] | None, *, also_paid: bool) -> list[Invoice]:
    """Invoices with a balance whose every client this contact may pay for online today, oldest first."""
    if not contact.practice.payments_allowed:
        return []
    today = clock.business_date(clock.now(), contact.practice.timezone)
    grants = _grants_today(today).filter(practice=contact.practice, contact=contact)
    allowed = {
        (account, client)
        for account, client in grants.filter(
            client__payments_allowed=True, client__wants_no_email=False
        ).values_list("account_id", "client_id")
    }
    rows = Invoice.objects.filter(
        practice=contact.practice, account__in={account for account, _ in allowed}, voided_at=None
    ).order_by("issued_on", "number")
    if invoice_ids is not None:
        rows = rows.filter(id__in=invoice_ids)
    found = []
    for invoice in rows:
        lines = list(
            InvoiceLine.objects.filter(practice=contact.practice, invoice=invoice, voided_at=None).values_list(
                "id", "client_id"
            )
        )
        mine = all((invoice.account_id, client) in allowed for _, client in lines)
        if mine and (also_paid or _owes(contact.practice_id, [line for line, _ in lines])):
            found.append(invoice)
        if len(found) == MOST_AT_ONCE:
            break
    return found


def _owes(practice_id: UUID, line_ids: Sequence[UUID]) -> bool:
    return any(minor > 0 for minor in get_line_balances(practice_id=practice_id, line_ids=line_ids).values())


def _grants_today(today: date) -> QuerySet[Grant]:
    return Grant.objects.filter(may_pay=True, withdrawn_at=None, valid_from__lte=today).filter(
        Q(valid_until=None) | Q(valid_until__gte=today)
    )


def _good(rows: QuerySet[PayLink], now: datetime) -> QuerySet[PayLink]:
    return rows.filter(revoked_at=None, expires_at__gt=now, invoice__voided_at=None)


def _find_good(invoice: Invoice, now: datetime) -> PayLink | None:
    """One that has at least a day to go: a new one every time would leave a heap to revoke."""
    rows = _good(PayLink.objects.filter(practice=invoice.practice_id, invoice=invoice), now + timedelta(days=1))
    return rows.order_by("-expires_at").first()


def _create(invoice: Invoice, now: datetime, *, made_by: UUID | None, days: int) -> PayLink:
    return PayLink.objects.create(
        practice_id=invoice.practice_id,
        invoice=invoice,
        made_by_id=made_by,
        made_at=now,
        expires_at=now + timedelta(days=days),
    )


def _why_over(link: PayLink, now: datetime) -> str:
    if link.revoked_at is not None:
        return "revoked"
    if link.expires_at <= now:
        return "expired"
    return _VOID if link.invoice.voided_at is not None else ""


def _rights(lines: QuerySet[InvoiceLine]) -> tuple[ClientRights, ...]:
    switches = dict(lines.values_list("client_id", "client__payments_allowed"))
    return tuple(
        ClientRights(
            client_id=client_id,
            name="",
            may_pay=True,
            may_see_documents=False,
            may_see_diagnosis=False,
            payments_allowed=allowed,
        )
        for client_id, allowed in switches.items()
    )


def _read_token(token: str) -> UUID | None:
    try:
        text = _signer().unsign(token)
        return UUID(bytes=base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    except (signing.BadSignature, binascii.Error, ValueError):
        return None


def _signer() -> signing.Signer:
    return signing.Signer(sep=".", salt=_SALT)


def _check_may(viewer: StaffViewer, practice_id: UUID) -> None:
    if practice_id != viewer.practice.id:
        raise NotFoundForViewer
    if not viewer.may(Permission.TAKE_PAYMENTS):
        raise NotAllowed


def _record(viewer: StaffViewer, link: PayLink, action: str) -> None:
    record(
        practice_id=viewer.practice.id, actor_id=viewer.id, action=action,
        target_kind="pay_link", target_id=link.id,
    )  # fmt: skip
