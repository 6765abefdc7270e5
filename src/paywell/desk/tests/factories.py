"""A practice with everything that a desk page can show, and staff of each role."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from django.db import transaction
from django.test import Client as Browser

from paywell.accounts.models import Invitation, Role, StaffMember
from paywell.accounts.tests.factories import make_staff, make_user
from paywell.accounts.types import StaffViewer
from paywell.agreements.models import Agreement, Charge, Installment, Plan, PlanLine
from paywell.billing.booking import book_entry
from paywell.billing.entries import get_moment
from paywell.billing.models import Entry, EntryKind, PayOutRequest, Question, TakeBackRequest
from paywell.care.actions import add_catalog_item, add_diagnosis, record_service
from paywell.care.imports.files import keep_import_file
from paywell.care.models import CatalogItem, Diagnosis, ImportFile, ImportList, Service
from paywell.clients.actions import grant_access, invite_contact
from paywell.clients.coverage import add_coverage
from paywell.clients.models import BillingAccount, Client, Contact, Coverage, Grant
from paywell.clients.tests.factories import make_client, make_contact
from paywell.core import clock
from paywell.core.ids import new_id
from paywell.core.money import Money
from paywell.documents.models import IssuedDocument
from paywell.documents.receipts import issue_receipt
from paywell.invoicing.actions import issue_invoice
from paywell.invoicing.models import Invoice
from paywell.invoicing.tests.factories import make_clinician, make_practice
from paywell.ledger.actions import Line, Posting, Side, post
from paywell.ledger.models import AccountKind
from paywell.payments.models import (
    Attempt,
    AttemptEvent,
    AttemptLine,
    AttemptState,
    Deposit,
    DepositPart,
    PayLink,
    ProcessorAccount,
    RefundRequest,
    Review,
    SavedCard,
)
from paywell.practice.actions import add_location
from paywell.practice.models import Clinician, Location, Practice
from paywell.work.models import Work, WorkFile
from paywell.work.tests.factories import make_ended_work

DAY = date(2026, 11, 3)


@dataclass
class Desk:
    """One practice; its client Ana Duarte has a paid, an open and an un-invoiced service."""

    practice: Practice
    clinician: Clinician
    item: CatalogItem
    client: Client
    contact: Contact
    grant: Grant
    invitation: Invitation
    diagnosis: Diagnosis
    service: Service  #: invoiced, half paid
    unpaid: Invoice  #: nothing paid on it
    waiting: Service  #: not invoiced
    invoice: Invoice
    processor_account: ProcessorAccount
    attempt: Attempt
    review: Review
    pay_link: PayLink
    receipt: IssuedDocument
    coverage: Coverage
    work: Work  #: ended, asked for by the owner
    work_file: WorkFile
    question: Question  #: about the half paid service, open
    entry: Entry  #: five dollars in cash, on account
    charge: Charge  #: by AutoPay, failed
    plan: Plan  #: offered, two installments
    deposit: Deposit  #: of the payment, arrived
    request: RefundRequest  #: ten dollars of the payment, not decided
    pay_out: PayOutRequest  #: one dollar of credit, not decided
    take_back: TakeBackRequest  #: of the five dollars in cash, not decided
    location: Location  #: another office
    import_file: ImportFile  #: a list of clients, brought by the owner and not checked yet
    members: dict[Role, StaffMember] = field(default_factory=dict)

    def browser(self, role: Role = Role.OWNER) -> Browser:
        """Signed in as staff of that role; the role clinician is the client's own."""
        if role not in self.members:
            clinician = self.clinician if role is Role.CLINICIAN else None
            self.members[role] = make_staff(self.practice, role, clinician=clinician)
        browser = Browser()
        browser.force_login(self.members[role].user)
        return browser

    def ids(self) -> dict[str, Any]:
        """A value for each name in a desk address."""
        return {
            "client_id": self.client.id,
            "grant_id": self.grant.id,
            "contact_id": self.contact.id,
            "account_id": self.client.default_account_id,
            "service_id": self.waiting.id,
            "invoice_id": self.unpaid.id,
            "attempt_id": self.attempt.id,
            "review_id": self.review.id,
            "link_id": self.pay_link.id,
            "line_id": self.question.line_id,
            "question_id": self.question.id,
            "entry_id": self.entry.id,
            "agreement_id": self.charge.agreement_id,
            "charge_id": self.charge.id,
            "plan_id": self.plan.id,
            "request_id": self.request.id,
            "pay_out_id": self.pay_out.id,
            "take_back_id": self.take_back.id,
            "diagnosis_id": self.diagnosis.id,
            "location_id": self.location.id,
            "clinician_id": self.clinician.id,
            "item_id": self.item.id,
            "member_id": self.members[Role.READ_ONLY].id,
            "document_id": self.receipt.id,
            "coverage_id": self.coverage.id,
            "work_id": self.work.id,
            "file_id": self.work_file.id,
            "deposit_id": self.deposit.id,
            "import_id": self.import_file.id,
            "connector": "test_inline",
            "report": "receivables",
            "notice": "reminder_after",
        }


def make_desk(**practice: Any) -> Desk:
    made = make_practice(**practice)
    clinician = make_clinician(made)
    item = add_catalog_item(
        practice=made, code="IND50", wording="Individual session, 50 minutes", fee=Money(14_000), actor_id=None
    )
    client = make_client(
        made, legal_first_name="Ana", legal_last_name="Duarte", clinician=clinician, email="ana@example.org"
    )
    contact = make_contact(made, name="Ana Duarte", email="ana@example.org")
    grant = grant_access(
        contact=contact, client=client, account=client.default_account, role="self", may_see_documents=True,
        may_see_diagnosis=True, valid_from=date(2026, 1, 1), actor_id=None,
    )  # fmt: skip
    invitation, _ = invite_contact(contact=contact, invited_by=None)
    diagnosis = add_diagnosis(practice=made, client=client, code="F41.1", diagnosed_on=DAY, actor_id=None)
    services = [add_service(client, clinician, item, DAY.replace(day=day)) for day in (3, 4, 5)]
    invoice, unpaid = (
        issue_invoice(practice=made, account=client.default_account, services=[service], actor_id=None)
        for service in services[:2]
    )
    processor_account = ProcessorAccount.objects.create(
        practice=made, connector="test_inline", connected_at=clock.now()
    )
    attempt = add_payment(invoice, contact, processor_account, 7_000)
    review = Review.objects.create(
        practice=made, attempt=attempt, kind="late_success", dedupe=f"late_success:{attempt.id}",
        amount_minor=7_000, currency="USD", detail="A second answer", opened_at=clock.now(),
    )  # fmt: skip
    question = Question.objects.create(
        practice=made, line=invoice.lines.get(), contact=contact, text="Is this right?", asked_at=clock.now()
    )
    entry = add_entry(client.default_account)
    owner = make_staff(made, Role.OWNER)
    desk = Desk(
        made, clinician, item, client, contact, grant, invitation, diagnosis, services[0], unpaid, services[2],
        invoice, processor_account, attempt, review, make_pay_link(unpaid), issue_receipt(attempt),
        add_coverage(client=client, insurer="Alder Mutual", starts_on=date(2026, 1, 1), actor_id=None),
        *make_ended_work(made.id, owner.user_id),
        question, entry, add_failed_charge(contact, client.default_account, processor_account),
        add_plan(unpaid, owner), add_deposit(attempt), add_request(attempt),
        add_pay_out(client.default_account), add_take_back(entry),
        add_location(practice=made, name="Alder Street office", actor_id=None),
        keep_import_file(
            StaffViewer(owner.user_id, made, Role.OWNER), list=ImportList.CLIENTS, name="clients.csv",
            data=b"First name,Last name\nIda,Moss\n",
        ),
    )  # fmt: skip
    desk.members[Role.OWNER] = owner
    desk.members[Role.READ_ONLY] = make_staff(made, Role.READ_ONLY, user=make_user(name="Sol Varga"))
    return desk


def make_pay_link(invoice: Invoice) -> PayLink:
    """An open link for an invoice."""
    now = clock.now()
    return PayLink.objects.create(
        practice=invoice.practice, invoice=invoice, made_at=now, expires_at=now + timedelta(days=30)
    )


def add_failed_charge(contact: Contact, account: BillingAccount, processor_account: ProcessorAccount) -> Charge:
    """A payer's AutoPay, and a charge of it that the bank declined."""
    own = {"practice": contact.practice}
    card = SavedCard.objects.create(
        **own, processor_account=processor_account, contact=contact, token=f"pm_{new_id().hex}",
        customer_ref="cus_9", brand="visa", last4="1881", exp_month=4, exp_year=2031, created_at=clock.now(),
    )  # fmt: skip
    agreement = Agreement.objects.create(
        **own, kind="autopay", account=account, contact=contact, user=make_user(), card=card,
        wording_version="autopay-1", agreed_at=clock.now(), currency="USD", charge_limit_minor=20_000,
    )  # fmt: skip
    return Charge.objects.create(
        **own, agreement=agreement, key=f"autopay:{agreement.id}", amount_minor=7_000, currency="USD", due_on=DAY,
        state="failed", words="The bank declined it.", created_at=clock.now(), closed_at=clock.now(),
    )  # fmt: skip


def add_deposit(attempt: Attempt, *, fee_minor: int = 233) -> Deposit:
    """The payment's own deposit, arrived two days after it."""
    mine = {"practice_id": attempt.practice_id}
    net = attempt.captured_minor - fee_minor
    deposit = Deposit.objects.create(
        **mine, processor_account=attempt.processor_account, processor_ref=f"po_{attempt.reference}", state="paid",
        amount_minor=net, currency=attempt.currency, made_at=clock.now(),
        arrives_on=clock.now().date() + timedelta(days=2),
    )  # fmt: skip
    DepositPart.objects.create(
        **mine, deposit=deposit, entry_ref="e_1", kind="charge", gross_minor=attempt.captured_minor,
        fee_minor=fee_minor, object_ref=attempt.processor_ref, attempt=attempt, is_booked=True, at=clock.now(),
    )  # fmt: skip
    Attempt.objects.filter(pk=attempt.pk).update(fee_minor=fee_minor)
    attempt.fee_minor = fee_minor
    return deposit


def add_request(attempt: Attempt) -> RefundRequest:
    """A refund that somebody asked for and nobody decided yet."""
    return RefundRequest.objects.create(
        practice=attempt.practice, attempt=attempt, amount_minor=1_000, currency="USD", reason="Session canceled",
        requested_by=make_user(name="Nia Frost"), requested_at=clock.now(),
        expires_at=clock.now() + timedelta(days=7),
    )  # fmt: skip


def add_pay_out(account: BillingAccount) -> PayOutRequest:
    """Credit that somebody wants to pay out and nobody decided yet."""
    return PayOutRequest.objects.create(
        practice=account.practice, account=account, amount_minor=100, currency="USD", method="check", on=DAY,
        reason="Moved away", requested_by=make_user(name="Nia Frost"), requested_at=clock.now(),
        expires_at=clock.now() + timedelta(days=7),
    )  # fmt: skip


def add_take_back(entry: Entry) -> TakeBackRequest:
    """A payment that somebody wants to take back and nobody decided yet."""
    return TakeBackRequest.objects.create(
        practice=entry.practice, entry=entry, amount_minor=entry.amount_minor, currency="USD", reason="Bounced",
        requested_by=make_user(name="Nia Frost"), requested_at=clock.now(),
        expires_at=clock.now() + timedelta(days=7),
    )  # fmt: skip


def add_plan(invoice: Invoice, member: StaffMember) -> Plan:
    """An offer of two installments over an unpaid invoice."""
    own = {"practice": invoice.practice}
    plan = Plan.objects.create(
        **own, account=invoice.account, total_minor=invoice.total_minor, currency="USD", offered_at=clock.now(),
        offered_by=member.user,
    )  # fmt: skip
    PlanLine.objects.create(**own, plan=plan, line=invoice.lines.get(), amount_minor=invoice.total_minor)
    for number in (1, 2):
        Installment.objects.create(
            **own, plan=plan, number=number, due_on=date(2099, number, 1), amount_minor=invoice.total_minor // 2
        )
    return plan


def add_entry(account: BillingAccount, kind: EntryKind = EntryKind.PAYMENT, minor: int = 500) -> Entry:
    """An entry for no service: a payment ahead of any invoice, in the ledger as credit."""
    entry = Entry.objects.create(
        practice=account.practice, account=account, kind=kind, method="cash", amount_minor=minor, currency="USD",
        on=DAY, at=get_moment(DAY, clock.now(), account.practice.timezone), recorded_at=clock.now(),
    )  # fmt: skip
    with transaction.atomic():
        book_entry(entry, [])
    return entry


def add_service(
    client: Client, clinician: Clinician, item: CatalogItem, on: date, insurer_minor: int = 0
) -> Service:
    return record_service(
        practice=client.practice, client=client, clinician=clinician, catalog_item=item, on=on,
        insurer_minor=insurer_minor, actor_id=None,
    )  # fmt: skip


def add_payment(
    invoice: Invoice,
    contact: Contact,
    processor_account: ProcessorAccount,
    minor: int,
    state: AttemptState = AttemptState.SUCCEEDED,
) -> Attempt:
    """A payment of `minor` on the invoice's first line, with its story; in the ledger where it succeeded."""
    line, now = invoice.lines.order_by("position")[0], clock.now()
    is_paid = state == AttemptState.SUCCEEDED
    attempt = Attempt.objects.create(
        practice=invoice.practice, account=invoice.account, processor_account=processor_account, contact=contact,
        state=state, amount_minor=minor, captured_minor=minor if is_paid else 0, currency="USD",
        content_hash="0" * 64, card_brand="Visa", card_last4="4242", processor_ref=f"ch_{new_id().hex}",
        notes="Thank you", created_at=now, submitted_at=now, closed_at=now if is_paid else None, deadline_at=now,
    )  # fmt: skip
    AttemptLine.objects.create(practice=invoice.practice, attempt=attempt, line=line, amount_minor=minor)
    for before, after, cause in (("created", "submitting", "submit"), ("submitting", state, "confirm")):
        AttemptEvent.objects.create(
            practice=invoice.practice, attempt=attempt, at=now, from_state=before, to_state=after, cause=cause
        )
    if is_paid:
        post(
            practice_id=invoice.practice_id, book_owner_id=invoice.account_id, source=f"payment:{attempt.id}",
            postings=[Posting(
                debit=Side(AccountKind.CLEARING, processor_account.id),
                credit=Side(AccountKind.RECEIVABLE, invoice.account_id),
                money=Money(minor), line=Line(line.id),
            )],
            actor_id=None,
        )  # fmt: skip
    return attempt
