"""Whose accounts a person may open, and which clients staff may see. Checked and fetched in one step."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import date, timedelta
from uuid import UUID

from babel.lists import format_list
from django.contrib.auth.models import AnonymousUser
from django.db.models import F, Q, QuerySet
from django.http import HttpRequest

from paywell.accounts.models import Role, User
from paywell.accounts.types import StaffViewer
from paywell.clients.models import BillingAccount, Client, Grant
from paywell.clients.types import AccountChoice, ClientRights, PortalViewer
from paywell.core import clock
from paywell.core.db import all_practices
from paywell.core.errors import NotFoundForViewer
from paywell.core.prepared import Prepared
from paywell.core.security_log import access_refused

OPEN_ACCOUNT = "open_account_id"


def access_portal(user: User | AnonymousUser, account_id: UUID | None) -> PortalViewer:
    """The person as a contact looking at one billing account. One query for everything.

    Without `account_id` it is the first of theirs. Raises NotFoundForViewer, with a security log line, when
    no grant that is valid today in the practice's time zone opens the account.
    """
    grants = _grants_valid_today([user.id]) if isinstance(user, User) else []
    opened = [g for g in grants if account_id is None or g.account_id == account_id]
    if not opened:
        access_refused(viewer=user, kind="account", target=account_id or "first", reason="no grant today")
        raise NotFoundForViewer
    return _make_viewer(opened, grants)


def find_portals(wanted: Collection[tuple[UUID, UUID]]) -> dict[tuple[UUID, UUID], PortalViewer]:
    """For each pair of a user's and an account's id what `access_portal` gives; without those that open nothing.

    For work on behalf of many payers: nobody is turned away here, so nothing is logged. One query, however many.
    """
    by_user: dict[UUID | None, list[Grant]] = {}
    for grant in _grants_valid_today(sorted({user_id for user_id, _account in wanted})) if wanted else ():
        by_user.setdefault(grant.contact.user_id, []).append(grant)
    found = {}
    for user_id, account_id in wanted:
        grants = by_user.get(user_id, [])
        opened = [grant for grant in grants if grant.account_id == account_id]
        if opened:
            found[user_id, account_id] = _make_viewer(opened, grants)
    return found


def _make_viewer(opened: list[Grant], grants: list[Grant]) -> PortalViewer:
    """The person of these grants, looking at the account of the first of `opened`."""
    first = opened[0]
    return PortalViewer(
        id=first.contact.user_id,  # type: ignore[arg-type]
        contact=first.contact,
        practice=first.practice,
        account=first.account,
        rights=_merge_rights(g for g in opened if g.account_id == first.account_id),
        choices=_choices(grants),
    )


def has_portal(user: User) -> bool:
    """Whether any grant lets the person into the portal today."""
    return bool(_grants_valid_today([user.id]))


def switch_account(request: HttpRequest, account_id: UUID) -> PortalViewer:
    """Open another account of the same person. Raises NotFoundForViewer and changes nothing if not theirs."""
    with all_practices():
        viewer = access_portal(request.user, account_id)
    request.session[OPEN_ACCOUNT] = str(viewer.account.id)
    return viewer


def access_client(viewer: StaffViewer, client_id: UUID) -> Client:
    """One client of the viewer's practice; for a clinician only their own. Raises NotFoundForViewer."""
    rows = clients_of(viewer).select_related("default_account", "clinician")
    client = rows.filter(id=client_id).first()
    if client is None:
        access_refused(viewer=viewer, kind="client", target=client_id, reason="not theirs")
        raise NotFoundForViewer
    return client


def access_billing_account(viewer: StaffViewer, account_id: UUID) -> BillingAccount:
    """One billing account of the viewer's practice; for a clinician only those of their own clients."""
    rows = BillingAccount.objects.filter(practice=viewer.practice, id=account_id)
    if viewer.role is Role.CLINICIAN:
        own = clients_of(viewer).values("id")
        rows = rows.filter(Q(clients__in=own) | Q(shares__client__in=own) | Q(grants__client__in=own)).distinct()
    account = rows.first()
    if account is None:
        access_refused(viewer=viewer, kind="billing account", target=account_id, reason="not theirs")
        raise NotFoundForViewer
    return account


def access_grant(viewer: StaffViewer, grant_id: UUID) -> Grant:
    """One grant of a client whom the viewer may see."""
    rows = Grant.objects.filter(practice=viewer.practice, client__in=clients_of(viewer))
    grant = rows.select_related("contact", "client", "account").filter(id=grant_id).first()
    if grant is None:
        access_refused(viewer=viewer, kind="grant", target=grant_id, reason="not theirs")
        raise NotFoundForViewer
    return grant


def clients_of(viewer: StaffViewer) -> QuerySet[Client]:
    """All clients that the staff member may see: the practice's, or a clinician's own."""
    rows = Client.objects.filter(practice=viewer.practice)
    if viewer.role is not Role.CLINICIAN:
        return rows
    return rows.filter(clinician_id=viewer.clinician_id) if viewer.clinician_id else rows.none()


def own_client_ids(viewer: StaffViewer) -> list[UUID]:
    """Ids of `clients_of`, for inside a query: PostgreSQL would walk the clients once for each of its rows."""
    return list(clients_of(viewer).values_list("id", flat=True))


def _grants_valid_today(users: Collection[UUID]) -> list[Grant]:
    """The users' grants with everything a page needs, in the switcher's order.

    "Today" is a matter of each practice's time zone, at most a day away from UTC's: the database narrows
    down, the exact day is compared here.
    """
    now = clock.now()
    rows = _GRANTS(
        users=users, begun_by=now.date() + timedelta(days=1), not_ended_by=now.date() - timedelta(days=1)
    )
    return [
        grant
        for grant in rows
        if grant.valid_from <= (today := clock.business_date(now, grant.practice.timezone))
        and (grant.valid_until is None or today <= grant.valid_until)
    ]


def _grants(users: Collection[UUID], begun_by: date, not_ended_by: date) -> QuerySet[Grant]:
    return (
        Grant.objects.filter(
            contact__user__in=users,
            contact__practice=F("practice"),
            client__practice=F("practice"),
            account__practice=F("practice"),
            withdrawn_at=None,
            valid_from__lte=begun_by,
        )
        .filter(Q(valid_until=None) | Q(valid_until__gte=not_ended_by))
        .select_related("practice", "contact", "client", "account")
        .defer("practice__logo")
        .order_by("practice__name", "account__name", "account_id", "client__legal_first_name", "client_id")
    )


_GRANTS = Prepared(_grants)


def _merge_rights(grants: Iterable[Grant]) -> tuple[ClientRights, ...]:
    """One entry for each client: where several grants touch the same one, any of them suffices."""
    merged: dict[UUID, ClientRights] = {}
    for grant in grants:
        before = merged.get(grant.client_id)
        merged[grant.client_id] = ClientRights(
            client_id=grant.client_id,
            name=grant.client.name,
            may_pay=grant.may_pay or bool(before and before.may_pay),
            may_see_documents=grant.may_see_documents or bool(before and before.may_see_documents),
            may_see_diagnosis=grant.may_see_diagnosis or bool(before and before.may_see_diagnosis),
            payments_allowed=grant.client.payments_allowed,
        )
    return tuple(merged.values())


def _choices(grants: list[Grant]) -> tuple[AccountChoice, ...]:
    """The switcher's entries: each account once, with the clients on it."""
    names: dict[UUID, dict[UUID, str]] = {}
    first: dict[UUID, Grant] = {}
    for grant in grants:
        first.setdefault(grant.account_id, grant)
        called = grant.client.preferred_name or grant.client.legal_first_name
        names.setdefault(grant.account_id, {})[grant.client_id] = called
    return tuple(
        AccountChoice(
            account_id=account_id,
            practice_name=grant.practice.name,
            names=format_list(list(names[account_id].values()), locale=grant.practice.locale),
            account_name=grant.account.name,
        )
        for account_id, grant in first.items()
    )
