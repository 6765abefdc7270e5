"""Whether an agreement can be charged now, in words; what could be charged under it; how much its limits leave."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db.models import Exists, OuterRef, Q, QuerySet, Sum
from django.utils.translation import gettext as _

from paywell.agreements.models import (
    Agreement,
    AgreementKind,
    ChargeLine,
    ChargeState,
    ChargeTry,
    Installment,
    PlanLine,
)
from paywell.billing.questions import find_questioned
from paywell.clients.access import find_portals
from paywell.clients.types import PortalViewer
from paywell.core import clock
from paywell.core.clock import business_date
from paywell.core.errors import UserError
from paywell.core.money import Money
from paywell.invoicing.models import InvoiceLine
from paywell.ledger.models import LineBalance
from paywell.ledger.queries import get_line_balances
from paywell.payments import processor_accounts
from paywell.payments.models import Claim, ProcessorAccount
from paywell.processors.contract import Capability, Style

Parts = list[tuple[UUID, int]]
#: Ids of lines, or the query that gives them.
Lines = Collection[UUID] | QuerySet[Any, Any]

#: With this begins the key of the record that a line is more than AutoPay may ever take at once.
ABOVE: Final = "above:"


@dataclass(frozen=True, slots=True)
class Payer:
    """In whose name an agreement is charged, or why it can't be."""

    viewer: PortalViewer | None
    why_not: str = ""


def find_payer(agreement: Agreement) -> Payer:
    """The payer with the rights that they have today; or, in words for staff and payer, what is in the way."""
    return find_payers([agreement])[agreement.id]


def find_payers(agreements: Collection[Agreement]) -> dict[UUID, Payer]:
    """`find_payer` of each, by id. Two queries for one practice's, however many."""
    found: dict[UUID, Payer] = {}
    processors = _Processors()
    free = []
    for agreement in agreements:
        why_not = _find_obstacle(agreement, processors)
        if why_not:
            found[agreement.id] = Payer(None, why_not)
        else:
            free.append(agreement)
    viewers = find_portals({(row.user_id, row.account_id) for row in free})
    return found | {row.id: _check_rights(row, viewers.get((row.user_id, row.account_id))) for row in free}


def _check_rights(agreement: Agreement, viewer: PortalViewer | None) -> Payer:
    if viewer is None:
        return Payer(None, _("The payer has no access to this account any more."))
    if viewer.contact.id != agreement.contact_id or not viewer.payable_client_ids:
        return Payer(None, _("The payer may not pay for this account any more, or its payments are turned off."))
    return Payer(viewer)


class _Processors(dict[UUID, tuple[ProcessorAccount | None, str]]):
    """Each practice's processor that takes new payments, and what is in the way of every card: looked up once."""

    def __missing__(self, practice_id: UUID) -> tuple[ProcessorAccount | None, str]:
        active = processor_accounts.get_active(practice_id)
        self[practice_id] = active, find_processor_obstacle(active)
        return self[practice_id]


def _find_obstacle(agreement: Agreement, processors: _Processors) -> str:
    card = agreement.card
    if agreement.ended_at is not None:
        return _("The agreement was ended.")
    if agreement.held_at is not None:
        return _("It is on hold.")
    if card.removed_at is not None:
        return _("The payer removed the card.")
    active, obstacle = processors[agreement.practice_id]
    if obstacle:
        return obstacle
    if active is None or card.processor_account_id != active.id:
        return _("The card is kept by a processor that the practice does not use any more.")
    today = business_date(clock.now(), agreement.practice.timezone)
    if (card.exp_year or 9999, card.exp_month or 12) < (today.year, today.month):
        return _("The card has expired.")
    return ""


def find_processor_obstacle(active: ProcessorAccount | None) -> str:
    """Why no saved card of whomever can be charged through the practice's processor; blank where one can.

    A processor that is set up wrongly is one reason among others: a person reads it and mends it.
    """
    if active is None or not active.practice.payments_allowed:
        return _("Online payments are turned off.")
    try:
        processor = processor_accounts.make_processor(active)
    except (UserError, LookupError):
        return _("The practice's card processor is not set up rightly. Its settings have to be checked.")
    if processor.style is not Style.INLINE or Capability.SAVED_CARDS not in processor.capabilities:
        return _("This processor charges a saved card only while the payer is there.")
    return ""


def find_open_lines(agreement: Agreement, viewer: PortalViewer, *, due_by: date | None = None) -> Parts:
    """Open lines that the agreement covers, oldest first, with what is owed. Charges decide anew.

    AutoPay: what was invoiced since it was agreed to, unless the payer chose older balances too, and nothing that
    a plan pays off. Lines that are questioned or being paid are left out.
    """
    return find_open_lines_of([(agreement, viewer)], due_by=due_by)[agreement.id]


def find_open_lines_of(
    pairs: Sequence[tuple[Agreement, PortalViewer]], *, due_by: date | None = None
) -> dict[UUID, Parts]:
    """`find_open_lines` of several agreements of one practice, by id. At most five queries, however many."""
    if not pairs:
        return {}
    practice_id = pairs[0][0].practice_id
    accounts = {agreement.account_id for agreement, _viewer in pairs}
    rows = LineBalance.objects.filter(practice_id=practice_id, owner_id__in=accounts, balance_minor__gt=0)
    if due_by is not None:
        rows = rows.filter(due_on__lte=due_by)
    owed: dict[UUID, list[tuple[UUID, UUID | None, int]]] = {}
    for row in rows.order_by("on", "line_id"):
        owed.setdefault(row.owner_id, []).append((row.line_id, row.subject_id, row.balance_minor))
    line_ids = rows.values("line_id")
    issued = _find_issued(practice_id, line_ids) if any(_is_for_new(row) for row, _viewer in pairs) else {}
    out = find_untouchable(practice_id, line_ids)
    is_planned = any(row.kind != AgreementKind.PLAN for row, _viewer in pairs)
    planned = find_planned_off(practice_id, line_ids) if is_planned else set()
    found: dict[UUID, Parts] = {}
    for agreement, viewer in pairs:
        left_out = out if agreement.kind == AgreementKind.PLAN else out | planned
        payable = viewer.payable_client_ids
        found[agreement.id] = [
            (line_id, minor)
            for line_id, subject_id, minor in owed.get(agreement.account_id, ())
            if subject_id in payable
            and line_id not in left_out
            and (not _is_for_new(agreement) or (line_id in issued and issued[line_id] >= agreement.agreed_at))
        ]
    return found


def find_untouchable(practice_id: UUID, line_ids: Lines) -> set[UUID]:
    """Lines with an open question, and lines that a payment is under way for."""
    claimed = Claim.objects.filter(practice_id=practice_id, line_id__in=line_ids).values_list("line_id", flat=True)
    return find_questioned(practice_id, line_ids) | set(claimed)


def _is_for_new(agreement: Agreement) -> bool:
    """Whether it covers only what was invoiced since it was agreed to."""
    return agreement.kind == AgreementKind.AUTOPAY and not agreement.includes_old


def _find_issued(practice_id: UUID, line_ids: Lines) -> dict[UUID, datetime]:
    """When each of the lines was invoiced."""
    rows = InvoiceLine.objects.filter(practice_id=practice_id, id__in=line_ids, invoice__issued_at__isnull=False)
    return dict(rows.values_list("id", "invoice__issued_at"))


def find_planned_off(practice_id: UUID, line_ids: Lines) -> set[UUID]:
    """Lines that a plan that is agreed to pays off. One all of whose installments were charged or failed does not:
    what is left of its lines is for a person to take care of.
    """
    return set(find_planned_off_by(practice_id, line_ids))


def find_planned_off_by(practice_id: UUID, line_ids: Lines) -> dict[UUID, UUID]:
    """`find_planned_off`, and the agreement to the plan of each line. One query."""
    to_come = Installment.objects.filter(practice_id=practice_id, plan=OuterRef("plan")).filter(
        Q(charge=None) | ~Q(charge__state__in=[ChargeState.DONE, ChargeState.FAILED])
    )
    rows = PlanLine.objects.filter(
        Exists(to_come), practice_id=practice_id, line_id__in=line_ids, plan__agreement__ended_at=None,
        plan__agreement__isnull=False,
    )  # fmt: skip
    return dict(rows.values_list("line_id", "plan__agreement_id"))


def spread(parts: Sequence[tuple[UUID, int]], minor: int) -> Parts:
    """`minor` over the parts in their order, each taking at most its own."""
    taken: Parts = []
    for line_id, owed in parts:
        part = min(owed, minor)
        if part > 0:
            taken.append((line_id, part))
            minor -= part
    return taken


def cut_to_owed(practice_id: UUID, announced: Mapping[UUID, int]) -> Parts:
    """What of the announced parts is still owed and free to take, summed from the ledger."""
    owed = get_line_balances(practice_id=practice_id, line_ids=list(announced))
    out = find_untouchable(practice_id, list(announced))
    return [
        (line_id, min(minor, owed.get(line_id, 0)))
        for line_id, minor in announced.items()
        if line_id not in out and owed.get(line_id, 0) > 0
    ]


def get_month_left(agreement: Agreement, on: date | None = None) -> Money | None:
    """What the agreement's limit leaves in the month of that day (None: today), by what was tried and is charged
    or still open.

    None: there is no such limit. With the account held, this is a reservation.
    """
    return get_months_left([agreement], on).get(agreement.id)


def get_months_left(agreements: Iterable[Agreement], on: date | None = None) -> dict[UUID, Money]:
    """`get_month_left` of those of one practice's agreements that have such a limit, by id. One query, or none."""
    limited = {row.id: row for row in agreements if row.month_limit_minor is not None}
    if not limited:
        return {}
    practice = next(iter(limited.values())).practice
    first = (on or business_date(clock.now(), practice.timezone)).replace(day=1)
    tries = ChargeTry.objects.filter(
        practice_id=practice.id,
        charge__agreement_id__in=limited,
        charge__state__in=[ChargeState.RUNNING, ChargeState.DONE],
        at__gte=datetime.combine(first, time.min, ZoneInfo(practice.timezone)),
    )
    latest: dict[UUID, dict[UUID, int]] = {one: {} for one in limited}
    for agreement_id, charge_id, shares in tries.order_by("at").values_list(
        "charge__agreement_id", "charge_id", "shares"
    ):
        latest[agreement_id][charge_id] = sum(minor for _line, minor in shares)
    return {
        row.id: Money((row.month_limit_minor or 0) - sum(latest[row.id].values()), row.currency)
        for row in limited.values()
    }


def get_owed(agreement: Agreement, viewer: PortalViewer) -> Money:
    """Everything that is owed on the account for the clients for whom the payer may pay."""
    rows = LineBalance.objects.filter(
        practice_id=agreement.practice_id, owner_id=agreement.account_id, balance_minor__gt=0,
        subject_id__in=viewer.payable_client_ids,
    )  # fmt: skip
    return Money(rows.aggregate(total=Sum("balance_minor"))["total"] or 0, agreement.currency)


def above_in_month(day: date) -> str:
    """With this begins the key of the record that a line was above what the limit for that month left."""
    return f"month:{day:%Y-%m}:"


def find_given_up(
    agreements: Collection[Agreement], line_ids: Collection[UUID], on: date | None = None
) -> set[tuple[UUID, UUID]]:
    """Agreement and line of what AutoPay won't charge on that day (None: today): it failed, is more than its limit,
    or more than the limit for the month left.

    The first two are for a person to take care of; the third is charged next month, or paid before. One query.
    """
    if not agreements:
        return set()
    rows = ChargeLine.objects.filter(
        practice_id__in={row.practice_id for row in agreements},
        charge__agreement__in=[row.id for row in agreements],
        line_id__in=line_ids,
    )
    day = on or business_date(clock.now(), next(iter(agreements)).practice.timezone)
    above = Q(charge__key__startswith=ABOVE) | Q(charge__key__startswith=above_in_month(day))
    rows = rows.filter(Q(charge__state=ChargeState.FAILED) | above)
    return set(rows.values_list("charge__agreement_id", "line_id"))
