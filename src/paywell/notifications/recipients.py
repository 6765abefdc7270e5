"""Who hears of an event, at which address. A client who wants no e-mail gets none, nor does anybody about them."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from uuid import UUID

from django.db.models import Q, QuerySet

from paywell.accounts.models import Invitation, Role, StaffMember
from paywell.clients.models import BillingAccount, Client, Contact, Grant
from paywell.core import clock
from paywell.documents.models import IssuedDocument
from paywell.documents.queries import OF_CARE, get_client_ids
from paywell.invoicing.models import Invoice
from paywell.notifications.models import RecipientKind
from paywell.payments.models import Attempt, PayLink
from paywell.payments.pay_links import address_of
from paywell.practice.models import Clinician, Practice


@dataclass(frozen=True, slots=True)
class Recipient:
    kind: RecipientKind
    id: UUID
    email: str
    wants_no_email: bool = False
    why_not: str = ""  #: a SkipReason, where it is known before


def get_invited(invitation: Invitation) -> list[Recipient]:
    """The invited person, while the link still opens something."""
    if invitation.accepted_at or invitation.withdrawn_at or invitation.expires_at <= clock.now():
        return []
    silent = invitation.subject_kind == "contact" and _any_silent(
        Grant.objects.filter(practice_id=invitation.practice_id, contact_id=invitation.subject_id)
    )
    return [Recipient(RecipientKind.INVITATION, invitation.id, invitation.email, wants_no_email=silent)]


def get_invoice_readers(invoice: Invoice) -> list[Recipient]:
    """Contacts with a sign-in and a grant on the invoice's account today, for a client on the invoice."""
    return _readers(invoice.account, Q(client__in=set(invoice.lines.values_list("client_id", flat=True))))


def get_payers(account: BillingAccount, client_ids: Collection[UUID]) -> list[Recipient]:
    """Contacts with a sign-in who may pay on the account today for one of these clients."""
    return _readers(account, Q(client__in=client_ids, may_pay=True))


def get_account_readers(account: BillingAccount) -> list[Recipient]:
    """Contacts with a sign-in and a grant on the account today."""
    return _readers(account, Q())


def get_document_readers(row: IssuedDocument) -> list[Recipient]:
    """Contacts with a sign-in who may open the document today (`documents.queries.visible_to`)."""
    clients = get_client_ids(row)
    which = Q(client__in=clients)
    if row.kind in OF_CARE:
        which &= Q(may_see_documents=True)
    if row.has_diagnosis:
        which &= Q(may_see_diagnosis=True)
    return _readers(row.account, which, all_of=clients)


def _readers(account: BillingAccount, which: Q, *, all_of: frozenset[UUID] = frozenset()) -> list[Recipient]:
    """Those with such grants; with `all_of`, only those who have one for each of these clients."""
    today = clock.business_date(clock.now(), account.practice.timezone)
    grants = (
        Grant.objects.filter(
            which,
            practice=account.practice_id,
            account=account,
            contact__user__is_active=True,
            withdrawn_at=None,
            valid_from__lte=today,
        )
        .filter(Q(valid_until=None) | Q(valid_until__gte=today))
        .select_related("contact__user", "client")
        .order_by("contact_id")
    )
    by_contact: dict[UUID, list[Grant]] = {}
    for grant in grants:
        by_contact.setdefault(grant.contact_id, []).append(grant)
    return [
        _contact(held[0].contact, any(grant.client.wants_no_email for grant in held))
        for held in by_contact.values()
        if all_of <= {grant.client_id for grant in held}
    ]


def get_link_reader(contact: Contact, links: Collection[PayLink]) -> Recipient:
    """Whoever is sent pay links: also a contact without a sign-in, at the address that the practice noted."""
    silent = Client.objects.filter(
        practice=contact.practice_id, lines__invoice__in=[link.invoice_id for link in links], wants_no_email=True
    ).exists()
    return Recipient(RecipientKind.CONTACT, contact.id, address_of(contact), wants_no_email=silent)


def get_current_payers(practice: Practice, contacts: Collection[Contact]) -> dict[UUID, Recipient]:
    """Of these, by id, who signs in and may pay for somebody today. One query; the contacts bring their users."""
    signed = {contact.id: contact for contact in contacts if contact.user and contact.user.is_active}
    today = clock.business_date(clock.now(), practice.timezone)
    silent: dict[UUID, bool] = {}
    grants = Grant.objects.filter(
        Q(valid_until=None) | Q(valid_until__gte=today), practice=practice, contact__in=list(signed), may_pay=True,
        withdrawn_at=None, valid_from__lte=today,
    )  # fmt: skip
    for contact_id, is_silent in grants.values_list("contact_id", "client__wants_no_email"):
        silent[contact_id] = silent.get(contact_id, False) or is_silent
    return {contact_id: _contact(signed[contact_id], is_silent) for contact_id, is_silent in silent.items()}


def get_contact(contact: Contact, client_ids: Collection[UUID]) -> list[Recipient]:
    """One contact who signs in, about these clients; nobody where the contact has no sign-in any more."""
    if contact.user is None or not contact.user.is_active:
        return []
    silent = Client.objects.filter(practice=contact.practice_id, id__in=client_ids, wants_no_email=True).exists()
    return [_contact(contact, silent)]


def get_payer(attempt: Attempt) -> list[Recipient]:
    """The contact who paid; nobody where staff took the payment without one, or it has no sign-in."""
    contact = attempt.contact
    if contact is None or contact.user is None or not contact.user.is_active:
        return []
    silent = Client.objects.filter(
        practice=attempt.practice, id__in=_clients_of(attempt), wants_no_email=True
    ).exists()
    return [_contact(contact, silent)]


def get_assigned_staff(attempt: Attempt) -> list[Recipient]:
    """The owners, and the clinicians of the clients whom the payment concerns.

    A clinician without a sign-in is in the list too, without an address: the log says that they got nothing.
    """
    rows = Client.objects.filter(practice=attempt.practice, id__in=_clients_of(attempt)).exclude(clinician=None)
    clinicians = set(rows.values_list("clinician_id", flat=True))
    silent = clinicians & set(list_silent_clinicians(attempt.practice).values_list("id", flat=True))
    return [
        *_staff(attempt.practice, Q(role=Role.OWNER) | Q(clinician__in=list(clinicians))),
        *(Recipient(RecipientKind.CLINICIAN, clinician_id, "") for clinician_id in sorted(silent)),
    ]


def list_silent_clinicians(practice: Practice) -> QuerySet[Clinician]:
    """Clinicians whom no notice to staff can reach: nobody signs in as them, or without an e-mail address."""
    reached = StaffMember.objects.filter(
        practice=practice, ended_at=None, user__is_active=True, clinician__isnull=False
    ).exclude(user__email="")
    rows = Clinician.objects.filter(practice=practice).exclude(id__in=reached.values("clinician_id"))
    return rows.order_by("name", "id")


def get_billing_staff(practice: Practice) -> list[Recipient]:
    """Those who can close a review."""
    return _staff(practice, Q(role__in=(Role.OWNER, Role.BILLER)))


def _staff(practice: Practice, which: Q) -> list[Recipient]:
    members = (
        StaffMember.objects.filter(which, practice=practice, ended_at=None, user__is_active=True)
        .select_related("user")
        .order_by("user_id")
    )
    return [Recipient(RecipientKind.USER, member.user_id, member.user.email) for member in members]


def _contact(contact: Contact, silent: bool) -> Recipient:
    """At the address of their sign-in: the one that they proved to be theirs."""
    email = contact.user.email if contact.user else contact.email
    return Recipient(RecipientKind.CONTACT, contact.id, email, wants_no_email=silent)


def _clients_of(attempt: Attempt) -> Collection[UUID]:
    return set(attempt.lines.values_list("line__client_id", flat=True))


def _any_silent(grants: Iterable[Grant]) -> bool:
    return Client.objects.filter(grants__in=grants, wants_no_email=True).exists()
