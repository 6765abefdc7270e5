"""A refund that fails days later, after its service was paid again: nobody has paid twice, the money is credit."""

from __future__ import annotations

from dataclasses import replace

import pytest

from paywell.books.check import check_books
from paywell.invoicing.models import InvoiceLine
from paywell.ledger.models import AccountKind
from paywell.payments.machine import OPEN
from paywell.payments.models import Attempt, Refund, RefundState, Review
from paywell.payments.tests.checks import balance, owed
from paywell.payments.tests.factories import World, make_line, make_world
from paywell.payments.tests.fake_processor import FakeProcessor
from paywell.payments.tests.test_refunds import pay, refund, sweep_in
from paywell.processors.contract import Verdict


@pytest.fixture
def world(db: None) -> World:
    return make_world()


def fail_late(attempt: Attempt, made: Refund, processor: FakeProcessor) -> None:
    charge = processor.charges[attempt.reference]
    charge.refunds[made.key] = replace(charge.refunds[made.key], verdict=Verdict.DECLINED)
    for _ in range(2):
        sweep_in(attempt, processor)


def refund_and_fail(world: World, processor: FakeProcessor, line: InvoiceLine, then: str = "") -> list[Attempt]:
    """Pay $120, give it back, and pay again with a card that does as `then` says; then the refund fails."""
    first = pay(world, line)
    made = refund(world, first, 12000)
    processor.behavior = then or processor.behavior
    second = pay(world, line)
    fail_late(first, made, processor)
    made.refresh_from_db()
    assert made.state == RefundState.FAILED_LATE
    return [first, second]


def test_f32_a_refund_that_fails_after_its_service_was_paid_again_becomes_credit(
    world: World, processor: FakeProcessor
) -> None:
    line = make_line(world, 12000)
    first, second = refund_and_fail(world, processor, line)
    assert owed(line) == 0
    assert balance(world, AccountKind.CLEARING) == 24000
    assert balance(world, AccountKind.CLIENT_CREDIT) == -12000
    kinds = Review.objects.order_by("kind").values_list("kind", "amount_minor")
    assert list(kinds) == [("failed_refund_is_credit", 12000), ("refund_failed_late", 12000)]
    assert check_books().offences == []

    again = refund(world, first, 12000)
    assert owed(line) == 0
    assert balance(world, AccountKind.CLIENT_CREDIT) == 0
    assert balance(world, AccountKind.CLEARING) == 12000
    assert check_books().offences == []

    fail_late(first, again, processor)
    assert balance(world, AccountKind.CLIENT_CREDIT) == -12000
    refund(world, first, 7000)
    assert balance(world, AccountKind.CLIENT_CREDIT) == -5000
    refund(world, second, 12000)
    assert owed(line) == 12000
    assert check_books().offences == []


def test_f32_of_a_refund_in_part_that_failed_only_what_is_no_longer_owed_becomes_credit(
    world: World, processor: FakeProcessor
) -> None:
    first, second = make_line(world, 10000), make_line(world, 4000)
    attempt = pay(world, first, second)
    made = refund(world, attempt, 6000)
    pay(world, second)
    fail_late(attempt, made, processor)
    assert (owed(first), owed(second)) == (0, 0)
    assert balance(world, AccountKind.CLIENT_CREDIT) == -4000
    assert Review.objects.get(kind="failed_refund_is_credit").amount_minor == 4000
    refund(world, attempt, 14000)
    assert (owed(first), owed(second)) == (10000, 0)
    assert balance(world, AccountKind.CLIENT_CREDIT) == 0
    assert check_books().offences == []


def test_f32_a_refund_that_fails_while_its_service_is_being_paid_leaves_the_service_to_that_payment(
    world: World, processor: FakeProcessor
) -> None:
    line = make_line(world, 12000)
    _, second = refund_and_fail(world, processor, line, then="late")
    second.refresh_from_db()
    assert second.state in OPEN
    assert owed(line) == 12000
    assert balance(world, AccountKind.CLIENT_CREDIT) == -12000
    processor.finish(second.reference)
    sweep_in(second, processor)
    assert owed(line) == 0
    assert balance(world, AccountKind.CLIENT_CREDIT) == -12000
    assert not Review.objects.filter(kind="surplus").exists()
    assert check_books().offences == []


def test_f32_where_the_payment_that_was_under_way_fails_too_the_service_is_owed_beside_the_credit(
    world: World, processor: FakeProcessor
) -> None:
    line = make_line(world, 12000)
    _, second = refund_and_fail(world, processor, line, then="late")
    processor.finish(second.reference, "declined")
    sweep_in(second, processor)
    assert owed(line) == 12000
    assert balance(world, AccountKind.CLIENT_CREDIT) == -12000
    assert balance(world, AccountKind.CLEARING) == 12000
    assert check_books().offences == []
