"""From which amount credit is paid out only with a second person's word: the same amount as for refunds."""

from __future__ import annotations

from datetime import timedelta
from typing import Final
from uuid import UUID

from django.db.models import Sum

from paywell.billing.models import Entry, EntryKind, PayOutRequest
from paywell.billing.rules import needs_second_person
from paywell.clients.models import BillingAccount
from paywell.core import clock
from paywell.core.money import Money

#: Pay-outs of one account within it count together, so that none passes in parts.
TOGETHER: Final = timedelta(days=30)


def needs_approval(account: BillingAccount, amount: Money) -> bool:
    """Whether this pay-out, with those of the account in the thirty days before, is above one person's amount."""
    before = Entry.objects.filter(
        practice_id=account.practice_id, account=account, kind=EntryKind.CREDIT_OUT, reversed_at=None,
        recorded_at__gt=clock.now() - TOGETHER,
    ).aggregate(total=Sum("amount_minor"))["total"]  # fmt: skip
    return needs_second_person(account.practice_id, (before or 0) + amount.minor)


def may_go_out(account: BillingAccount, amount: Money, entry_id: UUID) -> bool:
    """Whether one person may pay this out, or a second one approved exactly this, in time."""
    if not needs_approval(account, amount):
        return True
    return PayOutRequest.objects.filter(
        practice_id=account.practice_id, account=account, pk=entry_id, amount_minor=amount.minor, is_approved=True,
        expires_at__gt=clock.now(),
    ).exists()  # fmt: skip
