"""A charge without the payer stands in the books only with the agreement that allows it."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.db import transaction

from paywell.agreements.charging import charge_saved_card
from paywell.agreements.models import Agreement, Charge, ChargeTry
from paywell.agreements.tests.factories import agree
from paywell.books.tests.worlds import Books, deliver, found, unguarded
from paywell.core.money import Money
from paywell.payments.models import Attempt
from paywell.payments.tests.factories import make_line


def charge(books: Books) -> Attempt:
    make_line(books.world)
    agreement = agree(books.world, limit=20_000)
    charge_saved_card(viewer=books.world.staff, agreement=agreement, amount=Money(12_000), key="k")
    deliver()
    assert found() == {}
    return Attempt.objects.get(channel="staff")


def no_try(attempt: Attempt) -> str:
    with unguarded("agreements_chargetry"):
        ChargeTry.objects.all().delete()
    return str(attempt.id)


def a_lower_limit(attempt: Attempt) -> str:
    with unguarded("agreements_agreement"):
        Agreement.objects.update(charge_limit_minor=11_999)
    return str(attempt.id)


def agreed_later(attempt: Attempt) -> str:
    with unguarded("agreements_agreement"):
        Agreement.objects.update(agreed_at=attempt.closed_at)
    return str(attempt.id)


def less_announced(attempt: Attempt) -> str:
    Charge.objects.update(amount_minor=11_999)
    return str(attempt.id)


@pytest.mark.parametrize("lie", [no_try, a_lower_limit, agreed_later, less_announced])
def test_a_charge_that_nobody_agreed_to_is_found(books: Books, lie: Callable[[Attempt], str]) -> None:
    attempt = charge(books)
    with transaction.atomic():
        offender = lie(attempt)
    assert found() == {8: {offender}}
