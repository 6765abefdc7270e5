"""Superbills that a viewer has made: for one service, for chosen ones, for a range of days.

Whoever asks, the check runs first. Staff may issue against what is almost certainly wrong, with a reason; a client
is told that the practice has something to put right.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import date
from typing import NoReturn
from uuid import UUID

from paywell.accounts.types import Permission
from paywell.care.models import NEVER_ON_A_SUPERBILL, Service
from paywell.clients.models import BillingAccount
from paywell.clients.types import PortalViewer
from paywell.core.errors import NotFoundForViewer
from paywell.core.security_log import access_refused
from paywell.documents.actions import find_on_file, issue_current
from paywell.documents.check import Level, Problem, check_superbill
from paywell.documents.errors import NoSuperbill
from paywell.documents.models import IssuedDocument
from paywell.documents.parts import phone_text
from paywell.documents.rights import Viewer, get_own_clients
from paywell.documents.superbills import draft_superbills, get_services, refuse_services
from paywell.invoicing.models import InvoiceLine

#: A range with more services than this is asked for in parts.
MOST_SERVICES = 400


def make_superbills(viewer: Viewer, service_ids: Sequence[UUID], *, reason: str = "") -> list[IssuedDocument]:
    """The superbill of these services of one client: the one on file where it still says the same, else a new one
    that replaces it. More than one only where there are more than twelve diagnoses.

    Raises NotFoundForViewer where any of them isn't this viewer's to see, and NoSuperbill (with its reason) where
    the check blocks, or where staff gave no `reason` for what needs one.
    """
    services = access_services(viewer, service_ids)
    refuse_services(services)
    account = _account_of(viewer, services)
    problems = check_superbill(viewer.practice, services)
    drafts = draft_superbills(viewer.practice, services, account)
    levels = {problem.level for problem in problems}
    if isinstance(viewer, PortalViewer) and Level.REASON in levels and Level.BLOCK not in levels:
        # Staff gave their reason when they issued it: the client may have what is on file.
        on_file = [find_on_file(viewer.practice, draft) for draft in drafts]
        kept = [row for row in on_file if row is not None]
        if kept and len(kept) == len(drafts):
            return kept
    _refuse_problems(viewer, problems, reason)
    return [
        issue_current(practice=viewer.practice, draft=draft, actor_id=viewer.id, override=reason.strip())
        for draft in drafts
    ]


def make_superbills_for_range(
    viewer: Viewer, *, client_id: UUID, date_from: date, date_to: date, reason: str = ""
) -> list[IssuedDocument]:
    """The same for everything in these days (both included) that can be on a superbill. See `find_services`."""
    ids = find_services(viewer, client_id=client_id, date_from=date_from, date_to=date_to)
    return make_superbills(viewer, ids, reason=reason)


def find_services(viewer: Viewer, *, client_id: UUID, date_from: date, date_to: date) -> list[UUID]:
    """A client's services of the days that a superbill may list: no fees for what did not take place, and nothing
    that is kept from the insurer. In the portal: what the open account was billed for.

    Raises NoSuperbill `range_invalid`, `nothing_in_range`, `too_many`.
    """
    if date_to < date_from:
        raise NoSuperbill("The range ends before it begins.", code="range_invalid", field="date_to")
    rows = Service.objects.filter(
        practice=viewer.practice,
        client=client_id,
        on__gte=date_from,
        on__lte=date_to,
        voided_at=None,
        is_kept_from_insurer=False,
    ).exclude(kind__in=NEVER_ON_A_SUPERBILL)
    if isinstance(viewer, PortalViewer):
        rows = rows.filter(lines__account=viewer.account).distinct()
    ids = list(rows.order_by("on", "id").values_list("id", flat=True)[: MOST_SERVICES + 1])
    if not ids:
        raise NoSuperbill("There is no service of these days for a superbill.", code="nothing_in_range")
    if len(ids) > MOST_SERVICES:
        raise NoSuperbill("Choose fewer days: there are too many services.", code="too_many", field="date_from")
    return ids


def access_services(viewer: Viewer, service_ids: Sequence[UUID]) -> list[Service]:
    """The services, if this viewer may have all of them on a superbill. Raises NotFoundForViewer."""
    wanted = set(service_ids)
    target = min(wanted, default="nothing chosen", key=str)
    if not isinstance(viewer, PortalViewer):
        for permission in (Permission.SEE_CLIENTS, Permission.SEE_DIAGNOSES):
            if not viewer.may(permission):
                _refuse(viewer, target, f"role lacks {permission}")
    services = get_services(viewer.practice, list(wanted))
    if not wanted or len(services) != len(wanted):
        _refuse(viewer, target, "no such service in the practice")
    if isinstance(viewer, PortalViewer):
        _check_portal(viewer, services)
    else:
        own = get_own_clients(viewer, {service.client_id for service in services})
        for service in services:
            if service.client_id not in own:
                _refuse(viewer, service.id, "not an own client")
    return sorted(services, key=lambda service: (service.on, service.id))


def may_print_superbill(viewer: PortalViewer, client_id: UUID) -> bool:
    """Whether the portal offers superbills of this client at all: both rights are needed."""
    return client_id in viewer.document_client_ids and client_id in viewer.diagnosis_client_ids


def _check_portal(viewer: PortalViewer, services: Sequence[Service]) -> None:
    """Both rights for the client, and the open account owes, or owed, something for each service."""
    on_account = set(
        InvoiceLine.objects.filter(
            practice=viewer.practice, account=viewer.account, service__in=[s.id for s in services]
        ).values_list("service_id", flat=True)
    )
    for service in services:
        if not may_print_superbill(viewer, service.client_id):
            _refuse(viewer, service.id, "no right to the diagnosis")
        if service.id not in on_account:
            _refuse(viewer, service.id, "another account")


def _account_of(viewer: Viewer, services: Sequence[Service]) -> BillingAccount:
    """Whose documents it is among: the open account's; at the desk the one that was billed most of the services."""
    if isinstance(viewer, PortalViewer):
        return viewer.account
    default = services[0].client.default_account
    lines = InvoiceLine.objects.filter(
        practice=viewer.practice, service__in=[service.id for service in services], voided_at=None
    ).values_list("account_id", flat=True)
    billed = Counter(lines)
    if not billed or billed[default.id] == max(billed.values()):
        return default
    return BillingAccount.objects.get(practice=viewer.practice, pk=billed.most_common(1)[0][0])


def _refuse_problems(viewer: Viewer, problems: Sequence[Problem], reason: str) -> None:
    blocking = [problem for problem in problems if problem.level is Level.BLOCK]
    doubtful = [problem for problem in problems if problem.level is Level.REASON]
    if isinstance(viewer, PortalViewer):
        if blocking or doubtful:
            raise NoSuperbill(_for_client(viewer), code="check_blocks")
        return
    if blocking:
        raise NoSuperbill(" ".join(problem.words for problem in blocking), code="check_blocks")
    if doubtful and not reason.strip():
        raise NoSuperbill(
            "Say why the superbill is right all the same, or put it right first.",
            code="reason_missing",
            field="reason",
        )


def _for_client(viewer: PortalViewer) -> str:
    practice = viewer.practice
    ways = " or ".join(way for way in (phone_text(practice.phone), practice.email) if way)
    reach = f" Ask {practice.name} for it: {ways}." if ways else ""
    return f"This superbill can't be made yet: something that an insurer needs is missing on it.{reach}"


def _refuse(viewer: Viewer, target: UUID | str, reason: str) -> NoReturn:
    access_refused(viewer=viewer, kind="superbill", target=target, reason=reason)
    raise NotFoundForViewer(f"superbill {target}")
