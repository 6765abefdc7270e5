"""A deposit that was sent back, or that its entries don't explain, comes before a person once."""

from __future__ import annotations

from datetime import timedelta

import pytest

from paywell.core import clock
from paywell.core.money import Money
from paywell.outbox.models import OutboxEvent
from paywell.payments.actions import start_payment
from paywell.payments.deposit_reviews import list_deposit_reviews
from paywell.payments.models import Deposit, ProcessorAccount, Review
from paywell.payments.reviews import close_review
from paywell.payments.sweep import sweep_all
from paywell.payments.tests.factories import World, make_form, make_line
from paywell.payments.tests.fake_processor import FakeProcessor
from paywell.processors import contract
from paywell.processors.contract import PartKind


@pytest.fixture
def deposited(world: World, processor: FakeProcessor) -> FakeProcessor:
    """One payment of $120.00, not sent to the bank yet."""
    start_payment(viewer=world.viewer, form=make_form(make_line(world, 12000)))
    return processor


def found() -> list[tuple[str, int, bool]]:
    rows = Review.objects.order_by("opened_at", "id")
    return [(row.kind, row.amount_minor, row.closed_at is None) for row in rows]


def a_day_later() -> None:
    with clock.set_to(clock.now() + timedelta(hours=25)):
        sweep_all()


def test_a_deposit_that_arrived_and_adds_up_is_nobodys_work(world: World, deposited: FakeProcessor) -> None:
    deposited.pay_out()
    sweep_all()
    a_day_later()
    assert found() == []


def test_a_deposit_that_was_sent_back_comes_before_a_person_once(world: World, deposited: FakeProcessor) -> None:
    deposited.pay_out()
    sweep_all()
    deposited.send_back("po_1")
    sweep_all()
    sweep_all()
    assert found() == [("deposit_returned", 12000, True)]
    review = Review.objects.get()
    assert review.deposit == Deposit.objects.get()
    assert review.processor_account == world.processor_account
    assert OutboxEvent.objects.filter(kind="payments.review_opened").count() == 1


def test_one_that_was_sent_back_before_anybody_looked_comes_too(world: World, deposited: FakeProcessor) -> None:
    """Known and unchanged: the sweep asks for nothing, and still it is told."""
    deposited.pay_out()
    sweep_all()
    deposited.send_back("po_1")
    sweep_all()
    Review.objects.all().delete()
    sweep_all()
    assert found() == [("deposit_returned", 12000, True)]


def test_closing_it_moves_no_money_and_it_does_not_come_back(world: World, deposited: FakeProcessor) -> None:
    deposited.pay_out()
    sweep_all()
    deposited.send_back("po_1")
    sweep_all()
    close_review(viewer=world.staff, review=Review.objects.get(), note="The bank account was closed.")
    a_day_later()
    assert found() == [("deposit_returned", 12000, False)]
    (review,) = list_deposit_reviews(world.staff, Deposit.objects.get())
    assert review.closing_note == "The bank account was closed."


def test_a_difference_is_news_only_after_a_day(world: World, deposited: FakeProcessor) -> None:
    deposited.pay_out(extra=-700)
    sweep_all()
    assert found() == []
    a_day_later()
    a_day_later()
    assert found() == [("deposit_unexplained", -700, True)]


def test_a_difference_that_is_explained_later_closes_by_itself(world: World, deposited: FakeProcessor) -> None:
    deposited.pay_out(extra=-700)
    sweep_all()
    a_day_later()
    deposited.parts["po_1"].append(contract.DepositPart("e_late", PartKind.ADJUSTMENT, Money(-700), Money(0)))
    a_day_later()
    assert found() == [("deposit_unexplained", -700, False)]
    review = Review.objects.get()
    assert (review.closed_by, review.closing_note) == (
        None,
        "Closed by itself: the processor told more of this deposit.",
    )


def test_another_difference_of_the_same_deposit_is_asked_about_anew(world: World, deposited: FakeProcessor) -> None:
    deposited.pay_out(extra=-700)
    sweep_all()
    a_day_later()
    close_review(viewer=world.staff, review=Review.objects.get(), note="A fee for the terminal.")
    deposited.parts["po_1"].append(contract.DepositPart("e_late", PartKind.ADJUSTMENT, Money(-200), Money(0)))
    a_day_later()
    assert found() == [("deposit_unexplained", -700, False), ("deposit_unexplained", -500, True)]


def test_a_deposit_that_cannot_be_read_is_no_difference(world: World, deposited: FakeProcessor) -> None:
    """What nobody itemizes explains nothing, and is no riddle."""
    deposited.pay_out()
    sweep_all()
    Deposit.objects.update(is_itemized=False)
    ProcessorAccount.objects.update(deposits_until=clock.now())
    Deposit.objects.get().parts.all().delete()
    deposited.deposits["po_1"] = contract.Deposit(
        "po_1", Money(12000), contract.DepositState.PAID, Deposit.objects.get().made_at,
        Deposit.objects.get().arrives_on, is_itemized=False,
    )  # fmt: skip
    a_day_later()
    assert found() == []
