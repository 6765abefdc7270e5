from __future__ import annotations

import pytest

from paywell.core.errors import UserError
from paywell.core.money import Money
from paywell.ledger.models import AccountKind, Transfer
from paywell.ledger.queries import get_account_balance
from paywell.payments.credit import record_credit
from paywell.payments.payables import get_summary
from paywell.payments.tests.factories import World


def test_money_paid_ahead_is_a_credit_of_the_account(world: World) -> None:
    record_credit(
        practice=world.practice, account=world.account, money=Money(6_000), reason="Check 1042", actor_id=None
    )
    transfer = Transfer.objects.get()
    assert (transfer.debit.kind, transfer.credit.kind, transfer.amount_minor) == ("cash", "client_credit", 6_000)
    assert (
        get_account_balance(
            practice_id=world.practice.id,
            kind=AccountKind.CLIENT_CREDIT,
            owner_id=world.account.id,
            currency="USD",
        )
        == -6_000
    )
    assert get_summary(world.viewer).credit == Money(6_000)


@pytest.mark.parametrize(
    ("money", "reason", "code"),
    [
        (Money(0), "Check", "amount_zero"),
        (Money(-1), "Check", "amount_zero"),
        (Money(100_000_001), "Check", "amount_too_large"),
        (Money(100), " ", "reason_missing"),
    ],
)
def test_a_credit_without_amount_or_reason_is_refused(world: World, money: Money, reason: str, code: str) -> None:
    with pytest.raises(UserError) as refused:
        record_credit(practice=world.practice, account=world.account, money=money, reason=reason, actor_id=None)
    assert refused.value.code == code
    assert not Transfer.objects.exists()
