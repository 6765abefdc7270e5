"""Credit on an account: money that was received and belongs to no service yet."""

from __future__ import annotations

from uuid import UUID

from paywell.audit.actions import record
from paywell.clients.models import BillingAccount
from paywell.core.db import lock, phase
from paywell.core.errors import UserError
from paywell.core.ids import new_id
from paywell.core.money import MAX_MINOR, Money
from paywell.ledger.actions import Posting, Side, post
from paywell.ledger.models import AccountKind
from paywell.practice.models import Practice


def record_credit(
    *, practice: Practice, account: BillingAccount, money: Money, reason: str, actor_id: UUID | None
) -> UUID:
    """Write that the account paid `money` ahead by cash or check: cash against client credit. Returns its id.

    Raises UserError `amount_zero`, `amount_too_large`, `reason_missing`.
    """
    reason = " ".join(reason.split())[:200]
    if money.minor <= 0:
        raise UserError("Enter an amount that is more than zero.", code="amount_zero", field="amount")
    if money.minor > MAX_MINOR:
        raise UserError("That amount is too large.", code="amount_too_large", field="amount")
    if not reason:
        raise UserError("Say what the credit is for.", code="reason_missing", field="reason")
    credit_id = new_id()
    with phase():
        account = lock(BillingAccount.objects.filter(practice=practice, pk=account.pk)).get()
        post(
            practice_id=practice.id,
            book_owner_id=account.id,
            source=f"credit:{credit_id}",
            postings=[
                Posting(
                    debit=Side(AccountKind.CASH, practice.id),
                    credit=Side(AccountKind.CLIENT_CREDIT, account.id),
                    money=money,
                    reason=reason,
                )
            ],
            actor_id=actor_id,
        )
        record(
            practice_id=practice.id,
            actor_id=actor_id,
            action="payments.record_credit",
            target_kind="billing_account",
            target_id=account.id,
        )
    return credit_id
