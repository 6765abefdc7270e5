"""Clients, contacts and grants for tests."""

from __future__ import annotations

from datetime import date
from itertools import count
from typing import Any

from paywell.accounts.models import User
from paywell.accounts.tests.factories import make_user
from paywell.clients import actions
from paywell.clients.models import BillingAccount, Client, Contact, Grant
from paywell.practice.models import Practice

_numbers = count(1)


def make_client(practice: Practice, **fields: Any) -> Client:
    n = next(_numbers)
    fields = {"legal_first_name": f"First{n}", "legal_last_name": f"Last{n}", "actor_id": None} | fields
    return actions.create_client(practice=practice, **fields)


def make_contact(practice: Practice, **fields: Any) -> Contact:
    n = next(_numbers)
    fields = {"name": f"Contact {n}", "email": f"contact{n}@example.org", "actor_id": None} | fields
    return actions.create_contact(practice=practice, **fields)


def make_grant(contact: Contact, client: Client, account: BillingAccount | None = None, **fields: Any) -> Grant:
    fields = {"role": "self", "valid_from": date(2026, 1, 1), "actor_id": None} | fields
    return actions.grant_access(contact=contact, client=client, account=account or client.default_account, **fields)


def make_portal_user(practice: Practice, **rights: Any) -> tuple[User, Client]:
    """A person with a sign-in who acts for one client of the practice."""
    user = make_user()
    client = make_client(practice)
    make_grant(make_contact(practice, user=user, email=user.email), client, **rights)
    return user, client
