"""Writes about people: contacts, what they may see and pay for, and their invitations."""

from __future__ import annotations

from datetime import date
from uuid import UUID

from django.db import IntegrityError, transaction

from paywell.accounts import actions as accounts
from paywell.accounts.actions import clean_email
from paywell.accounts.errors import BadInvitation
from paywell.accounts.models import Invitation, User
from paywell.clients.models import BillingAccount, Client, Contact, Grant, GrantRole
from paywell.clients.writing import need, record, refuse_elsewhere
from paywell.core import clock
from paywell.core.db import lock
from paywell.core.errors import UserError
from paywell.core.phones import parse_phone
from paywell.practice.models import Practice


def create_contact(
    *,
    practice: Practice,
    name: str,
    email: str = "",
    phone: str = "",
    user: User | None = None,
    actor_id: UUID | None,
) -> Contact:
    """A person who signs in or pays. Raises UserError `name_missing`, `email_invalid`, `phone_invalid`,
    `contact_user_taken`."""
    contact = Contact(
        practice=practice,
        name=need(name, "name", "Enter the person's name."),
        email=clean_email(email),
        phone=parse_phone(phone),
        user=user,
        created_at=clock.now(),
    )
    with transaction.atomic():
        _save_contact(contact)
        record(practice.id, actor_id, "clients.create_contact", "contact", contact.id)
    return contact


def change_contact(*, contact: Contact, name: str, email: str, phone: str, actor_id: UUID | None) -> Contact:
    """Change how the person is reached. Their sign-in stays as it is: nobody takes it over from here.

    With another e-mail an open invitation is withdrawn: whoever reads the old address is perhaps somebody else.
    Raises UserError `name_missing`, `email_invalid`, `phone_invalid`.
    """
    with transaction.atomic():
        contact = lock(Contact.objects.filter(practice=contact.practice_id, id=contact.id)).get()
        if contact.invitation is not None and contact.email != clean_email(email):
            accounts.withdraw_invitation(invitation=contact.invitation, actor_id=actor_id)
        contact.name = need(name, "name", "Enter the person's name.")
        contact.email = clean_email(email)
        contact.phone = parse_phone(phone)
        contact.save(update_fields=["name", "email", "phone"])
        record(contact.practice_id, actor_id, "clients.change_contact", "contact", contact.id)
    return contact


def grant_access(
    *,
    contact: Contact,
    client: Client,
    account: BillingAccount,
    role: str,
    may_pay: bool = True,
    may_see_documents: bool = False,
    may_see_diagnosis: bool = False,
    valid_from: date | None = None,
    valid_until: date | None = None,
    actor_id: UUID | None,
) -> Grant:
    """Let the contact act for the client on the account, from today unless another day is given.

    `valid_until` is the last day. Raises UserError `role_invalid`, `diagnosis_needs_documents`, `grant_dates`,
    `client_elsewhere`, `account_elsewhere`, `grant_exists`.
    """
    practice = contact.practice
    if role not in GrantRole.values:
        raise UserError("Choose a role.", code="role_invalid", field="role")
    refuse_diagnosis_alone(may_see_documents=may_see_documents, may_see_diagnosis=may_see_diagnosis)
    refuse_elsewhere(practice.id, client, "client_elsewhere", "client")
    refuse_elsewhere(practice.id, account, "account_elsewhere", "account")
    valid_from = valid_from or clock.business_date(clock.now(), practice.timezone)
    refuse_grant_dates(valid_from, valid_until)
    with transaction.atomic():
        same = Grant.objects.filter(practice=practice, contact=contact, client=client, account=account)
        if same.filter(valid_from=valid_from, withdrawn_at=None).exists():
            raise UserError("This person has this access already.", code="grant_exists", field="contact")
        grant = Grant.objects.create(
            practice=practice,
            contact=contact,
            client=client,
            account=account,
            role=role,
            may_pay=may_pay,
            may_see_documents=may_see_documents,
            may_see_diagnosis=may_see_diagnosis,
            valid_from=valid_from,
            valid_until=valid_until,
            created_at=clock.now(),
        )
        detail = {"role": role, "pay": may_pay, "documents": may_see_documents, "diagnosis": may_see_diagnosis}
        record(practice.id, actor_id, "clients.grant_access", "grant", grant.id, detail)
    return grant


def end_grant(*, grant: Grant, last_day: date | None = None, actor_id: UUID | None) -> Grant:
    """Take the access away at once, or after `last_day`. Raises UserError `grant_dates`."""
    with transaction.atomic():
        grant = lock(Grant.objects.filter(practice=grant.practice_id, id=grant.id)).get()
        if last_day is None:
            grant.withdrawn_at = grant.withdrawn_at or clock.now()
        else:
            refuse_grant_dates(grant.valid_from, last_day)
            grant.valid_until = last_day
        grant.save(update_fields=["withdrawn_at", "valid_until"])
        detail = {"last_day": last_day.isoformat() if last_day else ""}
        record(grant.practice_id, actor_id, "clients.end_grant", "grant", grant.id, detail)
    return grant


def invite_contact(*, contact: Contact, invited_by: UUID | None) -> tuple[Invitation, str]:
    """Invite the contact to the portal: the row and the token of the link. `invited_by` is the user's id.

    Raises UserError `email_missing`, `already_signs_in`, `no_email_wished`.
    """
    if contact.user_id is not None:
        raise UserError("This person can sign in already.", code="already_signs_in")
    clients = Client.objects.filter(practice=contact.practice_id, grants__contact=contact)
    refuse_silent(wants_no_email=clients.filter(wants_no_email=True).exists())
    with transaction.atomic():
        invitation, token = accounts.invite(
            practice=contact.practice,
            email=contact.email,
            subject_kind="contact",
            subject_id=contact.id,
            invited_by=invited_by,
        )
        Contact.objects.filter(practice=contact.practice_id, id=contact.id).update(invitation=invitation)
        contact.invitation = invitation
    return invitation, token


def link_contact(invitation: Invitation, user: User) -> None:
    """What accepting an invitation of the kind `contact` does: from now on the user is that contact."""
    rows = Contact.objects.filter(practice=invitation.practice_id, id=invitation.subject_id)
    contact = lock(rows).first()
    if contact is None or contact.user_id not in (None, user.id):
        raise BadInvitation
    contact.user = user
    _save_contact(contact)
    if not user.name:
        user.name = contact.name
        user.save(update_fields=["name"])


def _save_contact(contact: Contact) -> None:
    try:
        with transaction.atomic():
            contact.save()
    except IntegrityError:
        raise UserError(
            "This person's sign-in belongs to another contact of the practice. Ask the practice to merge them.",
            code="contact_user_taken",
            field="email",
        ) from None


def refuse_silent(*, wants_no_email: bool) -> None:
    """Raises UserError `no_email_wished`: an invitation is an e-mail, and none goes out about such a client."""
    if wants_no_email:
        raise UserError(
            "The client wants no e-mail, so no invitation can be sent. Ask the client, and change it in the record "
            "first.",
            code="no_email_wished",
            field="invite",
        )


def refuse_diagnosis_alone(*, may_see_documents: bool, may_see_diagnosis: bool) -> None:
    """Raises UserError `diagnosis_needs_documents`."""
    if may_see_diagnosis and not may_see_documents:
        raise UserError(
            "Seeing the diagnosis needs the right to see documents too.",
            code="diagnosis_needs_documents",
            field="may_see_diagnosis",
        )


def refuse_grant_dates(valid_from: date, valid_until: date | None) -> None:
    """Raises UserError `grant_dates`."""
    if valid_until is not None and valid_until < valid_from:
        raise UserError(
            "The last day of access can't be before its first.", code="grant_dates", field="valid_until"
        )
