"""Writes about clients, whom they owe through, and who may act for them.

Plain transactions, so that an import can put many of them into one.
What concerns people stands in `clients.people`.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any
from uuid import UUID

from django.db import transaction

from paywell.accounts.actions import clean_email
from paywell.clients.models import BillingAccount, Client, StandingShare
from paywell.clients.people import (
    change_contact,
    create_contact,
    end_grant,
    grant_access,
    invite_contact,
    link_contact,
)
from paywell.clients.search import index_account, index_client
from paywell.clients.writing import need, record, refuse_elsewhere
from paywell.core import clock
from paywell.core.db import lock
from paywell.core.errors import UserError
from paywell.core.money import MAX_MINOR
from paywell.core.phones import parse_phone
from paywell.practice.models import Clinician, Practice

__all__ = [
    "WHOLE",
    "change_client",
    "change_contact",
    "create_billing_account",
    "create_client",
    "create_contact",
    "end_grant",
    "grant_access",
    "invite_contact",
    "link_contact",
    "set_archived",
    "set_client_payments_allowed",
    "set_standing_shares",
]

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


#: Where mail goes instead, at a client's wish.
_PRIVATE = ("private_street", "private_city", "private_state", "private_postal_code")


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
            name=need(name, "name", "Enter whom invoices are addressed to."),
            currency=practice.currency,
            street=street,
            city=city,
            state=state,
            postal_code=postal_code,
            created_at=clock.now(),
        )
        index_account(account)
        record(practice.id, actor_id, "clients.create_billing_account", "billing_account", account.id)
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
    `birth_date_invalid`, `private_address_incomplete`, `clinician_elsewhere`, `account_elsewhere`,
    `external_id_taken`.
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
        refuse_elsewhere(practice.id, default_account, "account_elsewhere", "default_account")
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
        record(practice.id, actor_id, "clients.create_client", "client", client.id)
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
            record(client.practice_id, actor_id, "clients.change_client", "client", client.id, {"fields": changed})
    return client


def set_client_payments_allowed(*, client: Client, allowed: bool, actor_id: UUID | None) -> Client:
    """The client's own switch Allow Payments Through Client Portal."""
    with transaction.atomic():
        client = lock(Client.objects.filter(practice=client.practice_id, id=client.id)).get()
        if client.payments_allowed != allowed:
            client.payments_allowed = allowed
            client.save(update_fields=["payments_allowed"])
            detail = {"allowed": allowed}
            record(client.practice_id, actor_id, "clients.set_client_payments_allowed", "client", client.id, detail)
    return client


def set_archived(*, client: Client, is_archived: bool, actor_id: UUID | None) -> Client:
    """Take the client off the list, or put them back. The record, its people and its papers stay as they are."""
    with transaction.atomic():
        client = lock(Client.objects.filter(practice=client.practice_id, id=client.id)).get()
        if (client.archived_at is not None) is not is_archived:
            client.archived_at = clock.now() if is_archived else None
            client.save(update_fields=["archived_at"])
            detail = {"archived": is_archived}
            record(client.practice_id, actor_id, "clients.set_archived", "client", client.id, detail)
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
        record(client.practice_id, actor_id, "clients.set_standing_shares", "client", client.id, detail)
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


def refuse_half_a_private_address(values: Mapping[str, Any]) -> None:
    """`values` of a client by field. Raises UserError `private_address_incomplete` at the first that misses.

    Mail to half an address comes back, or goes where the client asked it not to.
    """
    missing = [name for name in _PRIVATE if not values.get(name)]
    if missing and len(missing) < len(_PRIVATE):
        raise UserError(
            "Enter the whole confidential address, or leave all of it empty.",
            code="private_address_incomplete",
            field=missing[0],
        )


def refuse_birth_date(born: date | None) -> None:
    """Raises UserError `birth_date_invalid` for a day before 1900 or to come."""
    if born is not None and not date(1900, 1, 1) <= born <= clock.now().date():
        raise UserError("Enter a date of birth in the past.", code="birth_date_invalid", field="birth_date")


def _fill(client: Client, changes: Mapping[str, Any]) -> list[str]:
    """Check and set the fields; gives the names of those that changed."""
    values: dict[str, Any] = {k: v.strip() if isinstance(v, str) else v for k, v in changes.items()}
    if "email" in values:
        values["email"] = clean_email(values["email"])
    if "phone" in values:
        values["phone"] = parse_phone(values["phone"])
    for field, question in (("legal_first_name", "first"), ("legal_last_name", "last")):
        if field in values:
            values[field] = need(values[field], field, f"Enter the client's legal {question} name.")
    if values.get("sex", "") not in ("", "F", "M", "X"):
        raise UserError("Choose F, M or X, or leave it empty.", code="sex_invalid", field="sex")
    refuse_birth_date(values.get("birth_date"))
    if values.get("clinician") is not None:
        refuse_elsewhere(client.practice_id, values["clinician"], "clinician_elsewhere", "clinician")
    if values.get("external_id"):
        same = Client.objects.filter(practice=client.practice_id, external_id=values["external_id"])
        if same.exclude(id=client.id).exists():
            raise UserError("Another client has this number.", code="external_id_taken", field="external_id")
    changed = [name for name, value in values.items() if getattr(client, name) != value]
    for name in changed:
        setattr(client, name, values[name])
    if not set(_PRIVATE).isdisjoint(changed):
        refuse_half_a_private_address(vars(client))
    return changed
