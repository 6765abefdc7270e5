"""What a viewer may have made: a statement for a period, a yearly statement. Checked and issued in one step."""

from __future__ import annotations

from datetime import date
from typing import NoReturn
from uuid import UUID

from paywell.accounts.types import Permission
from paywell.clients.access import access_billing_account
from paywell.clients.models import BillingAccount
from paywell.clients.types import PortalViewer
from paywell.core.errors import NotFoundForViewer
from paywell.core.security_log import access_refused
from paywell.documents.models import IssuedDocument
from paywell.documents.queries import visible_to
from paywell.documents.rights import Viewer, get_own_clients
from paywell.documents.statements import get_account_clients, issue_statement
from paywell.documents.types import Kind
from paywell.documents.yearly import issue_yearly


def make_statement(
    viewer: Viewer, *, date_from: date, date_to: date, account_id: UUID | None = None
) -> IssuedDocument:
    """The statement of an account for these days: in the portal of the open one, at the desk of `account_id`.

    Its balance tells of everybody who is on the account: whoever may not see one of them gets NotFoundForViewer.
    Raises UserError as `statements.issue_statement` does.
    """
    account = _access_account(viewer, account_id)
    if not get_account_clients(account) <= _clients_of(viewer, account):
        _refuse(viewer, Kind.STATEMENT, account.id, "a client who is not theirs is on the account")
    row = issue_statement(
        practice=viewer.practice, account=account, date_from=date_from, date_to=date_to, actor_id=viewer.id
    )
    return _visible(viewer, row)


def make_yearly(viewer: Viewer, *, year: int, account_id: UUID | None = None) -> IssuedDocument:
    """The yearly statement of an account, of the clients whom the viewer may see.

    Raises NotFoundForViewer, and UserError as `yearly.issue_yearly` does.
    """
    account = _access_account(viewer, account_id)
    clients = _clients_of(viewer, account)
    row = issue_yearly(practice=viewer.practice, account=account, year=year, actor_id=viewer.id, client_ids=clients)
    return _visible(viewer, row)


def _access_account(viewer: Viewer, account_id: UUID | None) -> BillingAccount:
    if isinstance(viewer, PortalViewer):
        return viewer.account
    if account_id is None or not viewer.may(Permission.SEE_MONEY):
        _refuse(viewer, "account", account_id or "none", "role")
    return access_billing_account(viewer, account_id)


def _clients_of(viewer: Viewer, account: BillingAccount) -> frozenset[UUID]:
    if isinstance(viewer, PortalViewer):
        return viewer.client_ids
    return get_own_clients(viewer, get_account_clients(account))


def _visible(viewer: Viewer, row: IssuedDocument) -> IssuedDocument:
    if not visible_to(viewer).filter(pk=row.pk).exists():
        _refuse(viewer, row.kind, row.id, "not theirs")
    return row


def _refuse(viewer: Viewer, kind: str, target: UUID | str, reason: str) -> NoReturn:
    access_refused(viewer=viewer, kind=kind, target=target, reason=reason)
    raise NotFoundForViewer(f"{kind} {target}")
