"""Writes about clients, whom they owe through, and who may act for them.

Plain transactions, so that an import can put many of them into one.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction

from paywell.accounts import actions as accounts
from paywell.accounts.actions import clean_email
from paywell.accounts.errors import BadInvitation
from paywell.accounts.models import Invitation, User
from paywell.audit import actions as audit
from paywell.clients.models import BillingAccount, Client, Contact, Grant, GrantRole, StandingShare
from paywell.clients.search import index_account, index_client
from paywell.core import clock
from paywell.core.db import lock
from paywell.core.errors import UserError
from paywell.core.money import MAX_MINOR
from paywell.core.phones import parse_phone
from paywell.practice.models import Clinician, Practice

#: All of a service, in basis points.
WHOLE = 10_000

#: What staff may change on a client's record. The switch, the account and the practice have actions of their own.
_CHANGEABLE = frozenset(
    {
        "legal_first_name",
        "legal_last_name",
        "preferred_name",
        "birth_date",
        "sex",
        "email",
        "phone",
        "street",
        "city",
        "state",
        "postal_code",
        "private_street",
        "private_city",
        "private_state",
        "private_postal_code",
        "clinician",
        "wants_no_email",
        "external_id",
    }
)


def create_billing_account(
    *,
    practice: Practice,
    name: str,
    street: str = "",
    city: str = "",
    state: str = "",
    postal_code: str = "",
    actor_id: UUID | None,
) -> BillingAccount:
    """Somebody who owes. Raises UserError `name_missing`."""
    with transaction.atomic():
        account = BillingAccount.objects.create(
            practice=practice,
            name=_need(name, "name", "Enter whom invoices are addressed to."),
            currency=practice.currency,
            street=street,
            city=city,
            state=state,
            postal_code=postal_code,
            created_at=clock.now(),
        )
        index_account(account)
        _record(practice.id, actor_id, "clients.create_billing_account", "billing_account", account.id)
    return account


def create_client(
    *,
    practice: Practice,
    legal_first_name: str,
    legal_last_name: str,
    preferred_name: str = "",
    birth_date: date | None = None,
    sex: str = "",
    email: str = "",
    phone: str = "",
    street: str = "",
    city: str = "",
    state: str = "",
    postal_code: str = "",
    private_street: str = "",
    private_city: str = "",
    private_state: str = "",
    private_postal_code: str = "",
    clinician: Clinician | None = None,
    default_account: BillingAccount | None = None,
    payments_allowed: bool = True,
    wants_no_email: bool = False,
    external_id: str = "",
    actor_id: UUID | None,
) -> Client:
    """Somebody who receives care. Without a `default_account` one of their own is made, in their legal name.

    Raises UserError `legal_first_name_missing`, `legal_last_name_missing`, `email_invalid`, `phone_invalid`,
    `birth_date_invalid`, `clinician_elsewhere`, `account_elsewhere`, `external_id_taken`.
    """
    client = Client(practice=practice, payments_allowed=payments_allowed, created_at=clock.now())
    _fill(
        client,
        {
            "legal_first_name": legal_first_name,
            "legal_last_name": legal_last_name,
            "preferred_name": preferred_name,
            "birth_date": birth_date,
            "sex": sex,
            "email": email,
            "phone": phone,
            "street": street,
            "city": city,
            "state": state,
            "postal_code": postal_code,
            "private_street": private_street,
            "private_city": private_city,
            "private_state": private_state,
            "private_postal_code": private_postal_code,
            "clinician": clinician,
            "wants_no_email": wants_no_email,
            "external_id": external_id,
        },
    )
    if default_account is not None:
        _same_practice(practice.id, default_account, "account_elsewhere", "default_account")
    with transaction.atomic():
        client.default_account = default_account or create_billing_account(
            practice=practice,
            name=client.legal_name,
            street=street,
            city=city,
            state=state,
            postal_code=postal_code,
            actor_id=actor_id,
        )
        client.save(force_insert=True)
        index_client(client)
        _record(practice.id, actor_id, "clients.create_client", "client", client.id)
    return client


def change_client(*, client: Client, actor_id: UUID | None, **changes: Any) -> Client:
    """Change the record. Errors as in `create_client`; the audit trail keeps the names of the fields only."""
    unknown = set(changes) - _CHANGEABLE
    if unknown:
        raise TypeError(f"Not to be changed here: {', '.join(sorted(unknown))}.")
    with transaction.atomic():
        client = lock(Client.objects.filter(practice=client.practice_id, id=client.id)).get()
        changed = _fill(client, changes)
        if changed:
            client.save(update_fields=changed)
            index_client(client)
            _record(client.practice_id, actor_id, "clients.change_client", "client", client.id, {"fields": changed})
    return client


def set_client_payments_allowed(*, client: Client, allowed: bool, actor_id: UUID | None) -> Client:
    """The client's own switch Allow Payments Through Client Portal."""
    with transaction.atomic():
        client = lock(Client.objects.filter(practice=client.practice_id, id=client.id)).get()
        if client.payments_allowed != allowed:
            client.payments_allowed = allowed
            client.save(update_fields=["payments_allowed"])
            detail = {"allowed": allowed}
            _record(
                client.practice_id, actor_id, "clients.set_client_payments_allowed", "client", client.id, detail
            )
    return client


def set_archived(*, client: Client, is_archived: bool, actor_id: UUID | None) -> Client:
    """Take the client off the list, or put them back. The record, its people and its papers stay as they are."""
    with transaction.atomic():
        client = lock(Client.objects.filter(practice=client.practice_id, id=client.id)).get()
        if (client.archived_at is not None) is not is_archived:
            client.archived_at = clock.now() if is_archived else None
            client.save(update_fields=["archived_at"])
            detail = {"archived": is_archived}
            _record(client.practice_id, actor_id, "clients.set_archived", "client", client.id, detail)
    return client


def set_standing_shares(
    *,
    client: Client,
    shares: Mapping[UUID, int],
    fixed: Mapping[UUID, int] | None = None,
    applies_to: str = "",
    actor_id: UUID | None,
) -> list[StandingShare]:
    """How each new service of the client is shared out, or only those of the kind `applies_to`.

    `fixed` is an amount of each service in minor units by billing account, taken first; `shares` are basis points
    of the rest by billing account, 10,000 in all, or none: then the default account owes the rest. Neither means
    that nothing special holds. Raises UserError `shares_sum`, `share_range`, `share_twice`, `account_elsewhere`;
    invoices that are issued already stay as they are.
    """
    fixed = fixed or {}
    _check_shares(shares, fixed)
    with transaction.atomic():
        client = lock(Client.objects.filter(practice=client.practice_id, id=client.id)).get()
        accounts = shares.keys() | fixed.keys()
        if BillingAccount.objects.filter(practice=client.practice_id, id__in=accounts).count() != len(accounts):
            raise UserError("Choose accounts of this practice.", code="account_elsewhere", field="shares")
        own = StandingShare.objects.filter(practice=client.practice_id, client=client)
        own.filter(applies_to=applies_to).delete()
        rows = StandingShare.objects.bulk_create(
            StandingShare(
                practice_id=client.practice_id, client=client, applies_to=applies_to, account_id=account_id,
                basis_points=shares.get(account_id), fixed_minor=fixed.get(account_id),
            )
            for account_id in sorted(accounts)
        )  # fmt: skip
        detail = {
            "shares": {str(account_id): points for account_id, points in shares.items()},
            "fixed": {str(account_id): minor for account_id, minor in fixed.items()},
            "applies_to": applies_to,
        }
        _record(client.practice_id, actor_id, "clients.set_standing_shares", "client", client.id, detail)
    return rows


def _check_shares(shares: Mapping[UUID, int], fixed: Mapping[UUID, int]) -> None:
    if any(not 1 <= points <= WHOLE for points in shares.values()):
        raise UserError("Each share is more than 0% and at most 100%.", code="share_range", field="shares")
    if any(not 1 <= minor <= MAX_MINOR for minor in fixed.values()):
        raise UserError("A fixed amount is more than zero.", code="share_range", field="shares")
    if shares.keys() & fixed.keys():
        raise UserError("Give an account a percentage or an amount, not both.", code="share_twice", field="shares")
    if shares and sum(shares.values()) != WHOLE:
        raise UserError("The shares must add up to 100%.", code="shares_sum", field="shares")


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
        name=_need(name, "name", "Enter the person's name."),
        email=clean_email(email),
        phone=parse_phone(phone),
        user=user,
        created_at=clock.now(),
    )
    with transaction.atomic():
        _save_contact(contact)
        _record(practice.id, actor_id, "clients.create_contact", "contact", contact.id)
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
        contact.name = _need(name, "name", "Enter the person's name.")
        contact.email = clean_email(email)
        contact.phone = parse_phone(phone)
        contact.save(update_fields=["name", "email", "phone"])
        _record(contact.practice_id, actor_id, "clients.change_contact", "contact", contact.id)
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
    if may_see_diagnosis and not may_see_documents:
        raise UserError(
            "Seeing the diagnosis needs the right to see documents too.",
            code="diagnosis_needs_documents",
            field="may_see_diagnosis",
        )
    _same_practice(practice.id, client, "client_elsewhere", "client")
    _same_practice(practice.id, account, "account_elsewhere", "account")
    valid_from = valid_from or clock.business_date(clock.now(), practice.timezone)
    _check_dates(valid_from, valid_until)
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
        _record(practice.id, actor_id, "clients.grant_access", "grant", grant.id, detail)
    return grant


def end_grant(*, grant: Grant, last_day: date | None = None, actor_id: UUID | None) -> Grant:
    """Take the access away at once, or after `last_day`. Raises UserError `grant_dates`."""
    with transaction.atomic():
        grant = lock(Grant.objects.filter(practice=grant.practice_id, id=grant.id)).get()
        if last_day is None:
            grant.withdrawn_at = grant.withdrawn_at or clock.now()
        else:
            _check_dates(grant.valid_from, last_day)
            grant.valid_until = last_day
        grant.save(update_fields=["withdrawn_at", "valid_until"])
        detail = {"last_day": last_day.isoformat() if last_day else ""}
        _record(grant.practice_id, actor_id, "clients.end_grant", "grant", grant.id, detail)
    return grant


def invite_contact(*, contact: Contact, invited_by: UUID | None) -> tuple[Invitation, str]:
    """Invite the contact to the portal: the row and the token of the link. `invited_by` is the user's id.

    Raises UserError `email_missing`, `already_signs_in`.
    """
    if contact.user_id is not None:
        raise UserError("This person can sign in already.", code="already_signs_in")
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


def _fill(client: Client, changes: Mapping[str, Any]) -> list[str]:
    """Check and set the fields; gives the names of those that changed."""
    values: dict[str, Any] = {k: v.strip() if isinstance(v, str) else v for k, v in changes.items()}
    if "email" in values:
        values["email"] = clean_email(values["email"])
    if "phone" in values:
        values["phone"] = parse_phone(values["phone"])
    for field, question in (("legal_first_name", "first"), ("legal_last_name", "last")):
        if field in values:
            values[field] = _need(values[field], field, f"Enter the client's legal {question} name.")
    if values.get("sex", "") not in ("", "F", "M", "X"):
        raise UserError("Choose F, M or X, or leave it empty.", code="sex_invalid", field="sex")
    birth_date = values.get("birth_date")
    if birth_date is not None and not date(1900, 1, 1) <= birth_date <= clock.now().date():
        raise UserError("Enter a date of birth in the past.", code="birth_date_invalid", field="birth_date")
    if values.get("clinician") is not None:
        _same_practice(client.practice_id, values["clinician"], "clinician_elsewhere", "clinician")
    if values.get("external_id"):
        same = Client.objects.filter(practice=client.practice_id, external_id=values["external_id"])
        if same.exclude(id=client.id).exists():
            raise UserError("Another client has this number.", code="external_id_taken", field="external_id")
    changed = [name for name, value in values.items() if getattr(client, name) != value]
    for name in changed:
        setattr(client, name, values[name])
    return changed


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


def _check_dates(valid_from: date, valid_until: date | None) -> None:
    if valid_until is not None and valid_until < valid_from:
        raise UserError(
            "The last day of access can't be before its first.", code="grant_dates", field="valid_until"
        )


def _need(text: str, field: str, message: str) -> str:
    if not text.strip():
        raise UserError(message, code=f"{field}_missing", field=field)
    return text.strip()


def _same_practice(practice_id: UUID, row: Client | BillingAccount | Clinician, code: str, field: str) -> None:
    if row.practice_id != practice_id:
        raise UserError("Choose one of this practice.", code=code, field=field)


def _record(
    practice_id: UUID,
    actor_id: UUID | None,
    action: str,
    kind: str,
    target_id: UUID,
    detail: dict[str, Any] | None = None,
) -> None:
    audit.record(
        practice_id=practice_id,
        actor_id=actor_id,
        action=action,
        target_kind=kind,
        target_id=target_id,
        detail=detail,
    )
