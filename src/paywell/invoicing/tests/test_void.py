from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import pytest
from django.db import DatabaseError, connection, transaction

from paywell.core.errors import UserError
from paywell.core.ids import new_id
from paywell.core.money import Money
from paywell.invoicing import holds
from paywell.invoicing.actions import issue_invoice, void_invoice
from paywell.invoicing.models import Invoice, InvoiceLine
from paywell.invoicing.tests.factories import make_client, make_practice, make_service
from paywell.ledger.actions import Line, Posting, Side, post
from paywell.ledger.models import AccountKind, LineBalance, Transfer
from paywell.outbox.models import OutboxEvent

pytestmark = pytest.mark.django_db


def make_invoice() -> Invoice:
    client = make_client(make_practice())
    return issue_invoice(
        practice=client.practice,
        account=client.default_account,
        services=[make_service(client)],
        actor_id=None,
    )


@contextmanager
def held(line_ids: Collection[UUID]) -> Iterator[None]:
    def ask(ids: Collection[UUID]) -> bool:
        return bool(set(ids) & set(line_ids))

    holds.register(ask)
    try:
        yield
    finally:
        holds.unregister(ask)


def test_voiding_reverses_every_transfer_and_keeps_the_number() -> None:
    invoice = make_invoice()
    void_invoice(invoice=invoice, reason="Wrong client", actor_id=None)
    charge, reversal = Transfer.objects.order_by("seq")
    assert reversal.source == f"void:{invoice.id}"
    assert reversal.reverses_id == charge.id
    assert (reversal.debit_id, reversal.credit_id) == (charge.credit_id, charge.debit_id)
    line = InvoiceLine.objects.get()
    assert line.voided_at is not None
    assert LineBalance.objects.get(line_id=line.id).balance_minor == 0
    invoice.refresh_from_db()
    assert (invoice.number, invoice.void_reason) == (1, "Wrong client")
    assert OutboxEvent.objects.filter(kind="invoicing.invoice_voided").count() == 1


def test_f21_an_invoice_is_not_voided_while_a_line_is_being_paid() -> None:
    invoice = make_invoice()
    with held([invoice.lines.get().id]), pytest.raises(UserError) as refused:
        void_invoice(invoice=invoice, reason="Wrong", actor_id=None)
    assert refused.value.code == "being_paid"
    invoice.refresh_from_db()
    assert invoice.voided_at is None
    assert Transfer.objects.count() == 1


def test_an_invoice_with_a_payment_is_not_voided() -> None:
    invoice = make_invoice()
    line = invoice.lines.get()
    with transaction.atomic():
        post(
            practice_id=invoice.practice_id,
            book_owner_id=invoice.account_id,
            source=f"payment:{new_id()}",
            postings=[
                Posting(
                    Side(AccountKind.CASH, invoice.practice_id),
                    Side(AccountKind.RECEIVABLE, invoice.account_id),
                    Money(1),
                    Line(line.id),
                )
            ],
            actor_id=None,
        )
    with pytest.raises(UserError) as refused:
        void_invoice(invoice=invoice, reason="Wrong", actor_id=None)
    assert refused.value.code == "has_payments"
    assert Transfer.objects.count() == 2


def test_an_invoice_is_voided_once_and_for_a_reason() -> None:
    invoice = make_invoice()
    with pytest.raises(UserError) as refused:
        void_invoice(invoice=invoice, reason="  ", actor_id=None)
    assert refused.value.code == "reason_missing"
    void_invoice(invoice=invoice, reason="Wrong", actor_id=None)
    with pytest.raises(UserError) as refused:
        void_invoice(invoice=invoice, reason="Again", actor_id=None)
    assert refused.value.code == "voided"
    assert Transfer.objects.count() == 2


@pytest.mark.parametrize(
    ("model", "change"),
    [
        (Invoice, {"number": 7}),
        (Invoice, {"total_minor": 1}),
        (Invoice, {"frozen": {}}),
        (Invoice, {"digest": "0" * 64}),
        (Invoice, {"issued_on": "2020-01-01"}),
        (InvoiceLine, {"amount_minor": 1}),
        (InvoiceLine, {"wording": "Something else"}),
    ],
)
def test_the_database_refuses_to_change_an_issued_invoice(model: Any, change: dict[str, Any]) -> None:
    make_invoice()
    before = model.objects.values().get()
    with pytest.raises(DatabaseError), transaction.atomic():
        model.objects.update(**change)
    assert model.objects.values().get() == before


def test_the_database_refuses_to_delete_an_invoice_or_to_take_a_void_back() -> None:
    invoice = make_invoice()
    for sql in (
        "DELETE FROM invoicing_invoiceline",
        "DELETE FROM invoicing_invoice",
    ):
        with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(sql)
    void_invoice(invoice=invoice, reason="Wrong", actor_id=None)
    with pytest.raises(DatabaseError), transaction.atomic():
        Invoice.objects.update(voided_at=None)
    assert Invoice.objects.get().voided_at is not None
