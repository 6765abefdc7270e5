"""What the ledger gets of payments: called by `settle` alone, inside its transaction, with the account held.

Sources, each posted once: `payment:<attempt>`, `refund:<refund>`, `refund_failed:<refund>`,
`dispute:<dispute>:<n>`, and `charge:<hash of the charge>:<n>` for money that moved and is not understood.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from uuid import UUID

from django.db.models import Case, F, Sum, When

from paywell.core.money import Money
from paywell.ledger.actions import Line, Posting, Side, post
from paywell.ledger.models import AccountKind, Transfer
from paywell.ledger.queries import get_line_balances
from paywell.payments.models import (
    Attempt,
    AttemptLine,
    Claim,
    Dispute,
    ProcessorAccount,
    Refund,
    SuspendedPart,
)
from paywell.processors.contract import Outcome, Verdict


def book_payment(attempt: Attempt, captured: Money) -> Money:
    """Clearing against receivable, line by line, oldest service first; the surplus against client credit.

    A line gets at most what the attempt meant for it and what is still owed on it. Returns the surplus.
    """
    return _book_from(Side(AccountKind.CLEARING, attempt.processor_account_id), attempt, captured)


def book_accepted(attempt: Attempt, captured: Money, actor_id: UUID) -> Money:
    """The same with money that waited in suspense, where `suspend_charge` put it when it moved."""
    return _book_from(Side(AccountKind.SUSPENSE, attempt.practice_id), attempt, captured, actor_id)


def _book_from(source: Side, attempt: Attempt, captured: Money, actor_id: UUID | None = None) -> Money:
    receivable = Side(AccountKind.RECEIVABLE, attempt.account_id)
    lines = list(AttemptLine.objects.filter(attempt=attempt).order_by("line__on", "line_id"))
    owed = get_line_balances(practice_id=attempt.practice_id, line_ids=[each.line_id for each in lines])
    left = captured.minor
    postings = []
    for each in lines:
        part = min(each.amount_minor, owed.get(each.line_id, 0), left)
        if part > 0:
            postings.append(Posting(source, receivable, Money(part, captured.currency), Line(each.line_id)))
            left -= part
    surplus = Money(left, captured.currency)
    if surplus:
        postings.append(Posting(source, Side(AccountKind.CLIENT_CREDIT, attempt.account_id), surplus))
    _post(attempt, f"payment:{attempt.id}", postings, actor_id=actor_id)
    return surplus


def book_refund(attempt: Attempt, refund: Refund) -> Money:
    """Reverse the payment's legs, the latest first, each by no more than is left of it.

    Returns what no leg could take (more given back than was ever booked): that part lies in suspense.
    """
    clearing = Side(AccountKind.CLEARING, attempt.processor_account_id)
    left = refund.amount_minor
    postings = []
    for leg, unreversed in _legs_left(attempt):
        part = min(unreversed, left)
        if part > 0:
            side = Side(AccountKind(leg.credit.kind), leg.credit.owner_id)
            line = Line(leg.line_id) if leg.line_id else None
            money = Money(part, refund.currency)
            postings.append(Posting(side, clearing, money, line, reason=refund.reason, reverses=leg.id))
            left -= part
    beyond = Money(left, refund.currency)
    if beyond:
        postings.append(Posting(Side(AccountKind.SUSPENSE, attempt.practice_id), clearing, beyond))
    _post(attempt, f"refund:{refund.id}", postings, actor_id=refund.actor_id)
    return beyond


def get_part_from_credit(attempt: Attempt, minor: int) -> int:
    """How much of a refund of `minor` would come out of the account's credit: what the payment left over."""
    part = 0
    for leg, unreversed in _legs_left(attempt):
        taken = min(unreversed, minor)
        minor -= taken
        if leg.credit.kind == AccountKind.CLIENT_CREDIT:
            part += taken
    return part


def book_failed_refund(attempt: Attempt, refund: Refund) -> Money:
    """The money of a refund that was done came back: reverse each of its transfers.

    A line gets no more than it can still take: what it no longer owes, since it was paid again or written off, and
    what a payment under way is for, becomes the account's credit. Returns that credit.
    """
    rows = _transfers(attempt, f"refund:{refund.id}")
    open_lines = _get_owed_and_unclaimed(attempt, [row.line_id for row in rows if row.line_id])
    postings = []
    credit = Money(0, refund.currency)
    for row in rows:
        whole = again = Money(row.amount_minor, row.currency)
        if row.line_id:
            again = Money(min(whole.minor, open_lines.get(row.line_id, 0)), row.currency)
            open_lines[row.line_id] = open_lines.get(row.line_id, 0) - again.minor
        clearing = Side(AccountKind(row.credit.kind), row.credit.owner_id)
        if again:
            taken_from = Side(AccountKind(row.debit.kind), row.debit.owner_id)
            line = Line(row.line_id) if row.line_id else None
            postings.append(Posting(clearing, taken_from, again, line, reverses=row.id))
        if again != whole:
            left = whole - again
            to = Side(AccountKind.CLIENT_CREDIT, attempt.account_id)
            postings.append(Posting(clearing, to, left, reverses=row.id))
            credit += left
    _post(attempt, f"refund_failed:{refund.id}", postings)
    return credit


def _get_owed_and_unclaimed(attempt: Attempt, line_ids: list[UUID]) -> dict[UUID, int]:
    """What each line still owes, in minor units; nothing of one that an open payment holds."""
    owed = get_line_balances(practice_id=attempt.practice_id, line_ids=line_ids)
    claimed = Claim.objects.filter(practice_id=attempt.practice_id, line_id__in=line_ids)
    for line_id in claimed.values_list("line_id", flat=True):
        owed.pop(line_id, None)
    return owed


def book_dispute(attempt: Attempt, dispute: Dispute, withheld: Money) -> None:
    """Bring what is booked as withheld to what the processor withholds now. Nothing where it is so already."""
    change = withheld.minor - dispute.withheld_minor
    if change == 0:
        return
    clearing = Side(AccountKind.CLEARING, attempt.processor_account_id)
    withheld_side = Side(AccountKind.DISPUTES, attempt.processor_account_id)
    debit, credit = (withheld_side, clearing) if change > 0 else (clearing, withheld_side)
    source = f"dispute:{dispute.id}:"
    number = _count_sources(attempt.practice_id, source) + 1
    _post(attempt, f"{source}{number}", [Posting(debit, credit, Money(abs(change), withheld.currency))])


def suspend_charge(processor_account: ProcessorAccount, truth: Outcome) -> Money:
    """Money that moved and is not understood: bring clearing against suspense to what the processor holds.

    Keyed by the processor's own reference, so that whoever meets the charge, and however often, it is counted
    once. Returns the change.
    """
    practice_id = processor_account.practice_id
    currency = truth.money.currency if truth.money else "USD"
    source = _charge_source(processor_account, truth)
    clearing = Side(AccountKind.CLEARING, processor_account.id)
    suspense = Side(AccountKind.SUSPENSE, practice_id)
    change = net_of(truth) - _sum_clearing(practice_id, source)
    if change:
        debit, credit = (clearing, suspense) if change > 0 else (suspense, clearing)
        post(
            practice_id=practice_id,
            book_owner_id=practice_id,
            source=f"{source}{_count_sources(practice_id, source) + 1}",
            postings=[Posting(debit, credit, Money(abs(change), currency))],
            actor_id=None,
        )
    _remember_parts(processor_account, truth)
    return Money(change, currency)


def _remember_parts(processor_account: ProcessorAccount, truth: Outcome) -> None:
    """Under which names the processor's deposits will call what went back of a charge that was ever booked here."""
    refs = {each.processor_ref for each in truth.refunds} | {each.processor_ref for each in truth.disputes}
    refs.discard("")
    charge_ref = truth.processor_ref or truth.reference
    if not refs or not get_booked_charges(processor_account, [charge_ref]):
        return
    rows = [
        SuspendedPart(
            practice_id=processor_account.practice_id, processor_account=processor_account,
            object_ref=ref[:120], charge_ref=charge_ref[:120],
        )
        for ref in sorted(refs)
    ]  # fmt: skip
    SuspendedPart.objects.bulk_create(rows, ignore_conflicts=True)


def get_suspended_parts(processor_account: ProcessorAccount, refs: Iterable[str]) -> dict[str, str]:
    """Of these refunds and disputes, those of charges in suspense, each with its charge's reference. One query."""
    rows = SuspendedPart.objects.filter(
        practice_id=processor_account.practice_id, processor_account=processor_account, object_ref__in=refs
    )
    return dict(rows.values_list("object_ref", "charge_ref"))


def is_suspended(processor_account: ProcessorAccount, truth: Outcome) -> bool:
    """Whether exactly what was captured waits in suspense: nothing of it refunded or withheld since."""
    held = _sum_clearing(processor_account.practice_id, _charge_source(processor_account, truth))
    return truth.money is not None and held == truth.money.minor == net_of(truth)


def get_booked_charges(processor_account: ProcessorAccount, charge_refs: Iterable[str]) -> set[str]:
    """Which of these charges, by the processor's reference, were ever booked as not understood. One query."""
    sources = {_source_of(processor_account, ref): ref for ref in charge_refs}
    first = Transfer.objects.filter(
        practice_id=processor_account.practice_id, source__in=[f"{source}1" for source in sources]
    )
    return {sources[source[:-1]] for source in first.values_list("source", flat=True)}


def _charge_source(processor_account: ProcessorAccount, truth: Outcome) -> str:
    return _source_of(processor_account, truth.processor_ref or truth.reference)


def _source_of(processor_account: ProcessorAccount, charge_ref: str) -> str:
    key = f"{processor_account.id}:{charge_ref}"
    return f"charge:{hashlib.sha256(key.encode()).hexdigest()[:40]}:"


def is_all_returned(truth: Outcome) -> bool:
    """Whether nothing of the charge is left with the practice, or can be again: refunded, or lost in a dispute."""
    return truth.money is not None and net_of(truth) <= 0 and all(each.status != "open" for each in truth.disputes)


def net_of(truth: Outcome) -> int:
    """What the processor holds of one charge, in minor units: captured, less refunded, less withheld."""
    captured = truth.money.minor if truth.money else 0
    refunded = sum(each.money.minor for each in truth.refunds if each.verdict is Verdict.SUCCEEDED)
    return captured - refunded - sum(each.withheld.minor for each in truth.disputes)


def book_changed_capture(attempt: Attempt, captured: Money) -> None:
    """The processor's word on what it took has changed since it was booked: the difference goes to suspense."""
    clearing = Side(AccountKind.CLEARING, attempt.processor_account_id)
    suspense = Side(AccountKind.SUSPENSE, attempt.practice_id)
    change = captured.minor - attempt.captured_minor
    debit, credit = (clearing, suspense) if change > 0 else (suspense, clearing)
    source = f"recapture:{attempt.id}:"
    number = _count_sources(attempt.practice_id, source) + 1
    _post(attempt, f"{source}{number}", [Posting(debit, credit, Money(abs(change), captured.currency))])


def _post(attempt: Attempt, source: str, postings: list[Posting], *, actor_id: UUID | None = None) -> None:
    post(
        practice_id=attempt.practice_id,
        book_owner_id=attempt.account_id,
        source=source,
        postings=postings,
        actor_id=actor_id or attempt.actor_id,
    )


def _transfers(attempt: Attempt, source: str) -> list[Transfer]:
    rows = Transfer.objects.filter(practice_id=attempt.practice_id, source=source)
    return list(rows.select_related("debit", "credit").order_by("leg"))


def _legs_left(attempt: Attempt) -> list[tuple[Transfer, int]]:
    """The payment's legs, latest first, each with what has not been reversed of it.

    Money of a failed refund that became credit is a leg of its own, and goes first: no line holds it.
    """
    legs = _transfers(attempt, f"payment:{attempt.id}")[::-1]
    undone = Transfer.objects.filter(
        practice_id=attempt.practice_id, reverses__reverses__in=[leg.id for leg in legs]
    )
    undone_rows = list(undone.select_related("debit", "credit", "reverses__debit").order_by("-seq"))
    credited = [row for row in undone_rows if row.credit_id != row.reverses.debit_id]  # type: ignore[union-attr]
    left = {leg.id: leg.amount_minor for leg in (*credited, *legs)}
    for row in undone_rows:
        if row not in credited:
            left[row.reverses.reverses_id] += row.amount_minor  # type: ignore[union-attr, index]
    reversals = Transfer.objects.filter(practice_id=attempt.practice_id, reverses__in=left)
    for leg_id, total in reversals.values_list("reverses").annotate(Sum("amount_minor")):
        left[leg_id] -= total
    if credited:  # given back once more, and come back once more
        again = Transfer.objects.filter(
            practice_id=attempt.practice_id, reverses__reverses__in=[row.id for row in credited]
        )
        for leg_id, total in again.values_list("reverses__reverses").annotate(Sum("amount_minor")):
            left[leg_id] += total
    return [(leg, left[leg.id]) for leg in (*credited, *legs)]


def _count_sources(practice_id: UUID, prefix: str) -> int:
    rows = Transfer.objects.filter(practice_id=practice_id, source__startswith=prefix)
    return rows.values("source").distinct().count()


def _sum_clearing(practice_id: UUID, prefix: str) -> int:
    """Debits less credits of clearing over the sources that begin with `prefix`."""
    rows = Transfer.objects.filter(practice_id=practice_id, source__startswith=prefix)
    signed = Case(When(debit__kind=AccountKind.CLEARING, then=F("amount_minor")), default=-F("amount_minor"))
    return rows.aggregate(total=Sum(signed))["total"] or 0
