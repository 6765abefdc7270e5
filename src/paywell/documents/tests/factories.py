"""An invoiced and partly paid service, its viewers, and documents as plain values."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from typing import Any

from paywell.accounts.models import Role, User
from paywell.accounts.types import StaffViewer
from paywell.care.models import Diagnosis, Service, ServiceDiagnosis
from paywell.clients.models import BillingAccount, Client, Contact
from paywell.clients.types import ClientRights, PortalViewer
from paywell.core.ids import new_id
from paywell.core.money import Money
from paywell.documents.redact import without_wordings
from paywell.documents.types import (
    Ageing,
    Entry,
    EstimateDocument,
    EstimateItem,
    InvoiceDocument,
    InvoiceItem,
    Letterhead,
    ReceiptDocument,
    ReceiptItem,
    ReceiptRefund,
    RefundDocument,
    Setting,
    StatementDocument,
    StatementItem,
    SuperbillClinician,
    SuperbillCoverage,
    SuperbillDiagnosis,
    SuperbillDocument,
    SuperbillItem,
    SuperbillPayment,
    YearlyDocument,
    YearlyItem,
)
from paywell.invoicing.actions import issue_invoice
from paywell.invoicing.models import Invoice
from paywell.invoicing.tests.factories import make_client, make_clinician, make_practice, make_service
from paywell.ledger.actions import Line, Posting, Side, post
from paywell.ledger.models import AccountKind
from paywell.payments.models import Attempt, AttemptLine, AttemptState, ProcessorAccount
from paywell.practice.models import Practice

NOON = datetime(2026, 11, 23, 20, tzinfo=UTC)


@dataclass
class Case:
    practice: Practice
    client: Client
    account: BillingAccount
    contact: Contact
    service: Service
    invoice: Invoice
    diagnosis: Diagnosis
    attempt: Attempt


def make_case(**service: Any) -> Case:
    """One client with one session of $140, invoiced, of which $20 were paid by card."""
    practice = make_practice(name="Willow Creek Therapy", phone="+15035550142")
    client = make_client(
        practice, legal_first_name="Ana", legal_last_name="Duarte", sex="F",
        street="77 Birch Lane", city="Portland", state="OR", postal_code="97214",
    )  # fmt: skip
    clinician = make_clinician(
        practice, name="Lucia Reyes", credentials="PhD", license_number="4411", license_state="OR"
    )
    made = make_service(client, fee=14_000, clinician=clinician, **service)
    diagnosis = add_diagnosis(made, "F41.1", made.on)
    account = client.default_account
    invoice = issue_invoice(practice=practice, account=account, services=[made], actor_id=None)
    contact = make_contact(practice, "Ana Duarte")
    attempt = make_payment(invoice, contact, 2_000)
    return Case(practice, client, account, contact, made, invoice, diagnosis, attempt)


def make_contact(practice: Practice, name: str) -> Contact:
    user = User.objects.create_user(f"{new_id().hex[-12:]}@mail.example.org", name=name)
    return Contact.objects.create(practice=practice, name=name, email=user.email, user=user, created_at=NOON)


def add_diagnosis(service: Service, code: str, on: date, position: int = 1) -> Diagnosis:
    diagnosis = Diagnosis.objects.create(
        practice=service.practice, client=service.client, code=code, description="Generalized anxiety disorder",
        diagnosed_on=on,
    )  # fmt: skip
    ServiceDiagnosis.objects.create(
        practice=service.practice, service=service, diagnosis=diagnosis, position=position
    )
    return diagnosis


def make_processor_account(practice: Practice) -> ProcessorAccount:
    existing = ProcessorAccount.objects.filter(practice=practice).first()
    return existing or ProcessorAccount.objects.create(
        practice=practice, connector="test_inline", connected_at=NOON, live_mode=True
    )


def make_payment(
    invoice: Invoice,
    contact: Contact | None,
    minor: int,
    state: AttemptState = AttemptState.SUCCEEDED,
) -> Attempt:
    """A payment of `minor` on the invoice's first line, in the ledger too where it succeeded."""
    practice, line = invoice.practice, invoice.lines.order_by("position")[0]
    processor_account = make_processor_account(practice)
    attempt = Attempt.objects.create(
        practice=practice, account=invoice.account, processor_account=processor_account, contact=contact,
        state=state, amount_minor=minor, currency="USD", content_hash="0" * 64, card_brand="visa",
        card_last4="4242", created_at=NOON, closed_at=NOON, deadline_at=NOON,
    )  # fmt: skip
    AttemptLine.objects.create(practice=practice, attempt=attempt, line=line, amount_minor=minor)
    if state == AttemptState.SUCCEEDED:
        post(
            practice_id=practice.id, book_owner_id=invoice.account_id, source=f"payment:{attempt.id}",
            postings=[Posting(
                debit=Side(AccountKind.CLEARING, processor_account.id),
                credit=Side(AccountKind.RECEIVABLE, invoice.account_id),
                money=Money(minor), line=Line(line.id),
            )],
            actor_id=None,
        )  # fmt: skip
    return attempt


def make_portal_viewer(
    case: Case, *, documents: bool = True, diagnosis: bool = True, **fields: Any
) -> PortalViewer:
    right = ClientRights(
        client_id=case.client.id, name=case.client.name, may_pay=True, may_see_documents=documents,
        may_see_diagnosis=diagnosis, payments_allowed=True,
    )  # fmt: skip
    contact = fields.get("contact", case.contact)
    values = {
        "id": contact.user_id, "contact": contact, "practice": case.practice, "account": case.account,
        "rights": (right,), "choices": (),
    }  # fmt: skip
    return PortalViewer(**{**values, **fields})


def make_staff_viewer(practice: Practice, role: Role = Role.OWNER, **fields: Any) -> StaffViewer:
    return StaffViewer(**{"id": new_id(), "practice": practice, "role": role, **fields})


# Documents as values, without a database

HEAD = Letterhead(
    name="Willow Creek Therapy",
    address=("218 Alder Street, Suite 4", "Portland, OR 97205"),
    phone="(503) 555-0142",
    email="office@willow.example.org",
    accent="#0f5e5c",
)
ADDRESSEE = ("Ana Duarte", "77 Birch Lane", "Portland, OR 97214")
WORDING = "Individual session, 50 minutes"


def invoice_document(lines: int = 1, wording: str = WORDING, client: str = "Ana Duarte", **fields: Any) -> Any:
    item = InvoiceItem(date(2026, 11, 3), client, "Lucia Reyes, PhD", wording, "IND50", 1, 14_000)
    total = 14_000 * lines
    values = {
        "letterhead": HEAD, "setting": Setting(), "number": "INV-0142", "addressee": ADDRESSEE,
        "issued_on": date(2026, 11, 4), "due_on": date(2026, 11, 18), "tax_id": "12-3456789",
        "items": (item,) * lines, "total_minor": total, "as_of": date(2026, 11, 23), "paid_minor": 2_000,
        "adjusted_minor": 0, "balance_minor": total - 2_000,
    }  # fmt: skip
    return InvoiceDocument(**{**values, **fields})


def superbill_document(
    lines: int = 1, wording: str = WORDING, client: str = "Ana Maria Duarte", **fields: Any
) -> Any:
    item = SuperbillItem(date(2026, 11, 3), "10", "H0004", ("GT",), wording, "A", 1, 14_000, 2_000, 0)
    values = {
        "letterhead": HEAD, "setting": Setting(), "number": "SB-1A2B3C4D", "issued_on": date(2026, 11, 23),
        "client": client, "birth_date": date(1991, 3, 9), "sex": "F", "client_address": ADDRESSEE[1:],
        "client_phone": "(503) 555-0177", "tax_id": "12-3456789", "tax_id_kind": "EIN", "group_npi": "1234567893",
        "clinicians": (SuperbillClinician("Lucia Reyes", "PhD", "1234567893", "OR 4411", "103T00000X"),),
        "facility": (), "diagnoses": (SuperbillDiagnosis("A", "F41.1", "Generalized anxiety disorder"),),
        "items": (item,) * lines, "charge_minor": 14_000 * lines, "paid_minor": 2_000 * lines,
        "balance_minor": 12_000 * lines,
    }  # fmt: skip
    return SuperbillDocument(**{**values, **fields})


def receipt_document(lines: int = 1, wording: str = WORDING, client: str = "Ana Duarte", **fields: Any) -> Any:
    item = ReceiptItem(date(2026, 11, 3), client, "Lucia Reyes, PhD", wording, "INV-0142", 2_000)
    values = {
        "letterhead": HEAD, "setting": Setting(), "number": "K7Q2M9XW4T8Z1B5C3D6F", "addressee": ADDRESSEE,
        "paid_on": date(2026, 11, 20), "payer": "Ana Duarte", "card_brand": "visa", "card_last4": "4242",
        "items": (item,) * lines, "amount_minor": 2_000 * lines,
        "refunds": (ReceiptRefund(date(2026, 11, 21), 500),), "as_of": date(2026, 11, 23),
    }  # fmt: skip
    return ReceiptDocument(**{**values, **fields})


def refund_document(lines: int = 1, wording: str = WORDING, client: str = "Ana Duarte", **fields: Any) -> Any:
    item = ReceiptItem(date(2026, 11, 3), client, "Lucia Reyes, PhD", wording, "INV-0142", 2_000)
    values = {
        "letterhead": HEAD, "setting": Setting(), "number": "RF-0003", "addressee": ADDRESSEE,
        "refunded_on": date(2026, 11, 21), "paid_on": date(2026, 11, 20), "payer": "Ana Duarte",
        "card_brand": "visa", "card_last4": "4242", "receipt": "RC-0012", "items": (item,) * lines,
        "amount_minor": 2_000 * lines, "issued_on": date(2026, 11, 21), "reference": "R7Q2M9XW4T8Z1B5C3D6F",
    }  # fmt: skip
    return RefundDocument(**{**values, **fields})


def statement_document(lines: int = 1, wording: str = WORDING, client: str = "Ana Duarte", **fields: Any) -> Any:
    charge = StatementItem(
        date(2026, 11, 4), Entry.CHARGE, 14_000, 16_000, date(2026, 11, 3), wording, client, "Lucia Reyes, PhD",
        "INV-0142",
    )  # fmt: skip
    payment = StatementItem(date(2026, 11, 20), Entry.PAYMENT, -2_000, 14_000, card_brand="visa", card_last4="4242")
    values = {
        "letterhead": HEAD, "setting": Setting(), "number": "ST-0007", "addressee": ADDRESSEE,
        "issued_on": date(2026, 11, 23), "period_from": date(2026, 11, 1), "period_to": date(2026, 11, 23),
        "previous_minor": 2_000, "items": (charge,) * lines + (payment,), "charges_minor": 14_000,
        "payments_minor": -2_000, "adjustments_minor": 0, "ending_minor": 14_000,
        "ageing": Ageing(12_000, 2_000, 0, 0),
    }  # fmt: skip
    return StatementDocument(**{**values, **fields})


def yearly_document(lines: int = 1, wording: str = WORDING, client: str = "Ana Duarte", **fields: Any) -> Any:
    item = YearlyItem(
        date(2026, 11, 20), 2_000, date(2026, 11, 3), wording, client, "Lucia Reyes, PhD", "INV-0142", "Ana Duarte"
    )
    values = {
        "letterhead": HEAD, "setting": Setting(), "number": "YS-0004", "addressee": ADDRESSEE,
        "issued_on": date(2026, 11, 23), "year": 2026, "through": date(2026, 11, 23), "tax_id": "12-3456789",
        "items": (item,) * lines, "paid_minor": 2_000, "refunded_minor": 500, "net_minor": 1_500,
    }  # fmt: skip
    return YearlyDocument(**{**values, **fields})


def estimate_document(lines: int = 1, wording: str = WORDING, client: str = "Ana Duarte", **fields: Any) -> Any:
    item = EstimateItem(wording, "H0004", 26, 14_000, 364_000, 0)
    values = {
        "letterhead": HEAD, "setting": Setting(), "number": "GFE-0005", "issued_on": date(2026, 11, 23),
        "addressee": ADDRESSEE, "client": client, "birth_date": date(1991, 3, 9), "primary": wording,
        "first_on": date(2026, 12, 7), "period_from": date(2026, 12, 7), "period_to": date(2027, 6, 30),
        "frequency": "once a week",
        "diagnoses": (SuperbillDiagnosis("A", "F41.1", "Generalized anxiety disorder"),),
        "clinicians": (SuperbillClinician("Lucia Reyes", "PhD", "1234567893", "OR 4411", "103T00000X"),),
        "place": HEAD.address, "tax_id": "12-3456789", "tax_id_kind": "EIN", "group_npi": "1234567893",
        "items": (item,) * lines, "total_minor": 364_000 * lines,
    }  # fmt: skip
    return EstimateDocument(**{**values, **fields})


MAKERS = {
    "invoice": invoice_document,
    "superbill": superbill_document,
    "receipt": receipt_document,
    "refund": refund_document,
    "statement": statement_document,
    "yearly": yearly_document,
    "estimate": estimate_document,
}


#: The same kinds with what stands on them only sometimes. Golden files are kept of these too.
VARIANTS: dict[str, Any] = {
    "invoice_void": lambda **fields: invoice_document(
        voided_on=date(2026, 11, 9), replaced_by="INV-0150", balance_minor=0, paid_minor=0, **fields
    ),
    "invoice_replacing": lambda **fields: invoice_document(number="INV-0150", replaces="INV-0142", **fields),
    "invoice_pay_to": lambda **fields: invoice_document(
        letterhead=replace(
            HEAD,
            pay_to=("Willow Billing LLC", "PO Box 9", "Golden, CO 80402"),
            pay_note="Write the invoice number on your check.",
        ),
        adjusted_minor=1_000,
        **fields,
    ),
    "superbill_whole": lambda **fields: superbill_document(
        letterhead=replace(HEAD, notice="Protected by 42 CFR part 2."),
        replaces="SB-0003",
        part="1 / 2",
        coverage=SuperbillCoverage("Alder Mutual", "AM991", "G77", "child", "Rui Duarte", date(1960, 1, 2)),
        authorization="AUTH12",
        referring="Dr. Holt",
        referring_npi="1234567893",
        facility=("Elm School", "1 Elm Street", "Portland, OR 97201"),
        facility_npi="1234567893",
        payments=(SuperbillPayment(date(2026, 11, 20), "card", 2_000),),
        signed_by="Lucia Reyes, PhD",
        signed_on=date(2026, 11, 23),
        **fields,
    ),
    "receipt_by_hand": lambda **fields: receipt_document(
        method="check", method_reference="1042", card_brand="", card_last4="", refunds=(), **fields
    ),
    "receipt_plain": lambda **fields: without_wordings(receipt_document(**fields)),
    "receipt_test": lambda **fields: receipt_document(is_test=True, **fields),
    "statement_credit": lambda **fields: statement_document(
        ending_minor=-3_000, credit_minor=3_000, ageing=Ageing(0, 0, 0, 0), adjustments_minor=-500, **fields
    ),
    "yearly_open": lambda **fields: yearly_document(refunded_minor=0, net_minor=2_000, **fields),
    "estimate_separate": lambda **fields: estimate_document(
        items=(EstimateItem("Testing", "T1", 1, 20_000, 20_000, 0, is_separate=True),),
        diagnoses=(),
        first_on=None,
        replaces="GFE-0004",
        **fields,
    ),
}
#: Every kind, plain and with all that can stand on it.
ALL_MAKERS: dict[str, Any] = MAKERS | VARIANTS
