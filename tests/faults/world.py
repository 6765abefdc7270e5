"""The practice that every history begins with: made once for the process, by the product's own actions."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from django.core.management import call_command
from django.db import connection

from paywell.accounts.models import Role, StaffMember, User
from paywell.accounts.types import StaffViewer
from paywell.care.actions import record_service
from paywell.clients.models import BillingAccount, Client, Contact, Grant, GrantRole
from paywell.clients.types import ClientRights, PortalViewer
from paywell.core.money import Money
from paywell.invoicing.actions import issue_invoice
from paywell.invoicing.models import Invoice, InvoiceLine
from paywell.outbox.models import OutboxEvent
from paywell.payments.models import ProcessorAccount
from paywell.practice.models import Clinician, Practice
from tests.blank import blank_file
from tests.faults.connector import NAME
from tests.faults.ports import EPOCH


@dataclass
class Payer:
    name: str
    viewer: PortalViewer


@dataclass
class Household:
    """One billing account: who may pay for it, and what is owed."""

    payers: list[Payer]
    invoices: list[Invoice]
    lines: list[InvoiceLine]


@dataclass
class World:
    practice: Practice
    staff: StaffViewer
    clinician: Clinician
    processor_account: ProcessorAccount
    households: list[Household]


def make_tables() -> None:
    """In memory a copy of the blank tables; on PostgreSQL whatever the database lacks is migrated."""
    if connection.vendor != "sqlite":
        call_command("migrate", verbosity=0)
        return
    connection.ensure_connection()
    connection.connection.deserialize(blank_file().read_bytes())


def make_world() -> World:
    """Two households: a family with two payers and four services, and a neighbor with one of each."""
    practice = Practice.objects.create(
        name="Riverside",
        slug="riverside",
        tax_id="12-3456789",
        payments_allowed=True,
        timezone="America/New_York",
        created_at=EPOCH,
    )
    clinician = Clinician.objects.create(practice=practice, name="Ana Ruiz")
    owner = User.objects.create(email="owner@example.org")
    StaffMember.objects.create(practice=practice, user=owner, role=Role.OWNER, **_times(StaffMember))
    processor_account = ProcessorAccount.objects.create(
        practice=practice, connector=NAME, connected_at=EPOCH, swept_until=EPOCH
    )
    world = World(practice, StaffViewer(owner.id, practice, Role.OWNER), clinician, processor_account, [])
    world.households = [
        _household(world, "Mia Stone", ["mia", "leo"], [[12000], [8000, 5000], [7001]]),
        _household(world, "Noa Hill", ["noa"], [[9000]]),
    ]
    # The news of the invoices have gone out already.
    OutboxEvent.objects.update(delivered_at=EPOCH)
    return world


def _household(world: World, name: str, payers: list[str], fees: list[list[int]]) -> Household:
    practice = world.practice
    account = BillingAccount.objects.create(practice=practice, name=name, created_at=EPOCH)
    first, last = name.split()
    client = Client.objects.create(
        practice=practice, legal_first_name=first, legal_last_name=last, default_account=account, created_at=EPOCH
    )
    made = Household([_payer(world, account, client, each) for each in payers], [], [])
    day = 1
    for group in fees:
        services = []
        for fee in group:
            services.append(
                record_service(
                    practice=practice, client=client, clinician=world.clinician, on=date(2026, 10, day),
                    code="IND50", wording="Session", fee=Money(fee), actor_id=None,
                )
            )  # fmt: skip
            day += 1
        invoice = issue_invoice(practice=practice, account=account, services=services, actor_id=None)
        made.invoices.append(invoice)
        made.lines += InvoiceLine.objects.filter(invoice=invoice).order_by("position")
    return made


def _payer(world: World, account: BillingAccount, client: Client, name: str) -> Payer:
    practice = world.practice
    user = User.objects.create(email=f"{name}@example.org")
    contact = Contact.objects.create(practice=practice, name=name, user=user, created_at=EPOCH)
    Grant.objects.create(
        practice=practice, contact=contact, client=client, account=account, role=GrantRole.SELF,
        valid_from=date(2026, 1, 1), created_at=EPOCH,
    )  # fmt: skip
    rights = ClientRights(
        client_id=client.id, name=client.name, may_pay=True, may_see_documents=True, may_see_diagnosis=False,
        payments_allowed=True,
    )  # fmt: skip
    return Payer(name, PortalViewer(user.id, contact, practice, account, (rights,), ()))


def _times(model: type[Any]) -> dict[str, Any]:
    """Required moments of a row that has them."""
    names = {field.name for field in model._meta.get_fields()}
    return {name: EPOCH for name in ("created_at", "joined_at", "began_at") if name in names}


def line_owner(world: World, line_id: UUID) -> Household:
    return next(each for each in world.households if any(line.id == line_id for line in each.lines))
