"""The books beside the processor's own records: a difference of one cent is found, in both directions."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from paywell.books.check import check_books
from paywell.books.tests.worlds import Books, by_law, deliver, found, pay
from paywell.core import clock
from paywell.core.money import Money
from paywell.payments.actions import refund_payment
from paywell.payments.models import Attempt
from paywell.payments.sweep import sweep
from paywell.payments.tests.factories import make_line
from paywell.payments.tests.fake_processor import Charge
from paywell.processors.contract import Disputed, ProcessorUnavailable, Refunded, Verdict

Broken = dict[int, object]


def compared() -> dict[int, set[str]]:
    return found(with_processor=True)


def test_sound_books_are_those_of_the_processor(books: Books) -> None:
    report = check_books(with_processor=True)
    assert (by_law(report.offences), report.unasked) == ({}, [])
    assert report.looked_at["charges"] == 5


def one_cent_more(books: Books) -> Broken:
    books.processor.charges[books.paid.reference].captured = Money(12001)
    return {7: books.paid.id, 2: books.world.processor_account.id}


def a_charge_that_is_gone(books: Books) -> Broken:
    del books.processor.charges[books.paid.reference]
    return {7: books.paid.id, 2: books.world.processor_account.id}


def another_charge_of_the_same_name(books: Books) -> Broken:
    books.processor.charges[books.paid.reference].processor_ref = "ch_other"
    return {7: books.paid.id}


def money_that_nothing_explains(books: Books) -> Broken:
    books.processor.charges["x"] = Charge("ch_x", "X", Money(700), "paid", Money(700))
    return {2: "ch_x"}


def a_declined_payment_that_took_money(books: Books) -> Broken:
    books.processor.finish(books.declined.reference)
    return {7: books.declined.id, 2: books.world.processor_account.id}


def a_refund_made_there(books: Books) -> Broken:
    refunds = books.processor.charges[books.paid.reference].refunds
    refunds["r"] = Refunded("re_there", Money(100), Verdict.SUCCEEDED)
    return {4: books.paid.id, 2: books.world.processor_account.id}


def a_refund_that_is_not_there(books: Books) -> Broken:
    books.processor.charges[books.partly.reference].refunds.clear()
    return {4: books.partly.id, 2: books.world.processor_account.id}


def a_dispute_won_there(books: Books) -> Broken:
    charge = books.processor.charges[books.disputed.reference]
    charge.disputes = (Disputed("dp_1", Money(12000), Money(0), "won"),)
    return {9: books.disputed.id, 2: books.world.processor_account.id}


BREAKS = [
    one_cent_more, a_charge_that_is_gone, another_charge_of_the_same_name, money_that_nothing_explains,
    a_declined_payment_that_took_money, a_refund_made_there, a_refund_that_is_not_there, a_dispute_won_there,
]  # fmt: skip


@pytest.mark.parametrize("break_it", BREAKS, ids=lambda each: each.__name__)
def test_a_difference_is_found(books: Books, break_it: Callable[[Books], Broken]) -> None:
    expected = break_it(books)
    assert found() == {}
    offended = compared()
    assert set(offended) == set(expected)
    for law, about in expected.items():
        assert str(about) in offended[law]


def test_a_charge_that_lives_on_after_its_payment_closed_is_found(books: Books) -> None:
    books.processor.charges[books.declined.reference].status = "action"
    assert 5 not in compared()
    Attempt.objects.filter(pk=books.declined.pk).update(closed_at=clock.now() - timedelta(hours=5))
    assert compared() == {5: {str(books.declined.id)}}


def test_money_in_suspense_is_accounted_for(books: Books) -> None:
    money_that_nothing_explains(books)
    sweep(books.world.processor_account, clock.now() - timedelta(hours=72))
    deliver()
    assert compared() == {}


def test_a_payment_made_while_the_list_is_read_is_no_difference(books: Books) -> None:
    listed = list(books.processor.charges.values())
    fresh: list[Attempt] = []

    def pay_meanwhile() -> None:
        fresh.append(pay(books.world, make_line(books.world)))
        refund_payment(viewer=books.world.staff, attempt=fresh[0], amount=Money(100), reason="x")

    books.processor.before["list_since"] = pay_meanwhile
    books.processor.list_since = (  # type: ignore[method-assign]
        lambda since: [books.processor._begin("list_since"), [books.processor._tell(c) for c in listed]][1]  # type: ignore[assignment, return-value]
    )
    assert compared() == {}
    assert fresh[0].state == "succeeded"


def test_a_processor_without_an_answer_is_not_called_well(books: Books) -> None:
    def fail(since: object) -> object:
        raise ProcessorUnavailable("timeout")

    books.processor.list_since = fail  # type: ignore[method-assign, assignment]
    report = check_books(with_processor=True)
    assert (report.offences, len(report.unasked), report.is_well) == ([], 1, False)


def test_with_a_window_a_difference_within_it_is_found(books: Books) -> None:
    broken = a_charge_that_is_gone(books)
    report = check_books(with_processor=True, since=clock.now() - timedelta(hours=72))
    assert by_law(report.offences) == {7: {str(broken[7])}}


def test_with_a_window_what_is_older_is_not_missed_and_no_total_is_asked_for(books: Books) -> None:
    del books.processor.charges[books.paid.reference]
    with clock.set_to(clock.now() + timedelta(hours=73)):
        report = check_books(with_processor=True, since=clock.now() - timedelta(hours=72))
    assert {each.law for each in report.offences} & {2, 7} == set()
