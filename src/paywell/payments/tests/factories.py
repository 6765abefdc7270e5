"""Rows for tests of payments, made directly: a practice, its people, and lines that are owed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import Any

from django.db import transaction

from paywell.accounts.models import Role, User
from paywell.accounts.types import StaffViewer
from paywell.care.models import Service
from paywell.clients.models import BillingAccount, Client, Contact, Grant, GrantRole
from paywell.clients.types import ClientRights, PortalViewer
from paywell.core import clock
from paywell.core.ids import new_id
from paywell.core.money import Money
from paywell.invoicing.models import Invoice, InvoiceLine
from paywell.ledger.actions import Line, Posting, Side, post
from paywell.ledger.models import AccountKind, LineBalance
from paywell.payments.models import Attempt, AttemptLine, AttemptState, ProcessorAccount
from paywell.payments.types import PayForm
from paywell.practice.models import Clinician, Practice

SERVICE_DAY = date(2026, 11, 3)


@dataclass
class World:
    """One practice with a processor, one client, one contact who may pay, and a member of staff."""

    practice: Practice
    clinician: Clinician
    processor_account: ProcessorAccount
    account: BillingAccount
    client: Client
    contact: Contact
    user: User
    staff: StaffViewer
    invoices: int = field(default=0)

    @property
    def viewer(self) -> PortalViewer:
        return make_viewer(self)


def make_world(name: str = "Riverside") -> World:
    now = clock.now()
    practice = Practice.objects.create(
        name=name,
        slug=f"{name.lower()}-{new_id().hex[-6:]}",
        tax_id="12-3456789",
        payments_allowed=True,
        created_at=now,
    )
    clinician = Clinician.objects.create(practice=practice, name="Ana Ruiz")
    account = BillingAccount.objects.create(practice=practice, name="Mia Stone", created_at=now)
    client = Client.objects.create(
        practice=practice, legal_first_name="Mia", legal_last_name="Stone", default_account=account, created_at=now
    )
    user = User.objects.create_user(f"{new_id().hex[-8:]}@example.org")
    contact = Contact.objects.create(practice=practice, name="Mia Stone", user=user, created_at=now)
    Grant.objects.create(
        practice=practice, contact=contact, client=client, account=account, role=GrantRole.SELF,
        valid_from=date(2026, 1, 1), created_at=now,
    )  # fmt: skip
    processor_account = ProcessorAccount.objects.create(
        practice=practice, connector="test_inline", connected_at=now
    )
    staff = StaffViewer(User.objects.create_user(f"{new_id().hex[-8:]}@example.org").id, practice, Role.OWNER)
    return World(practice, clinician, processor_account, account, client, contact, user, staff)


def make_viewer(world: World, *, may_pay: bool = True, payments_allowed: bool = True) -> PortalViewer:
    rights = ClientRights(
        client_id=world.client.id,
        name="Mia",
        may_pay=may_pay,
        may_see_documents=True,
        may_see_diagnosis=False,
        payments_allowed=payments_allowed,
    )
    return PortalViewer(
        id=world.user.id,
        contact=world.contact,
        practice=world.practice,
        account=world.account,
        rights=(rights,),
        choices=(),
    )


def make_line(world: World, amount: int = 12000, on: date | None = None) -> InvoiceLine:
    """A service of `amount` minor units, invoiced and owed."""
    world.invoices += 1
    day = on or SERVICE_DAY + timedelta(days=world.invoices)
    now = clock.now()
    service = Service.objects.create(
        practice=world.practice, client=world.client, clinician=world.clinician, on=day, wording="Session",
        code="IND50", fee_minor=amount, recorded_at=now,
    )  # fmt: skip
    invoice = Invoice.objects.create(
        practice=world.practice, account=world.account, number=world.invoices, label=f"INV-{world.invoices:04}",
        issued_on=day, issued_at=now, due_on=day, total_minor=amount, currency="USD", frozen={}, digest="0" * 64,
    )  # fmt: skip
    line = InvoiceLine.objects.create(
        practice=world.practice, invoice=invoice, account=world.account, service=service, client=world.client,
        position=1, on=day, wording="Session", clinician_name="Ana Ruiz", amount_minor=amount, currency="USD",
    )  # fmt: skip
    with transaction.atomic():
        post(
            practice_id=world.practice.id,
            book_owner_id=world.account.id,
            source=f"invoice:{invoice.id}",
            postings=[
                Posting(
                    Side(AccountKind.RECEIVABLE, world.account.id),
                    Side(AccountKind.INCOME, world.practice.id),
                    Money(amount),
                    Line(line.id, on=day, due_on=day, subject_id=world.client.id),
                )
            ],
            actor_id=None,
        )
    return line


def make_lines(world: World, count: int, *, on: date = SERVICE_DAY) -> list[InvoiceLine]:
    """Many lines at once, on one invoice, as lists read them: nothing stands in the ledger."""
    world.invoices += 1
    now = clock.now()
    base = {"practice": world.practice, "client": world.client}
    services = Service.objects.bulk_create(
        Service(
            **base,
            clinician=world.clinician,
            on=on,
            wording="Session",
            code="IND50",
            fee_minor=5000,
            recorded_at=now,
        )
        for _ in range(count)
    )
    invoice = Invoice.objects.create(
        practice=world.practice, account=world.account, number=world.invoices, label=f"INV-{world.invoices:04}",
        issued_on=on, issued_at=now, due_on=on, total_minor=5000 * count, currency="USD", frozen={},
        digest="0" * 64,
    )  # fmt: skip
    lines = InvoiceLine.objects.bulk_create(
        InvoiceLine(
            **base, invoice=invoice, account=world.account, service=service, position=place, on=on,
            wording="Session", clinician_name="Ana Ruiz", amount_minor=5000, currency="USD",
        )
        for place, service in enumerate(services, start=1)
    )  # fmt: skip
    LineBalance.objects.bulk_create(
        LineBalance(
            line_id=line.id, practice_id=world.practice.id, owner_id=world.account.id, subject_id=world.client.id,
            currency="USD", on=on, due_on=on, charged_minor=5000, balance_minor=5000,
        )
        for line in lines
    )  # fmt: skip
    return lines


def make_attempts(world: World, lines: Sequence[InvoiceLine], **changes: Any) -> list[Attempt]:
    """One attempt for each line, as lists read them: nothing stands in the ledger. Paid unless told otherwise."""
    now = clock.now()
    said: dict[str, Any] = {
        "practice": world.practice, "account": world.account, "processor_account": world.processor_account,
        "contact": world.contact, "actor": world.user, "state": AttemptState.SUCCEEDED, "currency": "USD",
        "content_hash": "0" * 64, "card_brand": "Visa", "card_last4": "4242", "notes": "for June",
        "created_at": now, "closed_at": now, "deadline_at": now,
    }  # fmt: skip
    attempts = Attempt.objects.bulk_create(
        Attempt(**({"amount_minor": line.amount_minor, "captured_minor": line.amount_minor} | said | changes))
        for line in lines
    )
    AttemptLine.objects.bulk_create(
        AttemptLine(practice=world.practice, attempt=attempt, line=line, amount_minor=line.amount_minor)
        for attempt, line in zip(attempts, lines, strict=True)
    )
    return attempts


def make_other_payer(world: World, name: str = "Leo Stone", **rights: bool) -> PortalViewer:
    """Another contact on the same account, for the same client."""
    now = clock.now()
    user = User.objects.create_user(f"{new_id().hex[-8:]}@example.org")
    contact = Contact.objects.create(practice=world.practice, name=name, user=user, created_at=now)
    viewer = world.viewer
    held = tuple(replace(right, **rights) for right in viewer.rights)  # type: ignore[arg-type]
    return replace(viewer, id=user.id, contact=contact, rights=held)


def make_form(*lines: InvoiceLine, **changes: Any) -> PayForm:
    said: dict[str, Any] = {
        "attempt_id": new_id(),
        "line_ids": tuple(line.id for line in lines),
        "amount": None,
        "card_token": "tok_1",
    }
    return PayForm(**(said | changes))
