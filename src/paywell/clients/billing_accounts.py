"""Changes of who owes: an account's name and address, and which account owes for a client."""

from __future__ import annotations

from uuid import UUID

from django.db import transaction

from paywell.audit.actions import record
from paywell.clients.models import BillingAccount, Client
from paywell.clients.search import index_account
from paywell.core.db import lock
from paywell.core.errors import UserError


def change_billing_account(
    *,
    account: BillingAccount,
    name: str,
    street: str = "",
    city: str = "",
    state: str = "",
    postal_code: str = "",
    actor_id: UUID | None,
) -> BillingAccount:
    """Another name or address, for what is issued from now on. Raises UserError `name_missing`."""
    if not name.strip():
        raise UserError("Enter whom invoices are addressed to.", code="name_missing", field="name")
    values = {"name": name, "street": street, "city": city, "state": state, "postal_code": postal_code}
    with transaction.atomic():
        row = lock(BillingAccount.objects.filter(practice=account.practice_id, pk=account.pk)).get()
        changed = [field for field, value in values.items() if getattr(row, field) != value.strip()]
        for field in changed:
            setattr(row, field, values[field].strip())
        if changed:
            row.save(update_fields=changed)
            if "name" in changed:
                index_account(row)
            record(
                practice_id=row.practice_id, actor_id=actor_id, action="clients.change_billing_account",
                target_kind="billing_account", target_id=row.id, detail={"fields": changed},
            )  # fmt: skip
    return row


def set_default_account(*, client: Client, account: BillingAccount, actor_id: UUID | None) -> Client:
    """From now on `account` owes what no share says otherwise; several clients may have the same one.

    What is on an invoice stays where it is. Raises UserError `account_elsewhere`.
    """
    if account.practice_id != client.practice_id:
        raise UserError("Choose one of this practice.", code="account_elsewhere", field="account")
    with transaction.atomic():
        row = lock(Client.objects.filter(practice=client.practice_id, pk=client.pk)).get()
        if row.default_account_id != account.id:
            row.default_account = account
            row.save(update_fields=["default_account"])
            record(
                practice_id=row.practice_id, actor_id=actor_id, action="clients.set_default_account",
                target_kind="client", target_id=row.id, detail={"account": str(account.id)},
            )  # fmt: skip
    return row
