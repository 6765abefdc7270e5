"""Deposits by processor, and one of them with everything that is in it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from django.db.models import Sum
from django.utils.translation import gettext as _

from paywell.accounts.types import StaffViewer
from paywell.core import clock
from paywell.core.money import Money, format_money
from paywell.core.templatetags.paywell import day
from paywell.ledger.models import AccountKind
from paywell.payments.deposit_reviews import find_suspense_reviews
from paywell.payments.deposits import OF_CHARGES, get_unexplained, is_unread
from paywell.payments.models import Attempt, Deposit, DepositPart, ProcessorAccount
from paywell.payments.recollect import name_processor
from paywell.processors.contract import DepositState, PartKind
from paywell.processors.registry import CONNECTORS
from paywell.reports.fees import EVER, read_register
from paywell.reports.movements import read_balances
from paywell.reports.types import Cell, Chart, Column, Period, Report, Row, make_chart, sum_columns

_PLACES: Final = {PartKind.CHARGE: 0, PartKind.REFUND: 1, PartKind.DISPUTE: 2}
_FEES, _OTHER = 3, 4


def tells_fees(connector: str) -> bool:
    """Whether the processor says what it keeps of a payment; of one that is no longer known, that it does."""
    found = CONNECTORS.get(connector)
    return found is None or found.tells_fees


def name_state(state: str) -> str:
    return {"pending": _("On its way"), "paid": _("Arrived"), "failed": _("Sent back")}[state]


def name_part(kind: str) -> str:
    return {
        PartKind.CHARGE: _("Payment"),
        PartKind.REFUND: _("Refund"),
        PartKind.DISPUTE: _("Dispute"),
        PartKind.FEE: _("Fee"),
        PartKind.RETURNED: _("An earlier deposit that was sent back"),
        PartKind.ADJUSTMENT: _("Correction by the processor"),
    }[PartKind(kind)]


def report_deposits(viewer: StaffViewer, period: Period) -> Report:
    """Deposits by the day on which they arrive, each as the sum of what is in it. Eight queries.

    One that was sent back counts nothing: its money is among `Other`, and goes out again with a later one.
    """
    currency = viewer.practice.currency
    deposits = list(
        Deposit.objects.filter(
            practice=viewer.practice, currency=currency, arrives_on__range=(period.first, period.last)
        )
        .select_related("processor_account")
        .order_by("-arrives_on", "-made_at", "id")
    )
    sums = _sum_parts(viewer, period)
    rows = [_tell(deposit, sums[deposit.id]) for deposit in deposits]
    names = (
        _("Deposited"), _("Payments"), _("Refunds"), _("Disputes"), _("Fees"), _("Other"), _("Not explained"),
    )  # fmt: skip
    return Report(
        columns=(
            Column(_("At the bank")), Column(_("From")), Column(_("State")),
            *(Column(name, True) for name in names),
        ),
        rows=tuple(rows),
        total=sum_columns(rows, _("All"), currency),
        charts=(_chart(deposits, currency),),
        notes=tuple(_notes(viewer, period, rows)),
    )  # fmt: skip


def _sum_parts(viewer: StaffViewer, period: Period) -> dict[UUID, list[int]]:
    """Of each deposit: payments, refunds, disputes, fees (below zero), other; in minor units."""
    found: dict[UUID, list[int]] = defaultdict(lambda: [0] * 5)
    parts = DepositPart.objects.filter(
        practice=viewer.practice, deposit__arrives_on__range=(period.first, period.last)
    ).order_by()
    for deposit, kind, gross, fee in parts.values_list("deposit", "kind").annotate(
        gross=Sum("gross_minor"), fee=Sum("fee_minor")
    ):
        found[deposit][_FEES if kind == PartKind.FEE else _PLACES.get(PartKind(kind), _OTHER)] += gross
        found[deposit][_FEES] -= fee
    return found


def _tell(deposit: Deposit, sums: Sequence[int]) -> Row:
    currency = deposit.currency
    parts = list(sums)
    unexplained = deposit.amount_minor - sum(parts) if deposit.is_itemized else 0
    if not deposit.is_itemized:
        parts[_OTHER] += deposit.amount_minor
    sent = deposit.amount_minor
    if deposit.state == DepositState.FAILED:
        parts[_OTHER] -= sent
        sent = 0
    connector = deposit.processor_account.connector
    amounts: list[Cell] = [Money(part, currency) for part in (sent, *parts, unexplained)]
    if not tells_fees(connector) and not parts[_FEES]:
        amounts[1 + _FEES] = _("not told")
    return Row(
        (deposit.arrives_on, name_processor(connector), name_state(deposit.state), *amounts),
        deposit_id=deposit.id,
    )


def _chart(deposits: Iterable[Deposit], currency: str) -> Chart:
    sums: dict[str, int] = defaultdict(int)
    for deposit in deposits:
        if deposit.state != DepositState.FAILED:
            sums[name_processor(deposit.processor_account.connector)] += deposit.amount_minor
    return make_chart(
        _("Deposited, by processor"),
        (_("From"), _("Deposited")),
        [(name, Money(total, currency)) for name, total in sorted(sums.items())],
    )


def _notes(viewer: StaffViewer, period: Period, rows: Sequence[Row]) -> Iterable[str]:
    """What the reader has to know besides the figures."""
    if any(row.cells[-1].minor for row in rows if isinstance(row.cells[-1], Money)):
        yield _("Some of these deposits are not the sum of what is in them. Open the deposit to see what to do.")
    accounts = list(ProcessorAccount.objects.filter(practice=viewer.practice).order_by("connected_at"))
    yield from note_untold(account.connector for account in accounts)
    waiting = get_waiting(viewer, period)
    if waiting:
        yield _("%(amount)s of card payments was not deposited yet at the end of these days.") % {
            "amount": format_money(waiting)
        }
    yield from note_unread(accounts, period)


def note_unread(accounts: Iterable[ProcessorAccount], period: Period) -> Iterable[str]:
    """Since when which processor does not let its fees and deposits be read, and what to do."""
    for account in accounts:
        if is_unread(account):
            since = account.deposits_until or account.connected_at
            yield _(
                "Paywell could not read the fees and deposits of %(name)s since %(day)s. See at %(name)s whether"
                " the key that Paywell uses may read balances and payouts, or change it in Settings, Processor."
                " They follow within the hour."
            ) % {"name": name_processor(account.connector), "day": day(clock.business_date(since, period.zone))}


def note_untold(connectors: Iterable[str]) -> Iterable[str]:
    """One sentence for each processor that does not say what it keeps."""
    for connector in dict.fromkeys(connectors):
        if not tells_fees(connector):
            yield _(
                "%(name)s does not tell Paywell its fees. What arrives at the bank may be less: see its monthly"
                " statement."
            ) % {"name": name_processor(connector)}


def get_waiting(viewer: StaffViewer, period: Period) -> Money:
    """What lies at the processors at the end of the days: the ledger's clearing, less what left it since ever."""
    ever = Period(EVER, period.last, period.zone)
    clearing = read_balances(viewer, end=period.end)[AccountKind.CLEARING]
    gone = sum(each.gone for each in read_register(viewer, ever).values())
    return Money(clearing - gone, viewer.practice.currency)


@dataclass(frozen=True, slots=True)
class DepositLine:
    """One entry: what it is, of whose payment, and what of it went to the bank."""

    label: str
    at: datetime | None
    who: str  #: the account's name; empty where the payment was not made through Paywell
    attempt_id: UUID | None
    is_of_charge: bool  #: a payment, a refund or a dispute
    is_booked: bool  #: its charge's money stands in the ledger: as a payment, or in suspense
    review_id: UUID | None  #: where its charge waits in suspense for a person
    gross: Money
    fee: Money
    net: Money


@dataclass(frozen=True, slots=True)
class DepositDetail:
    deposit: Deposit
    through: str
    state: str
    amount: Money
    lines: tuple[DepositLine, ...]
    gross: Money
    fee: Money
    net: Money
    unexplained: Money
    tells_fees: bool


def read_deposit(deposit: Deposit) -> DepositDetail:
    """A deposit that was fetched by `access_deposit`, with its entries, payments first.

    One query; three where something in it waits in suspense.
    """
    currency, connector = deposit.currency, deposit.processor_account.connector
    order = list(PartKind)
    parts = sorted(
        DepositPart.objects.filter(practice=deposit.practice_id, deposit=deposit).select_related(
            "attempt__account"
        ),
        key=lambda part: (order.index(PartKind(part.kind)), part.at or deposit.made_at, part.entry_ref),
    )
    reviews = find_suspense_reviews(deposit, parts)
    lines = tuple(_line(part, currency, reviews.get(part.object_ref)) for part in parts)
    gross = sum((line.gross for line in lines), Money(0, currency))
    fee = sum((line.fee for line in lines), Money(0, currency))
    return DepositDetail(
        deposit=deposit,
        through=name_processor(connector),
        state=name_state(deposit.state),
        amount=Money(deposit.amount_minor, currency),
        lines=lines,
        gross=gross,
        fee=fee,
        net=gross - fee,
        unexplained=Money(get_unexplained(deposit, parts), currency),
        tells_fees=tells_fees(connector),
    )


def find_deposit_of(viewer: StaffViewer, attempt: Attempt) -> Deposit | None:
    """The deposit in which a payment went to the bank. One query."""
    parts = DepositPart.objects.filter(practice=viewer.practice, attempt=attempt, kind=PartKind.CHARGE)
    part = parts.select_related("deposit").order_by("-deposit__made_at").first()
    return part.deposit if part else None


def write_lines(detail: DepositDetail) -> Iterable[list[str | Money]]:
    """The rows of its CSV file; the last is what nothing explains, where there is something."""
    for line in detail.lines:
        when = line.at.date().isoformat() if line.at else ""
        fee = line.fee if detail.tells_fees else _("not told")
        yield [line.label, when, line.who, line.gross, fee, line.net]
    if detail.unexplained:
        yield [_("Not explained"), "", "", detail.unexplained, "", detail.unexplained]


def _line(part: DepositPart, currency: str, review_id: UUID | None) -> DepositLine:
    gross, fee = Money(part.gross_minor, currency), Money(part.fee_minor, currency)
    who = part.attempt.account.name if part.attempt else ""
    return DepositLine(
        name_part(part.kind), part.at, who, part.attempt_id, part.kind in OF_CHARGES, part.is_booked, review_id,
        gross, fee, gross - fee,
    )  # fmt: skip
