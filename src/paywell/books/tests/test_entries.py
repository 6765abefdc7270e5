"""Entries by hand are part of the books: told rightly they offend nothing, and each way to lie is found."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.db import transaction

from paywell.billing.entries import EntryForm, make_entry, reverse_entry
from paywell.billing.models import Entry, EntryKind, EntryLine, Method
from paywell.books.tests.worlds import Books, change_sealed, found, pay, slip_in, unguarded
from paywell.core.ids import new_id
from paywell.core.money import Money
from paywell.invoicing.models import InvoiceLine
from paywell.ledger.models import AccountKind, Transfer
from paywell.payments.tests.factories import make_line

K = EntryKind


def enter(books: Books, kind: EntryKind, minor: int, line: InvoiceLine | None = None, **values: object) -> Entry:
    form = EntryForm(
        entry_id=new_id(), kind=kind, amount=Money(minor), line_ids=(line.id,) if line else (), reason="So agreed",
        method=Method.CHECK if kind in (K.PAYMENT, K.CREDIT_OUT, K.INSURER_PAYMENT) else None, **values,
    )  # fmt: skip
    return make_entry(viewer=books.world.staff, account=books.world.account, form=form)


def test_every_kind_of_entry_and_its_undoing_offends_nothing(books: Books) -> None:
    insured = make_line(books.world)
    service = insured.service
    type(service).objects.filter(pk=service.pk).update(fee_minor=20000, insurer_minor=8000)
    entries = [
        enter(books, K.PAYMENT, 3000, books.owed),
        enter(books, K.PAYMENT, 50000, books.owed),
        enter(books, K.ADJUSTMENT, 100, insured),
        enter(books, K.WRITE_OFF, 200, insured),
        enter(books, K.CREDIT_USED, 300, insured),
        enter(books, K.CREDIT_OUT, 400),
        enter(books, K.INSURER_PAYMENT, 1000, service_id=service.id),
        enter(books, K.INSURER_ADJUSTMENT, 2000, service_id=service.id),
        enter(books, K.INSURER_TO_CLIENT, 3000, service_id=service.id),
    ]
    settle_news()
    assert found() == {}
    for entry in reversed(entries):
        reverse_entry(viewer=books.world.staff, entry=entry, reason="Taken back")
    assert found() == {}


def test_a_line_that_grew_by_the_insurer_s_refusal_may_be_paid_whole(books: Books) -> None:
    line = make_line(books.world)
    service = line.service
    type(service).objects.filter(pk=service.pk).update(fee_minor=20000, insurer_minor=8000)
    pay(books.world, line)
    enter(books, K.INSURER_TO_CLIENT, 8000, service_id=service.id)
    assert pay(books.world, line).captured_minor == 8000
    settle_news()
    assert found() == {}


def settle_news() -> None:
    from paywell.books.tests.worlds import deliver

    deliver()


def _forget_the_line(books: Books, entry: Entry) -> str:
    with unguarded("billing_entryline"):
        EntryLine.objects.filter(entry=entry).update(line=books.line)
    return ""


def _another_amount(books: Books, entry: Entry) -> str:
    with unguarded("billing_entry"):
        Entry.objects.filter(pk=entry.pk).update(amount_minor=3001)
    return str(entry.id)


def _never_undone(books: Books, entry: Entry) -> str:
    with unguarded("billing_entry"):
        Entry.objects.filter(pk=entry.pk).update(reversed_at=entry.recorded_at, reverse_reason="x")
    return str(entry.id)


def _cash_from_nowhere(books: Books, entry: Entry) -> str:
    return str(slip_in(books.world, "gift:1", AccountKind.CASH, AccountKind.CLIENT_CREDIT, 5).id)


def _transfer_changed(books: Books, entry: Entry) -> str:
    change_sealed(Transfer.objects.get(source=f"entry:{entry.id}"), amount_minor=2999)
    return str(entry.id)


@pytest.mark.parametrize(
    "lie", [_forget_the_line, _another_amount, _never_undone, _cash_from_nowhere, _transfer_changed]
)
def test_each_lie_about_an_entry_is_found(books: Books, lie: Callable[[Books, Entry], str]) -> None:
    entry = enter(books, K.PAYMENT, 3000, books.owed)
    settle_news()
    assert found() == {}
    with transaction.atomic():
        offender = lie(books, entry)
    assert 11 in found()
    assert not offender or offender in found()[11]
