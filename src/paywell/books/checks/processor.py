"""The same laws against the processors' own records: everything each account lists, both directions."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from django.db.models import Case, F, Q, Sum, When

from paywell.books.types import Offence
from paywell.core import clock
from paywell.core.errors import UserError
from paywell.ledger.models import Transfer
from paywell.payments import processor_accounts
from paywell.payments.models import Attempt, Dispute, ProcessorAccount, Refund
from paywell.processors.contract import Capability, Outcome, ProcessorUnavailable, Verdict

#: What changed over there by itself is found by the hourly sweep (payments.sweep): until then it is not missed.
SWEPT_BY: Final = timedelta(minutes=75)
#: payments.sweep.FENCE_AFTER is two hours, and the sweep that fences comes hourly.
FENCED_BY: Final = timedelta(hours=4)
_OPEN: Final = ("created", "awaiting_action", "submitting", "processing", "unknown")

CAPTURED_ELSEWHERE: Final = "The processor took money for this payment, and here it is not paid."
NOT_THERE: Final = "This payment is paid here, and the processor has no such charge."
OTHER_CHARGE: Final = "The processor tells another charge, amount, currency or mode for this payment."
UNEXPLAINED: Final = "The processor took this money, and nothing here accounts for it."
STILL_ALIVE: Final = "This payment is over here, and its charge could still take money at the processor."
REFUND_MISSED: Final = "The refunds of this payment are not those that the processor tells."
REFUND_ABOVE: Final = "The processor gave back more than it took for this payment."
DISPUTE_MISSED: Final = "The disputes of this payment are not those that the processor tells."
CENTS: Final = "The ledger's sum at this processor is not what the processor holds."
#: What only a comparison finds.
BESIDE: Final = frozenset(
    {
        CAPTURED_ELSEWHERE, NOT_THERE, OTHER_CHARGE, UNEXPLAINED, STILL_ALIVE, REFUND_MISSED, REFUND_ABOVE,
        DISPUTE_MISSED, CENTS,
    }
)  # fmt: skip


@dataclass(slots=True)
class Compared:
    """`unasked`: processors that gave no whole answer, in words; `unasked_of`: how many of which practice's."""

    offences: list[Offence] = field(default_factory=list)
    unasked: list[str] = field(default_factory=list)
    unasked_of: Counter[UUID] = field(default_factory=Counter)
    charges: int = 0

    def leave(self, account: ProcessorAccount, why: str) -> None:
        self.unasked.append(f"{account.connector} {account.id} {why}")
        self.unasked_of[account.practice_id] += 1


def compare_with_processors(practice_id: UUID | None, *, since: datetime | None = None) -> Compared:
    """Every processor account in scope, also disconnected ones. Makes calls, so never in a transaction.

    `since`: only what changed there since then; then what must be on the list is what was paid here since then, and
    the total is not compared.
    """
    compared = Compared()
    accounts = ProcessorAccount.objects.order_by("connected_at", "id")
    if practice_id:
        accounts = accounts.filter(practice_id=practice_id)
    for account in accounts:
        began = clock.now()
        try:
            processor = processor_accounts.make_processor(account)
            if Capability.LIST_SINCE not in processor.capabilities:
                compared.leave(account, "keeps no list")
                continue
            whole = account.connected_at - timedelta(days=1)
            told = list(processor.list_since(max(whole, since) if since else whole))
        except (ProcessorUnavailable, UserError):
            compared.leave(account, "gave no answer")
            continue
        compared.charges += len(told)
        compared.offences += _Comparison(account, told, began, since).run()
    return compared


class _Comparison:
    """One account: its list beside what stands here. Four queries, however long the list is."""

    def __init__(
        self, account: ProcessorAccount, told: Sequence[Outcome], began: datetime, since: datetime | None = None
    ) -> None:
        self.account = account
        self.told = told
        self.began = began
        self.since = since
        self.is_moving = False  #: something is under way, so that the total may differ for good reason
        # First, so that whatever is settled while the rest is read shows as under way and not as a difference.
        self.cleared = self._sum_by_source()
        own = Attempt.objects.filter(practice_id=account.practice_id, processor_account=account)
        self.attempts = {attempt.reference: attempt for attempt in own}
        self.by_charge = {attempt.processor_ref: attempt for attempt in own if attempt.processor_ref}
        self.refunds: dict[UUID, list[Refund]] = {}
        for refund in Refund.objects.filter(attempt__processor_account=account, practice_id=account.practice_id):
            self.refunds.setdefault(refund.attempt_id, []).append(refund)
        self.disputes: dict[UUID, list[Dispute]] = {}
        for dispute in Dispute.objects.filter(attempt__processor_account=account, practice_id=account.practice_id):
            self.disputes.setdefault(dispute.attempt_id, []).append(dispute)

    def run(self) -> Iterator[Offence]:
        matched: set[UUID] = set()
        total = 0
        for told in self.told:
            if told.live_mode is not None and told.live_mode != self.account.live_mode:
                if told.reference in self.attempts:
                    yield self._offence(7, OTHER_CHARGE, self.attempts[told.reference].id)
                continue
            total += _net(told)
            attempt = self.attempts.get(told.reference)
            if attempt is not None and attempt.state == "succeeded" and attempt.processor_ref == told.processor_ref:
                matched.add(attempt.id)
                yield from self._same_charge(attempt, told)
            else:
                yield from self._other_charge(attempt or self.by_charge.get(told.processor_ref), told)
        for attempt in self.attempts.values():
            if attempt.state != "succeeded" or attempt.id in matched or self._is_before(attempt.submitted_at):
                continue
            if not self._is_new(attempt.closed_at):
                yield self._offence(7, NOT_THERE, attempt.id)
        if self.since is None and not self.is_moving and total != sum(self.cleared.values()):
            yield self._offence(2, CENTS, self.account.id)

    def _same_charge(self, attempt: Attempt, told: Outcome) -> Iterable[Offence]:
        money = told.money
        if told.verdict is not Verdict.SUCCEEDED or money is None:
            yield self._offence(7, NOT_THERE, attempt.id)
            return
        if money.minor != attempt.captured_minor or money.currency != attempt.currency:
            yield self._offence(7, OTHER_CHARGE, attempt.id)
        given_back = sum(each.money.minor for each in told.refunds if each.verdict is Verdict.SUCCEEDED)
        if given_back > money.minor:
            yield self._offence(4, REFUND_ABOVE, attempt.id)
        there = Counter(
            (each.processor_ref, each.money.minor) for each in told.refunds if each.verdict is Verdict.SUCCEEDED
        )
        rows = self.refunds.get(attempt.id, [])
        here = Counter((row.processor_ref, row.amount_minor) for row in rows if row.state == "done")
        if there != here:
            moving = any(row.state in ("sending", "pending") or self._is_new(row.closed_at) for row in rows)
            if moving or any(self._is_young(each.at) for each in told.refunds):
                self.is_moving = True
            else:
                yield self._offence(4, REFUND_MISSED, attempt.id)
        yield from self._same_disputes(attempt, told)

    def _same_disputes(self, attempt: Attempt, told: Outcome) -> Iterable[Offence]:
        there = sorted((each.processor_ref, each.withheld.minor, each.status) for each in told.disputes)
        rows = self.disputes.get(attempt.id, [])
        here = sorted((row.processor_ref, row.withheld_minor, row.status) for row in rows)
        if there == here:
            return
        if any(self._is_young(each.at) for each in told.disputes):
            self.is_moving = True
        else:
            yield self._offence(9, DISPUTE_MISSED, attempt.id)

    def _other_charge(self, attempt: Attempt | None, told: Outcome) -> Iterable[Offence]:
        """A charge that is not that of a paid attempt: nothing, alive, or money that must lie in suspense."""
        if told.verdict is not Verdict.SUCCEEDED:
            is_alive = told.verdict in (Verdict.NEEDS_ACTION, Verdict.PENDING)
            closed_at = attempt.closed_at if attempt is not None else None
            if attempt is not None and is_alive and closed_at and closed_at < self.began - FENCED_BY:
                yield self._offence(5, STILL_ALIVE, attempt.id)
            return
        if self.cleared.get(self._suspense_source(told), 0) == _net(told):
            return
        if (attempt is not None and attempt.state in _OPEN) or self._is_young(told.at):
            self.is_moving = True
        elif attempt is not None:
            yield self._offence(7, CAPTURED_ELSEWHERE, attempt.id)
        else:
            yield self._offence(2, UNEXPLAINED, told.processor_ref)

    def _suspense_source(self, told: Outcome) -> str:
        """How transfers of money that is not understood are named, without their number."""
        key = f"{self.account.id}:{told.processor_ref or told.reference}"
        return f"charge:{hashlib.sha256(key.encode()).hexdigest()[:40]}"

    def _sum_by_source(self) -> dict[str, int]:
        """What each source moved on the account's clearing; numbered sources of one charge as one."""
        sums: dict[str, int] = {}
        side = {"kind": "clearing", "owner_id": self.account.id}
        is_debit = Q(**{f"debit__{name}": value for name, value in side.items()})
        is_credit = Q(**{f"credit__{name}": value for name, value in side.items()})
        signed = Case(When(is_debit, then=F("amount_minor")), default=-F("amount_minor"))
        rows = Transfer.objects.filter(is_debit | is_credit, practice_id=self.account.practice_id)
        for source, total in rows.values_list("source").annotate(total=Sum(signed)):
            name = source.rpartition(":")[0] if source.startswith("charge:") else source
            sums[name] = sums.get(name, 0) + total
        return sums

    def _is_new(self, at: datetime | None) -> bool:
        """Whether it happened here after the list was asked for."""
        if at is not None and at >= self.began:
            self.is_moving = True
            return True
        return False

    def _is_before(self, at: datetime | None) -> bool:
        """Whether it is too old to be on the list that was asked for."""
        return self.since is not None and (at is None or at < self.since)

    def _is_young(self, at: datetime | None) -> bool:
        return at is not None and at > self.began - SWEPT_BY

    def _offence(self, law: int, what: str, about: UUID | str) -> Offence:
        return Offence(law, what, str(about), self.account.practice_id)


def _net(told: Outcome) -> int:
    """What the processor holds of one charge: captured, less given back, less withheld."""
    captured = told.money.minor if told.verdict is Verdict.SUCCEEDED and told.money else 0
    given_back = sum(each.money.minor for each in told.refunds if each.verdict is Verdict.SUCCEEDED)
    return captured - given_back - sum(each.withheld.minor for each in told.disputes)
