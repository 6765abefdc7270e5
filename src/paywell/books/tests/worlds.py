"""A practice with everything that may stand in its books, made by the real path; and ways to break it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.db.models import F

from paywell.books.check import check_books
from paywell.books.types import Offence
from paywell.core.ids import new_id, new_key, new_reference
from paywell.core.money import Money
from paywell.core.tests.triggers import unguarded
from paywell.invoicing.models import InvoiceLine
from paywell.ledger.actions import Line, Posting, Side, post, transfer_hash
from paywell.ledger.models import AccountKind, Transfer
from paywell.outbox.models import OutboxEvent
from paywell.payments.actions import refund_payment, start_payment
from paywell.payments.models import Attempt, AttemptEvent, AttemptLine, Dispute, Refund
from paywell.payments.orders import charge_order
from paywell.payments.settle import settle
from paywell.payments.tests.factories import World, make_form, make_line
from paywell.payments.tests.fake_processor import FakeProcessor
from paywell.processors.contract import Disputed


@dataclass
class Books:
    world: World
    processor: FakeProcessor
    line: InvoiceLine
    paid: Attempt
    partly: Attempt  #: half refunded
    refund: Refund
    disputed: Attempt
    dispute: Dispute
    declined: Attempt
    open: Attempt
    open_line: InvoiceLine
    owed: InvoiceLine


def make_books(world: World, processor: FakeProcessor) -> Books:
    line, back, fought, refused, held = (make_line(world) for _ in range(5))
    paid = pay(world, line)
    partly = pay(world, back)
    refund = refund_payment(viewer=world.staff, attempt=partly, amount=Money(6000), reason="Session canceled")
    disputed = pay(world, fought)
    charge = processor.charges[disputed.reference]
    charge.disputes = (Disputed("dp_1", Money(12000), Money(12000), "open"),)
    settle(attempt_id=disputed.id, truth=processor.look_up(charge_order(disputed)), cause="sweep")
    processor.behavior = "declined"
    declined = pay(world, refused)
    processor.behavior = "late"
    waiting = pay(world, held)
    processor.behavior = "paid"
    deliver()
    return Books(
        world, processor, line, paid, Attempt.objects.get(pk=partly.pk), refund, disputed,
        Dispute.objects.get(), declined, waiting, held, make_line(world),
    )  # fmt: skip


def pay(world: World, *lines: InvoiceLine) -> Attempt:
    return start_payment(viewer=world.viewer, form=make_form(*lines))


def deliver() -> None:
    """As if the worker had handed every event over at once."""
    OutboxEvent.objects.update(delivered_at=F("created_at"))


def found(**options: Any) -> dict[int, set[str]]:
    """The ids of what offends, by law."""
    return by_law(check_books(**options).offences)


def by_law(offences: list[Offence]) -> dict[int, set[str]]:
    laws: dict[int, set[str]] = {}
    for offence in offences:
        laws.setdefault(offence.law, set()).add(offence.id)
    return laws


def change_sealed(transfer: Transfer, **columns: Any) -> None:
    """Change the last transfer of a book and seal it again, so that only the change itself is wrong."""
    with unguarded("ledger_transfer"):
        for name, value in columns.items():
            setattr(transfer, name, value)
        Transfer.objects.filter(pk=transfer.pk).update(**columns, hash=transfer_hash(transfer))


def slip_in(
    world: World, source: str, debit: AccountKind, credit: AccountKind, minor: int, line: InvoiceLine | None = None
) -> Transfer:
    """A transfer that looks sound and that nothing caused."""
    owners = {
        AccountKind.CLEARING: world.processor_account.id,
        AccountKind.DISPUTES: world.processor_account.id,
        AccountKind.RECEIVABLE: world.account.id,
        AccountKind.CLIENT_CREDIT: world.account.id,
    }
    sides = [Side(kind, owners.get(kind, world.practice.id)) for kind in (debit, credit)]
    posting = Posting(*sides, Money(minor), Line(line.id) if line else None)
    with transaction.atomic():
        return post(
            practice_id=world.practice.id, book_owner_id=world.account.id, source=source, postings=[posting],
            actor_id=None,
        )[0]  # fmt: skip


def copy_payment(books: Books) -> Attempt:
    """A second payment of the same service that looks sound in everything else."""
    first = Attempt.objects.get(pk=books.paid.pk)
    copy = Attempt.objects.get(pk=books.paid.pk)
    copy.id, copy.reference, copy.processor_ref = new_id(), new_reference(), "ch_copy"
    copy.open_key, copy.submit_key = new_key(), new_key()
    copy.save(force_insert=True)
    for row in AttemptLine.objects.filter(attempt=first):
        row.id, row.attempt = new_id(), copy
        row.save(force_insert=True)
    for event in AttemptEvent.objects.filter(attempt=first):
        event.id, event.attempt = new_id(), copy
        event.save(force_insert=True)
    news = OutboxEvent.objects.get(dedupe=f"payments.payment_succeeded:{first.id}")
    news.id, news.dedupe = new_id(), f"payments.payment_succeeded:{copy.id}"
    news.save(force_insert=True)
    slip_in(books.world, f"payment:{copy.id}", AccountKind.CLEARING, AccountKind.CLIENT_CREDIT, copy.captured_minor)
    return copy
