"""Which entries by hand need a second person's word: above the same amount as refunds."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from django.db.models import Exists, OuterRef, Q, Sum

from paywell.billing import errors
from paywell.billing.models import MONEY_IN, Entry, EntryKind, PayOutRequest, TakeBackRequest
from paywell.billing.rules import needs_second_person
from paywell.billing.second_person import Act, has_approval
from paywell.clients.models import BillingAccount
from paywell.core import clock
from paywell.core.money import Money

#: Of one account within it count together, so that none passes in parts.
TOGETHER: Final = timedelta(days=30)

PAY_OUT: Final = Act(
    PayOutRequest, "account", "billing", "pay_out", "pay_out",
    Exists(Entry.objects.filter(practice=OuterRef("practice"), pk=OuterRef("pk"))), ("account",),
    errors.form_reused,
)  # fmt: skip
TAKE_BACK: Final = Act(
    TakeBackRequest, "entry", "billing", "take_back", "take_back",
    Q(entry__reversed_at__isnull=False), ("entry__account",), errors.form_reused,
)  # fmt: skip


def needs_approval(account: BillingAccount, amount: Money) -> bool:
    """Whether this pay-out, with those of the account in the thirty days before, is above one person's amount."""
    since = clock.now() - TOGETHER
    before = _sum(account, kind=EntryKind.CREDIT_OUT, reversed_at=None, recorded_at__gt=since)
    return needs_second_person(account.practice_id, before + amount.minor)


def may_go_out(account: BillingAccount, amount: Money, entry_id: UUID) -> bool:
    """Whether one person may pay this out, or a second one approved exactly this, in time."""
    return not needs_approval(account, amount) or has_approval(
        PAY_OUT, account.practice_id, account=account, pk=entry_id, amount_minor=amount.minor
    )


def needs_approval_to_take_back(entry: Entry) -> bool:
    """Whether this payment, with those taken back in the account in the thirty days before, is above the amount.

    A client's and an insurer's count together.
    """
    if entry.kind not in MONEY_IN:
        return False
    before = _sum(entry.account, kind__in=MONEY_IN, reversed_at__gt=clock.now() - TOGETHER)
    return needs_second_person(entry.practice_id, before + entry.amount_minor)


def may_be_taken_back(entry: Entry) -> bool:
    """Whether one person may take it back, or a second one approved it, in time."""
    return not needs_approval_to_take_back(entry) or has_approval(TAKE_BACK, entry.practice_id, entry=entry)


def _sum(account: BillingAccount, **which: Any) -> int:
    rows = Entry.objects.filter(practice_id=account.practice_id, account=account, **which)
    return rows.aggregate(total=Sum("amount_minor"))["total"] or 0
