"""A month on one page: each account from its balance before to its balance after, line by line."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from django.db.models import Sum
from django.utils.translation import gettext as _

from paywell.accounts.types import StaffViewer
from paywell.core.money import Money
from paywell.ledger.models import AccountKind as A
from paywell.reports.fees import EVER, Register, read_register
from paywell.reports.movements import CAUSES, balance, cause, read_balances, transfers_of
from paywell.reports.types import Period

#: Credit and income stand on the ledger's credit side; here they read as people say them.
_TURNED = (A.CLIENT_CREDIT, A.INCOME)
STANDING = (A.RECEIVABLE, A.CLIENT_CREDIT, A.CLEARING, A.CASH, A.DISPUTES, A.SUSPENSE, A.INSURER, A.BANK, A.FEES)
EARNED = (A.INCOME, A.ADJUSTMENT, A.WRITE_OFF)
#: What was invoiced and paid by card is told before what was entered by hand.
_ORDER = {why: place for place, why in enumerate(CAUSES)}
_UNDONE = {"entry_reversed": "entry", "refund_failed": "refund", "void": "invoice"}


@dataclass(frozen=True, slots=True)
class Statement:
    """One kind of account over the month. `before` plus `moves` is `after`; `ledger` is `after`, summed anew."""

    title: str
    before: Money
    moves: tuple[tuple[str, Money], ...]
    after: Money
    ledger: Money

    @property
    def is_right(self) -> bool:
        return self.after == self.ledger


@dataclass(frozen=True, slots=True)
class MonthEnd:
    statements: tuple[Statement, ...]
    earned: tuple[tuple[str, Money], ...]  #: billed, adjusted, written off
    income: Money  #: their sum
    added_later: Money | None  #: money by hand that counts here and was recorded after the month; None: none was
    change: Money  #: of all that the practice has and owes: the same as `income`, counted the other way

    @property
    def is_right(self) -> bool:
        return self.income == self.change and all(each.is_right for each in self.statements)


def report_month_end(viewer: StaffViewer, period: Period) -> MonthEnd:
    """Fifteen queries. Accounts in which nothing lies and nothing moved are left out."""
    currency = viewer.practice.currency
    before, ledger = read_balances(viewer, end=period.start), read_balances(viewer, end=period.end)
    moves = _read_moves(viewer, period)
    statements = []
    for kind in STANDING:
        sign = -1 if kind in _TURNED else 1
        own = {label: sign * minor for label, minor in moves[kind].items() if minor}
        opened = sign * before[kind]
        if opened or own or ledger[kind]:
            statements.append(
                Statement(
                    title=_name(kind),
                    before=Money(opened, currency),
                    moves=tuple((label, Money(minor, currency)) for label, minor in own.items()),
                    after=Money(opened + sum(own.values()), currency),
                    ledger=Money(sign * ledger[kind], currency),
                )
            )
    waiting = _tell_waiting(viewer, period, moves[A.CLEARING], before[A.CLEARING], ledger[A.CLEARING])
    statements += [waiting] if waiting else []
    earned = tuple((_name(kind), Money(-sum(moves[kind].values()), currency)) for kind in EARNED)
    change = sum(ledger[kind] - before[kind] for kind in STANDING)
    income = sum((amount for _label, amount in earned), Money(0, currency))
    return MonthEnd(tuple(statements), earned, income, _sum_later(viewer, period), Money(change, currency))


def _read_moves(viewer: StaffViewer, period: Period) -> dict[A, dict[str, int]]:
    """Debits less credits of each kind, by what they were. Both ends of each transfer are told once."""
    rows = transfers_of(viewer, start=period.start, end=period.end).order_by().annotate(cause=cause())
    found: dict[A, dict[str, int]] = {kind: defaultdict(int) for kind in A}
    sums = rows.values_list("debit__kind", "credit__kind", "cause").annotate(total=Sum("amount_minor"))
    for debit, credit, why, total in sorted(sums, key=lambda each: (_ORDER.get(each[2], len(_ORDER)), each)):
        is_undone = why in _UNDONE
        for own, other, sign in ((A(debit), A(credit), 1), (A(credit), A(debit), -1)):
            comes = (sign > 0) != is_undone
            found[own][_tell(own, other, _UNDONE.get(why, why), comes)] += sign * total
    return found


def _tell_waiting(
    viewer: StaffViewer, period: Period, moves: dict[str, int], before: int, ledger: int
) -> Statement | None:
    """What lies at the processors: the ledger's clearing, less what they kept and what they sent to the bank.

    None where no processor has told of a fee or of a deposit.
    """
    earlier = Period(EVER, period.first - timedelta(days=1), period.zone)
    opened = _add_up(read_register(viewer, earlier))
    month = _add_up(read_register(viewer, period))
    closed = _add_up(read_register(viewer, Period(EVER, period.last, period.zone)))
    if closed == Register() and month == opened == closed:
        return None
    lines = {
        _("Taken by card, less refunds and disputes"): sum(moves.values()),
        _("Fees kept by processors"): -month.fees,
        _("Deposited at the bank"): -month.deposited,
        _("Corrected by processors"): month.corrected,
        _("In deposits, of charges outside Paywell"): month.foreign,
        _("In deposits, not explained"): month.unexplained,
    }
    currency = viewer.practice.currency
    return Statement(
        title=_("At the card processors"),
        before=Money(before - opened.gone, currency),
        moves=tuple((label, Money(minor, currency)) for label, minor in lines.items() if minor),
        after=Money(before - opened.gone + sum(lines.values()), currency),
        ledger=Money(ledger - closed.gone, currency),
    )


def _add_up(registers: dict[UUID, Register]) -> Register:
    return Register(*(sum(getattr(each, name) for each in registers.values()) for name in Register.__slots__))


def _sum_later(viewer: StaffViewer, period: Period) -> Money | None:
    """What was recorded once the month was over: the page says that it changed since it may have been printed."""
    rows = transfers_of(viewer, A.CASH, start=period.start, end=period.end).filter(at__gte=period.end)
    total = rows.aggregate(total=balance(A.CASH))["total"]
    return None if total is None else Money(total, viewer.practice.currency)


def _tell(own: A, other: A, why: str, comes: bool) -> str:
    """The line on which a movement stands. `comes`: onto the debit side of `own`, were it not undone."""
    if why == "invoice":
        return _("Invoiced, less voided")
    if why == "dispute":
        return _("Withheld in disputes, less given back")
    if A.SUSPENSE in (own, other):
        if why == "payment":
            return _("Accepted from review")
        return _("Not understood at the processor, in review")
    if why == "payment":
        return _("Paid by card, beyond what was owed") if own is A.CLIENT_CREDIT else _("Paid by card")
    if why == "refund":
        return _("Refunded to cards")
    pair = {own, other}
    if A.INSURER in pair:
        if A.CASH in pair:
            return _("Paid by insurers")
        return _("Adjusted with insurers") if A.ADJUSTMENT in pair else _("Earned from insurers")
    if pair == {A.RECEIVABLE, A.INCOME}:
        return _("Moved from insurers to clients")
    if pair == {A.CASH, A.CLIENT_CREDIT}:
        is_out = comes if own is A.CLIENT_CREDIT else not comes
        return _("Credit paid out") if is_out else _("Paid by hand, ahead of an invoice")
    if pair == {A.CASH, A.RECEIVABLE}:
        return _("Paid by hand")
    if pair == {A.CLIENT_CREDIT, A.RECEIVABLE}:
        return _("Credit applied")
    if A.ADJUSTMENT in pair:
        return _("Adjusted")
    return _("Written off") if A.WRITE_OFF in pair else _("Other")


def _name(kind: A) -> str:
    names = {
        A.RECEIVABLE: _("Owed by clients"),
        A.CLIENT_CREDIT: _("Credit held for clients"),
        A.CLEARING: _("Taken by card, before fees and deposits"),
        A.CASH: _("Cash, checks, transfers and cards outside Paywell"),
        A.DISPUTES: _("Withheld in disputes"),
        A.SUSPENSE: _("In review"),
        A.INSURER: _("Owed by insurers"),
        A.BANK: _("Bank"),
        A.FEES: _("Processor fees"),
        A.INCOME: _("Billed"),
        A.ADJUSTMENT: _("Adjusted"),
        A.WRITE_OFF: _("Written off"),
    }
    return names[kind]
