"""A practice with as many clients as asked for, made in a few statements: rows as lists read them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

FIRST = ("Ada", "Bo", "Cleo", "Dara", "Eli", "Fay", "Gus", "Hana", "Ivo", "June")
LAST = ("Amsel", "Brook", "Carrow", "Dunmore", "Elster", "Fairley", "Gant", "Hollis", "Irving", "Jansen")
FEE = 14_000
NO_DIGEST = "0" * 64


@dataclass
class Filled:
    """What was made. Every row belongs to `practice`."""

    practice: Any
    owner: Any  #: a User, who may see all
    busiest: Any  #: the client for whom a tenth as much was invoiced as for all others together
    clinician: Any
    processor_account: Any
    accounts: list[Any]
    clients: list[Any]
    contacts: list[Any]  #: of the first half of the clients
    now: datetime


def fill(size: int) -> Filled:
    """`size` clients, each with a service and a payment by hand or by card.

    Every other one has an invoice, a document and a pay link, a third of that owed; the first half a person with
    access and a card.
    """
    made = _fill_people(size)
    invoices = _fill_invoices(made, [*made.clients, *[made.busiest] * (size // 10)])
    _fill_payments(made)
    _fill_papers(made, invoices)
    from paywell.clients.search import rebuild, rebuild_accounts

    rebuild()
    rebuild_accounts()
    return made


def _save(*groups: Sequence[Any]) -> None:
    for rows in groups:
        if rows:
            type(rows[0]).objects.bulk_create(rows, batch_size=500)


def _fill_people(size: int) -> Filled:
    from paywell.accounts.actions import create_staff_member, create_user
    from paywell.accounts.models import Role
    from paywell.clients.models import BillingAccount, Client, Contact, Grant
    from paywell.core import clock
    from paywell.payments.models import ProcessorAccount, SavedCard
    from paywell.practice.actions import add_clinician, create_practice

    now = clock.now()
    practice = create_practice(name=f"Practice of {size}", actor_id=None)
    owner = create_user(email=f"owner{size}@example.org", actor_id=None)
    create_staff_member(practice=practice, user=owner, role=Role.OWNER, actor_id=None)
    own: dict[str, Any] = {"practice": practice, "created_at": now}
    accounts = [BillingAccount(name=f"A{n}", **own) for n in range(size)]
    clients = [
        Client(
            legal_first_name=FIRST[n % 10], legal_last_name=f"{LAST[n // 10 % 10]} N{n // 100}",
            email=f"client{n}@example.org", phone=f"+1303{n:07}", default_account=accounts[n], **own,
        )
        for n in range(size)
    ]  # fmt: skip
    contacts = [Contact(name=f"C{n}", **own) for n in range(size // 2)]
    grants = [
        Grant(
            contact=contact, client=client, account=client.default_account, role="self",
            valid_from=date(2026, 1, 1), **own,
        )
        for contact, client in zip(contacts, clients, strict=False)
    ]  # fmt: skip
    processor_account = ProcessorAccount.objects.create(
        practice=practice, connector="test_inline", connected_at=now
    )
    cards = [
        SavedCard(
            processor_account=processor_account, contact=contact, token=f"pm_{n}", customer_ref=f"cus_{n}",
            brand="visa", last4="4242", exp_month=n % 12 + 1, exp_year=2026 + n % 5, **own,
        )
        for n, contact in enumerate(contacts)
    ]  # fmt: skip
    _save(accounts, clients, contacts, grants, cards)
    clinician = add_clinician(practice=practice, name="Mara Feldt", actor_id=None)
    return Filled(
        practice, owner, clients[0], clinician, processor_account, accounts, clients, contacts, now
    )  # fmt: skip


def _fill_invoices(made: Filled, clients: Sequence[Any]) -> list[Any]:
    """A service for each of `clients`, and the invoices of every other one, a third of them owed."""
    from paywell.care.models import Service
    from paywell.core.ids import new_id
    from paywell.invoicing.models import Invoice, InvoiceLine
    from paywell.ledger.models import AccountKind, Book, LedgerAccount, LineBalance, Transfer

    today, own = made.now.date(), {"practice": made.practice}
    of_ledger = {"practice_id": made.practice.id, "currency": "USD"}
    books = {row.id: Book(practice_id=made.practice.id, owner_id=row.id) for row in made.accounts}
    sides = {
        row.id: LedgerAccount(kind=AccountKind.RECEIVABLE, owner_id=row.id, **of_ledger) for row in made.accounts
    }
    income = LedgerAccount(kind=AccountKind.INCOME, owner_id=made.practice.id, **of_ledger)
    services, invoices, lines, balances, transfers = [], [], [], [], []  # type: ignore[var-annotated]
    for n, client in enumerate(clients):
        on = today - timedelta(days=n % 300)
        account = client.default_account
        service = Service(
            **own, client=client, clinician=made.clinician, on=on, wording="Session", fee_minor=FEE,
            recorded_at=made.now,
        )  # fmt: skip
        services.append(service)
        if n % 2 and n < len(made.clients):
            continue
        invoice = Invoice(
            **own, account=account, number=n + 1, label=f"INV-{n + 1:05}", issued_on=on, issued_at=made.now,
            due_on=today + timedelta(days=n % 60 - 30), total_minor=FEE, currency="USD", frozen={},
            digest=NO_DIGEST,
        )  # fmt: skip
        invoices.append(invoice)
        line = InvoiceLine(
            **own, invoice=invoice, account=account, service=service, client=client, position=1, on=on,
            wording="Session", clinician_name="Mara Feldt", amount_minor=FEE, currency="USD",
        )  # fmt: skip
        lines.append(line)
        balances.append(
            LineBalance(
                line_id=line.id, owner_id=account.id, subject_id=client.id, on=on, due_on=invoice.due_on,
                charged_minor=FEE, balance_minor=FEE if n % 3 == 0 else 0, **of_ledger,
            )
        )  # fmt: skip
        transfers.append(
            Transfer(
                book=books[account.id], seq=n + 1, source=f"invoice:{new_id()}", leg=0, debit=sides[account.id],
                credit=income, amount_minor=FEE, line_id=line.id, at=made.now, prev_hash=NO_DIGEST, hash=NO_DIGEST,
                **of_ledger,
            )
        )  # fmt: skip
    _save(list(books.values()), [*sides.values(), income], services, invoices, lines, balances, transfers)
    return invoices


def _fill_payments(made: Filled) -> None:
    """A payment for each account: by hand and through the processor in turns."""
    from paywell.billing.models import Entry, EntryKind
    from paywell.payments.models import Attempt, AttemptState

    today, own = made.now.date(), {"practice": made.practice, "currency": "USD", "amount_minor": FEE}
    entries, attempts = [], []
    for n, account in enumerate(made.accounts):
        moment = made.now - timedelta(days=n % 300, seconds=n)
        if n % 2:
            entries.append(
                Entry(
                    **own, account=account, kind=EntryKind.PAYMENT, method="cash",
                    on=today - timedelta(days=n % 300), at=moment, recorded_at=made.now,
                )
            )  # fmt: skip
        else:
            attempts.append(
                Attempt(
                    **own, account=account, processor_account=made.processor_account,
                    contact=made.contacts[n % len(made.contacts)], state=AttemptState.SUCCEEDED,
                    captured_minor=FEE, content_hash=NO_DIGEST, card_brand="Visa", card_last4="4242",
                    created_at=moment, closed_at=moment, deadline_at=moment,
                )
            )  # fmt: skip
    _save(entries, attempts)


def _fill_papers(made: Filled, invoices: Sequence[Any]) -> None:
    """A document for each invoice's client, and an open pay link to each invoice."""
    from paywell.documents.models import IssuedClient, IssuedDocument
    from paywell.payments.models import PayLink

    own = {"practice": made.practice}
    client_of = {client.default_account_id: client for client in made.clients}
    documents = [
        IssuedDocument(
            **own, kind="statement", number=n + 1, label=f"ST-{n + 1:05}", account=invoice.account, data={},
            digest=NO_DIGEST, issued_on=invoice.issued_on, issued_at=made.now,
        )
        for n, invoice in enumerate(invoices)
    ]  # fmt: skip
    told = [IssuedClient(**own, document=row, client=client_of[row.account_id]) for row in documents]
    links = [
        PayLink(**own, invoice=invoice, made_at=made.now, expires_at=made.now + timedelta(days=20))
        for invoice in invoices
    ]
    _save(documents, told, links)
