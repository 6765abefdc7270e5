"""The list of clients, a client's header, and the people with access."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from datetime import date
from uuid import UUID

from django.db.models import Case, F, Q, QuerySet, Sum, Value, When

from paywell.accounts.types import StaffViewer
from paywell.clients import queries as clients
from paywell.clients.models import Client, Contact, Grant
from paywell.core import clock
from paywell.core.money import Money
from paywell.core.paging import Page
from paywell.desk.queries.scope import get_today
from paywell.desk.queries.services import get_uninvoiced_sum
from paywell.desk.types import CardRow, ClientHeader, ClientRow, GrantRow, Owed, Person, PortalStatus, paginate
from paywell.ledger.models import AccountKind, LineBalance
from paywell.ledger.queries import get_listed_balance
from paywell.payments.cards import list_cards_for_staff

#: Of grants: somebody signs in by it; somebody was asked to.
_REACHED = {
    "active": Q(contact__user__isnull=False),
    "invited": Q(contact__invitation__isnull=False, contact__invitation__withdrawn_at=None),
}


def list_clients(viewer: StaffViewer, *, words: str = "", show: str = "all", page: int = 1) -> Page[ClientRow]:
    """Pages of ClientRow by last name. `show`: all, owing, overdue, not_invited, invited, active, archived.

    Four queries, however many clients there are.
    """
    # The page is found by its keys, which an index alone answers; only its own rows are then read whole.
    keys = find_clients(viewer, words=words, show=show)
    return paginate(keys, page, lambda found: make_client_rows(viewer, [key.id for key in found]))


def find_clients(viewer: StaffViewer, *, words: str = "", show: str = "all") -> QuerySet[Client]:
    """The clients of the list, in its order, with nothing but their ids."""
    rows = clients.list_clients(viewer=viewer, search=words, archived=show == "archived")
    today = get_today(viewer)
    if show in ("owing", "overdue"):
        open_lines = LineBalance.objects.filter(practice_id=viewer.practice.id, balance_minor__gt=0)
        if show == "overdue":
            open_lines = open_lines.filter(due_on__lt=today)
        rows = rows.filter(id__in=open_lines.values("subject_id"))
    if show == "not_invited":
        rows = _uninvited(viewer, rows)
    elif show in ("invited", "active"):
        rows = rows.filter(pk__in=_grants_today(viewer, today).filter(_REACHED[show]).values("client"))
        if show == "invited":
            active = _grants_today(viewer, today).filter(_REACHED["active"])
            rows = rows.exclude(pk__in=active.values("client"))
    return rows.select_related(None).only("id")


def make_client_rows(viewer: StaffViewer, ids: Sequence[UUID]) -> list[ClientRow]:
    """Rows of those of the clients whom the viewer may see, in this order. Three queries."""
    whole = clients.clients_of(viewer).select_related("clinician").in_bulk(ids)
    owed = get_owed_by_client(viewer, ids)
    statuses = get_portal_statuses(viewer, ids)
    return [ClientRow(whole[one], owed[one], statuses[one]) for one in ids if one in whole]


def get_owed_by_client(viewer: StaffViewer, client_ids: Collection[UUID]) -> dict[UUID, Owed]:
    """What is owed for each client, over all accounts that share in it. One query."""
    currency = viewer.practice.currency
    late = Case(When(due_on__lt=get_today(viewer), then=F("balance_minor")), default=Value(0))
    sums: dict[UUID | None, list[int]] = defaultdict(lambda: [0, 0])
    for client_id, owed, overdue in (
        LineBalance.objects.filter(practice_id=viewer.practice.id, balance_minor__gt=0, subject_id__in=client_ids)
        .values("subject_id")
        .annotate(owed=Sum("balance_minor"), overdue=Sum(late))
        .values_list("subject_id", "owed", "overdue")
    ):
        sums[client_id][0] += owed
        sums[client_id][1] += overdue
    return {one: Owed(Money(sums[one][0], currency), Money(sums[one][1], currency)) for one in client_ids}


def get_portal_statuses(viewer: StaffViewer, client_ids: Collection[UUID]) -> dict[UUID, PortalStatus]:
    """For each client the best standing of any person who has access today. One query."""
    order = list(PortalStatus)
    best = dict.fromkeys(client_ids, PortalStatus.NOT_INVITED)
    grants = _grants_today(viewer, get_today(viewer)).filter(client__in=client_ids)
    for grant in grants.select_related("contact__invitation"):
        best[grant.client_id] = min(best[grant.client_id], get_contact_status(grant.contact), key=order.index)
    return best


def get_contact_status(contact: Contact) -> PortalStatus:
    """Where one person's sign-in stands. No query when the invitation is fetched along."""
    if contact.user_id is not None:
        return PortalStatus.ACTIVE
    invitation = contact.invitation
    if invitation is None or invitation.withdrawn_at is not None:
        return PortalStatus.NOT_INVITED
    return PortalStatus.INVITED if invitation.expires_at > clock.now() else PortalStatus.EXPIRED


def count_uninvited(viewer: StaffViewer) -> int:
    """Clients for whom nobody can sign in and nobody was asked to. One query."""
    return _uninvited(viewer, clients.list_clients(viewer=viewer)).count()


def _uninvited(viewer: StaffViewer, rows: QuerySet[Client]) -> QuerySet[Client]:
    reached = _REACHED["active"] | _REACHED["invited"]
    # Not a correlated NOT EXISTS: without statistics PostgreSQL runs that client by client over all grants.
    reached_clients = _grants_today(viewer, get_today(viewer)).filter(reached).values("client")
    return rows.exclude(pk__in=reached_clients)


def _grants_today(viewer: StaffViewer, today: date) -> QuerySet[Grant]:
    return Grant.objects.filter(
        Q(valid_until=None) | Q(valid_until__gte=today),
        practice=viewer.practice,
        withdrawn_at=None,
        valid_from__lte=today,
    )


def get_header(viewer: StaffViewer, client: Client) -> ClientHeader:
    """The client's balance and standing, for the top of their record. Four queries."""
    currency = viewer.practice.currency
    uninvoiced, count = get_uninvoiced_sum(viewer, client)
    credit = -get_listed_balance(
        practice_id=viewer.practice.id,
        kind=AccountKind.CLIENT_CREDIT,
        owner_id=client.default_account_id,
        currency=currency,
    )
    return ClientHeader(
        client=client,
        owed=get_owed_by_client(viewer, [client.id])[client.id],
        credit=Money(max(credit, 0), currency),
        uninvoiced=uninvoiced,
        uninvoiced_count=count,
        portal_status=get_portal_statuses(viewer, [client.id])[client.id],
    )


def list_client_cards(viewer: StaffViewer, client: Client) -> list[CardRow]:
    """The saved cards of everybody who may pay for the client today. Three queries."""
    today = get_today(viewer)
    payers = _grants_today(viewer, today).filter(client=client, may_pay=True).values_list("contact_id", flat=True)
    rows = []
    for card in list_cards_for_staff(viewer.practice.id, payers):
        consents = sorted(card.consents.all(), key=lambda consent: consent.at)
        ends = (card.exp_year, card.exp_month)
        rows.append(
            CardRow(
                card=card,
                is_expired=None not in ends and ends < (today.year, today.month),
                consent_at=consents[-1].at if consents else None,
            )
        )
    return rows


def list_people(viewer: StaffViewer, client: Client) -> list[Person]:
    """Everybody who has or had access to the client, those with access today first. One query."""
    today = get_today(viewer)
    by_contact: dict[UUID, list[Grant]] = defaultdict(list)
    for grant in clients.list_grants(viewer=viewer, client=client):
        by_contact[grant.contact_id].append(grant)
    people = [
        Person(
            contact=grants[0].contact,
            grants=tuple(_grant_row(grant, today) for grant in grants),
            status=get_contact_status(grants[0].contact),
            invitation=grants[0].contact.invitation,
        )
        for grants in by_contact.values()
    ]
    return sorted(people, key=lambda person: (not person.has_access, person.contact.name))


def _grant_row(grant: Grant, today: date) -> GrantRow:
    alive = grant.withdrawn_at is None and (grant.valid_until is None or grant.valid_until >= today)
    return GrantRow(
        grant, is_current=alive and grant.valid_from <= today, is_ahead=alive and grant.valid_from > today
    )
