from __future__ import annotations

from datetime import date

import pytest
from django.db import DatabaseError, transaction

from paywell.core.ids import new_id
from paywell.core.money import Money
from paywell.ledger.actions import Line, Posting, Side, post
from paywell.ledger.models import AccountKind, Transfer


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("run", [1, 2])
def test_the_database_refuses_to_change_or_delete_a_transfer(run: int) -> None:
    practice, owner = new_id(), new_id()
    with transaction.atomic():
        [transfer] = post(
            practice_id=practice,
            book_owner_id=owner,
            source="invoice:1",
            postings=[
                Posting(
                    Side(AccountKind.RECEIVABLE, owner),
                    Side(AccountKind.INCOME, practice),
                    Money(12000),
                    Line(new_id(), on=date(2026, 11, 3)),
                )
            ],
            actor_id=None,
        )
    with pytest.raises(DatabaseError):
        Transfer.objects.filter(pk=transfer.pk).update(amount_minor=1)
    with pytest.raises(DatabaseError):
        Transfer.objects.filter(pk=transfer.pk).delete()
    assert Transfer.objects.get().amount_minor == 12000
