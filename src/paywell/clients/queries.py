"""Reads about clients for the practice's desk, always scoped to the viewer."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.db.models import F, Q, QuerySet

from paywell.accounts.models import Role
from paywell.accounts.types import StaffViewer
from paywell.clients.access import clients_of
from paywell.clients.models import BillingAccount, Client, Contact, Grant, StandingShare
from paywell.clients.search import find_clients


def list_clients(*, viewer: StaffViewer, search: str = "", archived: bool = False) -> QuerySet[Client]:
    """Clients by name; a clinician's own only. Each word of `search` must begin one of the client's own words."""
    rows = clients_of(viewer).filter(archived_at__isnull=not archived)
    if search.strip():
        rows = find_clients(rows, viewer.practice.id, search)
    rows = rows.select_related("default_account", "clinician")
    return rows.order_by("legal_last_name", "legal_first_name", "id")


def list_namesakes(*, viewer: StaffViewer, first: str, last: str, birth_date: date | None) -> list[Client]:
    """Clients of that legal name, at most five; without those who were born on another day than the one given."""
    rows = clients_of(viewer).filter(legal_first_name__iexact=first.strip(), legal_last_name__iexact=last.strip())
    if birth_date:
        rows = rows.filter(Q(birth_date=None) | Q(birth_date=birth_date))
    return list(rows.select_related("clinician").order_by("created_at", "id")[:5])


def list_accounts(
    *, viewer: StaffViewer, client: Client, others: QuerySet[Any, Any] | None = None
) -> list[BillingAccount]:
    """The accounts that may owe for the client: the default one, those with a share, those with a grant; and
    `others`, a query of ids. One query."""
    rows = BillingAccount.objects.filter(practice=viewer.practice)
    known = Q(clients=client) | Q(shares__client=client) | Q(grants__client=client)
    rows = rows.filter(known if others is None else known | Q(id__in=others))
    return list(rows.distinct().order_by("name", "id"))


def list_loose_accounts(viewer: StaffViewer) -> list[BillingAccount]:
    """The latest accounts, five at most, that are no client's: made, and nobody was given access yet. One query."""
    rows = BillingAccount.objects.filter(practice=viewer.practice, clients=None, grants=None, shares=None)
    return list(rows.order_by("-created_at", "id")[:5])


def find_accounts(*, viewer: StaffViewer, client: Client, words: str) -> list[BillingAccount]:
    """At most twelve accounts that have each of the words in their name or in that of a client who has them as the
    default one; none without a word, and not the client's own. With those clients. Two queries."""
    rows = BillingAccount.objects.filter(practice=viewer.practice).exclude(pk=client.default_account_id)
    for word in words.split()[:6]:
        named = clients_of(viewer).filter(Q(legal_first_name__icontains=word) | Q(legal_last_name__icontains=word))
        rows = rows.filter(Q(name__icontains=word) | Q(id__in=named.values("default_account_id")))
    return list(rows.prefetch_related("clients").order_by("name", "id")[:12]) if words.strip() else []


def list_grants(*, viewer: StaffViewer, client: Client) -> list[Grant]:
    """Who may act for the client, withdrawn and past grants included, the newest first."""
    rows = Grant.objects.filter(practice=viewer.practice, client=client)
    rows = rows.select_related("contact", "contact__user", "contact__invitation", "account")
    return list(rows.order_by("-valid_from", "contact__name", "id"))


def list_contacts(*, viewer: StaffViewer, search: str = "") -> QuerySet[Contact]:
    """The practice's contacts by name; for a clinician those with a grant for one of their own clients."""
    rows = Contact.objects.filter(practice=viewer.practice)
    if viewer.role is Role.CLINICIAN:
        rows = rows.filter(id__in=Grant.objects.filter(client__in=clients_of(viewer)).values("contact_id"))
    for word in search.split()[:8]:
        rows = rows.filter(Q(name__icontains=word) | Q(email__icontains=word))
    return rows.select_related("user", "invitation").order_by("name", "id")


def get_standing_shares(client: Client) -> list[StandingShare]:
    """How a new service of the client is shared out: for all kinds, then for single ones; fixed amounts first, then
    the largest share. Empty: the default account owes everything."""
    rows = StandingShare.objects.filter(practice=client.practice_id, client=client).select_related("account")
    return list(rows.order_by("applies_to", F("basis_points").desc(nulls_first=True), "account_id"))
