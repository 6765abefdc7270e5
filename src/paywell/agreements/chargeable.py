"""Whether an agreement can be charged now, in words; what could be charged under it; how much its limits leave."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db.models import Sum
from django.utils.translation import gettext as _

from paywell.agreements.models import Agreement, AgreementKind, ChargeState, ChargeTry, PlanLine
from paywell.billing.questions import find_questioned
from paywell.clients.access import access_portal
from paywell.clients.types import PortalViewer
from paywell.core import clock
from paywell.core.clock import business_date
from paywell.core.errors import NotFoundForViewer, UserError
from paywell.core.money import Money
from paywell.invoicing.models import InvoiceLine
from paywell.ledger.models import LineBalance
from paywell.ledger.queries import get_line_balances
from paywell.payments import processor_accounts
from paywell.payments.models import Claim, ProcessorAccount
from paywell.processors.contract import Capability, Style

Parts = list[tuple[UUID, int]]


@dataclass(frozen=True, slots=True)
class Payer:
    """In whose name an agreement is charged, or why it can't be."""

    viewer: PortalViewer | None
    why_not: str = ""


def find_payer(agreement: Agreement) -> Payer:
    """The payer with the rights that they have today; or, in words for staff and payer, what is in the way."""
    if agreement.ended_at is not None:
        return Payer(None, _("The agreement was ended."))
    if agreement.held_at is not None:
        return Payer(None, _("It is on hold."))
    why_not = _find_card_obstacle(agreement)
    if why_not:
        return Payer(None, why_not)
    try:
        viewer = access_portal(agreement.user, agreement.account_id)
    except NotFoundForViewer:
        return Payer(None, _("The payer has no access to this account any more."))
    if viewer.contact.id != agreement.contact_id or not viewer.payable_client_ids:
        return Payer(None, _("The payer may not pay for this account any more, or its payments are turned off."))
    return Payer(viewer)


def _find_card_obstacle(agreement: Agreement) -> str:
    card = agreement.card
    active = processor_accounts.get_active(agreement.practice_id)
    if card.removed_at is not None:
        return _("The payer removed the card.")
    obstacle = find_processor_obstacle(active)
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
    rows = LineBalance.objects.filter(
        practice_id=agreement.practice_id,
        owner_id=agreement.account_id,
        subject_id__in=viewer.payable_client_ids,
        balance_minor__gt=0,
    )
    if due_by is not None:
        rows = rows.filter(due_on__lte=due_by)
    owed = dict(rows.order_by("on", "line_id").values_list("line_id", "balance_minor"))
    if agreement.kind == AgreementKind.AUTOPAY and not agreement.includes_old:
        newer = InvoiceLine.objects.filter(
            practice_id=agreement.practice_id, id__in=owed, invoice__issued_at__gte=agreement.agreed_at
        )
        keep = set(newer.values_list("id", flat=True))
        owed = {line_id: minor for line_id, minor in owed.items() if line_id in keep}
    out = find_untouchable(agreement.practice_id, list(owed))
    if agreement.kind != AgreementKind.PLAN:
        out |= _find_planned_off(agreement, list(owed))
    return [(line_id, minor) for line_id, minor in owed.items() if line_id not in out]


def find_untouchable(practice_id: UUID, line_ids: Collection[UUID]) -> set[UUID]:
    """Lines with an open question, and lines that a payment is under way for."""
    claimed = Claim.objects.filter(practice_id=practice_id, line_id__in=line_ids).values_list("line_id", flat=True)
    return find_questioned(practice_id, line_ids) | set(claimed)


def _find_planned_off(agreement: Agreement, line_ids: Collection[UUID]) -> set[UUID]:
    """Lines that a plan that is agreed to pays off."""
    rows = PlanLine.objects.filter(
        practice_id=agreement.practice_id, line_id__in=line_ids, plan__agreement__ended_at=None,
        plan__agreement__isnull=False,
    )  # fmt: skip
    return set(rows.values_list("line_id", flat=True))


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


def get_month_left(agreement: Agreement) -> Money | None:
    """What the agreement's limit for the month leaves, by what was tried and is charged or still open.

    None: there is no such limit. With the account held, this is a reservation.
    """
    if agreement.month_limit_minor is None:
        return None
    zone = ZoneInfo(agreement.practice.timezone)
    first = business_date(clock.now(), agreement.practice.timezone).replace(day=1)
    tries = ChargeTry.objects.filter(
        practice_id=agreement.practice_id,
        charge__agreement=agreement,
        charge__state__in=[ChargeState.RUNNING, ChargeState.DONE],
        at__gte=datetime.combine(first, time.min, zone),
    )
    latest: dict[UUID, int] = {}
    for charge_id, shares in tries.order_by("at").values_list("charge_id", "shares"):
        latest[charge_id] = sum(minor for _line, minor in shares)
    return Money(agreement.month_limit_minor - sum(latest.values()), agreement.currency)


def get_owed(agreement: Agreement, viewer: PortalViewer) -> Money:
    """Everything that is owed on the account for the clients for whom the payer may pay."""
    rows = LineBalance.objects.filter(
        practice_id=agreement.practice_id, owner_id=agreement.account_id, balance_minor__gt=0,
        subject_id__in=viewer.payable_client_ids,
    )  # fmt: skip
    return Money(rows.aggregate(total=Sum("balance_minor"))["total"] or 0, agreement.currency)
