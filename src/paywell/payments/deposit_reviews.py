"""Deposits that a person has to look at: those that the bank sent back, those that their entries don't explain."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from django.db.models import F, Q, Sum
from django.db.models.functions import Coalesce
from django.utils.translation import gettext as _

from paywell.accounts.types import Permission, StaffViewer
from paywell.core import clock
from paywell.core.db import phase
from paywell.core.money import Money
from paywell.payments.booking import get_suspended_parts
from paywell.payments.models import Deposit, DepositPart, ProcessorAccount, Review
from paywell.payments.reviews import name_review, open_review
from paywell.processors.contract import DepositState

#: A processor names the last entries of a deposit hours after it was made: only then is a difference news.
SETTLES_WITHIN: Final = timedelta(days=1)


def review_deposits(processor_account: ProcessorAccount, since: datetime) -> None:
    """Put before a person what is wrong with deposits made since then, and close what explained itself meanwhile.

    For the sweep, once the register is what the processor tells. Each difference opens one review.
    """
    practice_id = processor_account.practice_id
    rows = (
        Deposit.objects.filter(practice=practice_id, processor_account=processor_account, made_at__gte=since)
        .annotate(explained=Coalesce(Sum("parts__gross_minor") - Sum("parts__fee_minor"), 0))
        .filter(Q(state=DepositState.FAILED) | Q(is_itemized=True) & ~Q(amount_minor=F("explained")))
        .order_by("made_at", "id")
    )
    differs: dict[UUID, int] = {}
    with phase():
        for deposit in rows:
            if deposit.state == DepositState.FAILED:
                _ask_about(deposit, "deposit_returned", str(deposit.id), deposit.amount_minor)
            unexplained = deposit.amount_minor - deposit.explained if deposit.is_itemized else 0
            if unexplained:
                differs[deposit.id] = unexplained
            if unexplained and deposit.made_at <= clock.now() - SETTLES_WITHIN:
                _ask_about(deposit, "deposit_unexplained", f"{deposit.id}:{unexplained}", unexplained)
        _close_explained(processor_account, since, differs)


def list_deposit_reviews(viewer: StaffViewer, deposit: Deposit) -> list[Review]:
    """What was put before a person about one deposit and what they found, the oldest first. One query."""
    if not viewer.may(Permission.SEE_MONEY):
        return []
    rows = Review.objects.filter(practice=viewer.practice, deposit=deposit).select_related("closed_by")
    return list(rows.order_by("opened_at", "id"))


def find_suspense_reviews(deposit: Deposit, parts: Iterable[DepositPart]) -> dict[str, UUID]:
    """What waits for a person about charges in suspense: review ids by the name of the charge, refund or dispute.

    Two queries, and none where no entry is about such money.
    """
    refs = {part.object_ref for part in parts if part.is_booked and part.attempt_id is None}
    if not refs:
        return {}
    account = deposit.processor_account
    charges = dict.fromkeys(refs) | get_suspended_parts(account, refs)
    names = {ref: name_review("unmatched_charge", f"{account.id}:{charges[ref] or ref}") for ref in refs}
    waiting = Review.objects.filter(practice=deposit.practice_id, dedupe__in=names.values(), closed_at=None)
    found = dict(waiting.values_list("dedupe", "id"))
    return {ref: found[name] for ref, name in names.items() if name in found}


def _ask_about(deposit: Deposit, kind: str, about: str, minor: int) -> None:
    open_review(
        practice_id=deposit.practice_id, kind=kind, about=about, money=Money(minor, deposit.currency),
        processor_account_id=deposit.processor_account_id, deposit_id=deposit.id,
    )  # fmt: skip


def _close_explained(processor_account: ProcessorAccount, since: datetime, differs: dict[UUID, int]) -> None:
    """Of a difference that is gone, or is another one now, nothing is left to find out."""
    waiting = Review.objects.filter(
        practice=processor_account.practice_id, kind="deposit_unexplained", closed_at=None,
        deposit__processor_account=processor_account, deposit__made_at__gte=since,
    )  # fmt: skip
    gone = [review.pk for review in waiting if (review.deposit_id, review.amount_minor) not in differs.items()]
    if gone:
        note = _("Closed by itself: the processor told more of this deposit.")
        waiting.filter(pk__in=gone).update(closed_at=clock.now(), closing_note=note)
