"""Money that came for what was paid already is credit, told in a review: the books are whole with it."""

from __future__ import annotations

import pytest

from paywell.books.check import check_books
from paywell.core.money import Money
from paywell.ledger.models import AccountKind
from paywell.payments.actions import cancel_attempt, start_payment
from paywell.payments.decisions import Decision, decide_review
from paywell.payments.models import Attempt, AttemptLine, Review
from paywell.payments.orders import charge_order
from paywell.payments.reviews import open_review
from paywell.payments.settle import settle
from paywell.payments.tests.checks import balance, owed
from paywell.payments.tests.factories import World, make_form, make_line, make_world
from paywell.payments.tests.fake_processor import FakeProcessor
from paywell.payments.tests.test_refunds import refund
from paywell.processors.contract import Style


@pytest.fixture
def world(db: None) -> World:
    return make_world()


def pay_late(world: World, processor: FakeProcessor, amount: int) -> Attempt:
    """Begin to pay $120, cancel, pay $70 in another payment; then `amount` comes of the first after all."""
    processor.style = Style.TWO_STEP
    line = make_line(world)
    first = start_payment(viewer=world.viewer, form=make_form(line, amount=Money(amount), card_token=""))
    cancel_attempt(viewer=world.viewer, attempt=first)
    second = start_payment(viewer=world.viewer, form=make_form(line, amount=Money(7_000), card_token=""))
    processor.pay_at_step_two(second.reference)
    settle(attempt_id=second.id, truth=processor.look_up(charge_order(second)), cause="read")
    processor.finish(first.reference)
    settle(attempt_id=first.id, truth=processor.look_up(charge_order(first)), cause="notice")
    review = Review.objects.get(closed_at=None)
    decide_review(viewer=world.staff, review=review, decision=Decision.ACCEPT, note="It is theirs.")
    assert owed(line) == 0
    return Attempt.objects.get(pk=first.pk)


@pytest.mark.parametrize("back", [0, 3_000, 7_000, 12_000])
def test_what_came_for_a_service_paid_meanwhile_is_credit_and_no_offence(
    world: World, processor: FakeProcessor, back: int
) -> None:
    first = pay_late(world, processor, 12_000)
    assert balance(world, AccountKind.CLIENT_CREDIT) == -7_000
    assert check_books().offences == []
    review = Review.objects.get(attempt=first)
    Review.objects.filter(pk=review.pk).update(closed_at=None)  # as long as nobody looked it is one
    assert [(each.law, each.id) for each in check_books().offences] == [
        (3, str(AttemptLine.objects.first().line_id))
    ]
    Review.objects.filter(pk=review.pk).update(closed_at=review.closed_at)
    if back:
        refund(world, first, back)
    assert check_books().offences == []


def test_law_3_tells_until_the_question_about_this_very_money_is_closed(
    world: World, processor: FakeProcessor
) -> None:
    """A person who closed another review of the same payment has not looked at its surplus."""
    first = pay_late(world, processor, 12_000)
    other = Review.objects.get(attempt=first)
    open_review(
        practice_id=first.practice_id, kind="surplus", about=str(first.id), money=Money(7_000), attempt_id=first.id,
        processor_account_id=first.processor_account_id,
    )  # fmt: skip
    assert other.closed_at is not None
    line = AttemptLine.objects.filter(attempt=first).get().line_id
    assert [(each.law, each.id) for each in check_books().offences] == [(3, str(line))]
    Review.objects.filter(attempt=first, kind="surplus").update(closed_at=other.closed_at)
    assert check_books().offences == []


def test_law_3_still_tells_of_a_line_that_two_payments_pay_beside_one_that_is_credit(
    world: World, processor: FakeProcessor
) -> None:
    first = pay_late(world, processor, 12_000)
    part = AttemptLine.objects.exclude(attempt=first).get()
    AttemptLine.objects.filter(pk=part.pk).update(amount_minor=7_001)
    offences = check_books().offences
    assert (3, str(part.line_id)) in [(each.law, str(each.id)) for each in offences]
