"""Writes that put several actions of lower rooms into one step of the desk. Each is one transaction."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction

from paywell.accounts import actions as accounts
from paywell.accounts.models import Role, StaffMember, User
from paywell.accounts.types import StaffViewer
from paywell.care.actions import record_each_day, void_service
from paywell.care.models import CatalogItem, Service, ServiceKind
from paywell.clients import actions as clients
from paywell.clients.models import BillingAccount, Client, Contact, Grant
from paywell.clients.queries import list_namesakes
from paywell.core.db import lock
from paywell.core.errors import UserError
from paywell.core.ids import new_key
from paywell.desk.queries.accounts import get_account_credit
from paywell.desk.queries.clients import get_owed_by_client
from paywell.desk.queries.scope import get_today
from paywell.desk.queries.services import get_uninvoiced_sum, list_services
from paywell.invoicing.models import InvoiceLine
from paywell.payments.models import ProcessorAccount
from paywell.payments.processor_accounts import connect_processor, try_connection
from paywell.practice.models import Clinician, Practice


def add_client(*, viewer: StaffViewer, invite: bool, is_another: bool = False, **record: Any) -> Client:
    """A new client, and if wished their own access to the portal with an invitation.

    Somebody of the same legal name is taken for the same person, and pressing twice for one, unless staff said that
    it `is_another`: raises UserError `namesake`, and as `clients.actions` does.
    """
    with transaction.atomic():
        lock(Practice.objects.filter(pk=viewer.practice.pk)).get()
        if not is_another and list_namesakes(
            viewer=viewer,
            first=record["legal_first_name"],
            last=record["legal_last_name"],
            birth_date=record.get("birth_date"),
        ):
            raise UserError(
                "Somebody of this name is on file already. Tick this if it is another person.",
                code="namesake",
                field="is_another",
            )
        client = clients.create_client(practice=viewer.practice, actor_id=viewer.id, **record)
        if invite:
            add_person(
                viewer=viewer,
                client=client,
                account=client.default_account,
                name=client.name,
                email=client.email,
                phone=client.phone,
                role="self",
                may_pay=True,
                may_see_documents=True,
                may_see_diagnosis=True,
                valid_from=None,
                valid_until=None,
                invite=True,
            )
    return client


def add_person(
    *,
    viewer: StaffViewer,
    client: Client,
    account: BillingAccount,
    name: str,
    email: str,
    phone: str,
    role: str,
    may_pay: bool,
    may_see_documents: bool,
    may_see_diagnosis: bool,
    valid_from: date | None,
    valid_until: date | None,
    invite: bool,
) -> Contact:
    """Give a person access to a client. Somebody whom the practice has under the same e-mail is not made twice.

    Raises UserError as `clients.actions` does, and then nothing has been added.
    """
    with transaction.atomic():
        contact = find_contact(viewer, email)
        if contact is None:
            contact = clients.create_contact(
                practice=viewer.practice, name=name, email=email, phone=phone, actor_id=viewer.id
            )
        clients.grant_access(
            contact=contact,
            client=client,
            account=account,
            role=role,
            may_pay=may_pay,
            may_see_documents=may_see_documents,
            may_see_diagnosis=may_see_diagnosis,
            valid_from=valid_from,
            valid_until=valid_until,
            actor_id=viewer.id,
        )
        if invite and contact.user_id is None:
            clients.invite_contact(contact=contact, invited_by=viewer.id)
    return contact


def archive_client(*, viewer: StaffViewer, client: Client) -> Client:
    """Take a client off the list whose work is done. Raises UserError `client_unsettled`, and `client_has_credit`
    where the account holds money that nobody else on the list would bring to mind.
    """
    unsettled = (
        get_owed_by_client(viewer, [client.id])[client.id].balance.minor > 0,
        get_uninvoiced_sum(viewer, client)[1] > 0,
        list_services(viewer, client=client, show="upcoming").rows,
    )
    if any(unsettled):
        raise UserError(
            "Something is still owed, not invoiced or to come for this client. Settle or void that first.",
            code="client_unsettled",
        )
    others = Client.objects.filter(
        practice=viewer.practice, default_account=client.default_account_id, archived_at=None
    ).exclude(pk=client.pk)
    credit = get_account_credit(viewer, client.default_account)
    if credit.minor > 0 and not others.exists():
        raise UserError(
            f"{credit} of credit is still held for this client. Give it back or apply it first.",
            code="client_has_credit",
        )
    return clients.set_archived(client=client, is_archived=True, actor_id=viewer.id)


def record_fee(
    *, viewer: StaffViewer, client: Client, catalog_item: CatalogItem, on: date, clinician: Clinician, session: str
) -> tuple[list[Service], list[date]]:
    """A fee for a session that did not take place; what `record_each_day` gives.

    A session that was recorded ahead for that day would be owed beside the fee, so `session` says what becomes of
    it: "void" or "keep". Raises UserError `session_that_day` where it says neither.
    """
    with transaction.atomic():
        invoiced = InvoiceLine.objects.filter(practice=viewer.practice, voided_at=None).values("service_id")
        sessions = list(
            Service.objects.filter(
                practice=viewer.practice, client=client, clinician=clinician, on=on, kind=ServiceKind.SESSION,
                voided_at=None,
            ).exclude(id__in=invoiced)
        )  # fmt: skip
        if sessions and not session:
            raise UserError(
                "A session is recorded for that day and not invoiced yet. Say what becomes of it.",
                code="session_that_day",
                field="session",
            )
        for each in sessions if session == "void" else ():
            void_service(service=each, actor_id=viewer.id, reason=catalog_item.wording)
        return record_each_day(
            client=client, days=[on], actor_id=viewer.id, catalog_item=catalog_item, clinician=clinician
        )


def find_contact(viewer: StaffViewer, email: str) -> Contact | None:
    """The practice's contact with this e-mail. With several, the one who signs in, else the oldest."""
    cleaned = email.strip().lower()
    if not cleaned:
        return None
    rows = Contact.objects.filter(practice=viewer.practice, email=cleaned).select_related("practice")
    return min(rows, key=lambda contact: (contact.user_id is None, contact.created_at), default=None)


def change_rights(*, viewer: StaffViewer, grant: Grant, valid_from: date, **rights: Any) -> Grant:
    """Other rights from `valid_from` on. The old grant ends the day before and stays on file."""
    before = valid_from - timedelta(days=1)
    lives_on = valid_from > get_today(viewer) and before >= grant.valid_from
    with transaction.atomic():
        clients.end_grant(grant=grant, last_day=before if lives_on else None, actor_id=viewer.id)
        return clients.grant_access(
            contact=grant.contact, client=grant.client, valid_from=valid_from, actor_id=viewer.id, **rights
        )


def add_staff(*, viewer: StaffViewer, name: str, email: str, role: str, clinician: Clinician | None) -> StaffMember:
    """Give a person a place at the desk, and invite them unless they can sign in already."""
    with transaction.atomic():
        user = User.objects.filter(email=email.strip().lower()).first()
        is_new = user is None
        if user is None:
            user = accounts.create_user(email=email, name=name, actor_id=viewer.id)
        member = accounts.create_staff_member(
            practice=viewer.practice, user=user, role=Role(role), clinician=clinician, actor_id=viewer.id
        )
        if is_new:
            accounts.invite(
                practice=viewer.practice,
                email=user.email,
                subject_kind="staff",
                subject_id=member.id,
                invited_by=viewer.id,
            )
    return member


def end_staff(*, viewer: StaffViewer, member: StaffMember) -> None:
    """Close the desk to somebody else; nobody shuts themselves out by a slip."""
    if member.user_id == viewer.id:
        raise UserError("You can't end your own access. Ask another owner.", code="own_access")
    accounts.end_staff_member(member=member, actor_id=viewer.id)


def change_role(*, viewer: StaffViewer, member: StaffMember, role: str, clinician: Clinician | None) -> StaffMember:
    """Another role for somebody else; an owner does not give their own away by a slip."""
    if member.user_id == viewer.id:
        raise UserError("You can't change your own role. Ask another owner.", code="own_access")
    return accounts.change_role(member=member, role=role, clinician=clinician, actor_id=viewer.id)


def try_test_processor(
    *, viewer: StaffViewer, connector: str = "test_inline", base_url: str = ""
) -> ProcessorAccount:
    """Connect a test processor with keys made up here. Raises UserError where none answers at the address."""
    given: dict[str, Any] = {
        "settings": {"base_url": base_url or settings.TEST_PROCESSOR_URL, "account": f"acct_{new_key()[:12]}"},
        "secrets": {"api_key": new_key(), "notice_secret": new_key()},
        "live_mode": False,
    }
    problems = try_connection(connector=connector, **given)
    if problems:
        raise UserError(
            f"{' '.join(problems)} Start the test processor with: paywell test-processor", code="not_connected"
        )
    return connect_processor(practice=viewer.practice, connector=connector, actor_id=viewer.id, **given)
