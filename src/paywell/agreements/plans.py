"""Payment plans: staff offer installments over chosen lines; the payer agrees in the portal, or not."""

from __future__ import annotations

import calendar
from collections.abc import Collection
from datetime import date, timedelta
from typing import Final
from uuid import UUID

from paywell.accounts.types import Permission, StaffViewer
from paywell.agreements import errors
from paywell.agreements.chargeable import find_planned_off, find_untouchable
from paywell.agreements.models import Installment, Plan, PlanLine
from paywell.audit.actions import record
from paywell.clients.models import BillingAccount
from paywell.core import clock
from paywell.core.clock import business_date
from paywell.core.db import lock, phase
from paywell.core.errors import NotAllowed, NotFoundForViewer
from paywell.core.money import Money
from paywell.invoicing.models import InvoiceLine
from paywell.ledger.queries import get_line_balances
from paywell.outbox.actions import emit

INSTALLMENTS_MAX: Final = 36


def offer_plan(
    *,
    viewer: StaffViewer,
    account: BillingAccount,
    line_ids: Collection[UUID],
    count: int,
    first_on: date,
    every: str,
) -> Plan:
    """Offer `count` installments over what is owed on these lines. `every`: `month`, `week` or `two_weeks`.

    Raises NotAllowed, NotFoundForViewer, and UserError `plan_invalid`.
    """
    if not viewer.may(Permission.TAKE_PAYMENTS):
        raise NotAllowed
    today = business_date(clock.now(), viewer.practice.timezone)
    if not 2 <= count <= INSTALLMENTS_MAX:
        raise errors.plan_invalid(f"Choose 2 to {INSTALLMENTS_MAX} installments.", "count")
    if first_on <= today:
        raise errors.plan_begun()
    with phase():
        lock(BillingAccount.objects.filter(practice=viewer.practice, pk=account.pk)).get()
        parts = _get_parts(account, line_ids)
        total = Money(sum(minor for _line, minor in parts), account.currency)
        if total.minor < count:
            raise errors.plan_invalid("That is too little for so many installments.", "count")
        plan = Plan.objects.create(
            practice=viewer.practice,
            account=account,
            total_minor=total.minor,
            currency=total.currency,
            offered_at=clock.now(),
            offered_by_id=viewer.id,
        )
        PlanLine.objects.bulk_create(
            PlanLine(practice=viewer.practice, plan=plan, line_id=line_id, amount_minor=minor)
            for line_id, minor in parts
        )
        amounts = total.split([1] * count)
        Installment.objects.bulk_create(
            Installment(
                practice=viewer.practice, plan=plan, number=number + 1, due_on=get_day(first_on, every, number),
                amount_minor=amount.minor,
            )
            for number, amount in enumerate(amounts)
        )  # fmt: skip
        record(
            practice_id=viewer.practice.id, actor_id=viewer.id, action="agreements.offer_plan", target_kind="plan",
            target_id=plan.id,
        )  # fmt: skip
        emit(
            practice_id=viewer.practice.id,
            kind="agreements.plan_offered",
            dedupe=f"plan_offered:{plan.id}",
            payload={"plan_id": str(plan.id)},
        )
    return plan


def withdraw_plan(*, viewer: StaffViewer, plan: Plan) -> Plan:
    """Take an offer back. One that is agreed to is ended instead (`agree.end_agreement`)."""
    if not viewer.may(Permission.TAKE_PAYMENTS):
        raise NotAllowed
    with phase():
        row = lock(Plan.objects.filter(practice=viewer.practice, pk=plan.pk)).first()
        if row is None:
            raise NotFoundForViewer
        if row.agreement_id is None and row.withdrawn_at is None:
            row.withdrawn_at = clock.now()
            row.save(update_fields=["withdrawn_at"])
            record(
                practice_id=viewer.practice.id, actor_id=viewer.id, action="agreements.withdraw_plan",
                target_kind="plan", target_id=row.id,
            )  # fmt: skip
    return row


def get_day(first_on: date, every: str, number: int) -> date:
    """The day of an installment: the same day of each month, its last where a month is shorter."""
    if every == "week":
        return first_on + timedelta(weeks=number)
    if every == "two_weeks":
        return first_on + timedelta(weeks=2 * number)
    year, month = divmod(first_on.year * 12 + first_on.month - 1 + number, 12)
    return date(year, month + 1, min(first_on.day, calendar.monthrange(year, month + 1)[1]))


def _get_parts(account: BillingAccount, line_ids: Collection[UUID]) -> list[tuple[UUID, int]]:
    """What is owed on the chosen lines, all of them the account's, free, and in no other plan that goes on."""
    wanted = set(line_ids)
    lines = InvoiceLine.objects.filter(
        practice_id=account.practice_id, account=account, id__in=wanted, voided_at=None
    ).order_by("on", "id")
    ids = list(lines.values_list("id", flat=True))
    if len(ids) != len(wanted):
        raise NotFoundForViewer
    if not ids:
        raise errors.plan_invalid("Choose what the plan pays off.", "lines")
    offered = PlanLine.objects.filter(
        practice_id=account.practice_id, line_id__in=ids, plan__withdrawn_at=None, plan__agreement=None
    )
    if offered.exists() or find_planned_off(account.practice_id, ids):
        raise errors.plan_invalid("One of these services is in a plan already.", "lines")
    if find_untouchable(account.practice_id, ids):
        raise errors.plan_invalid("One of these services is being paid, or the client asked about it.", "lines")
    owed = get_line_balances(practice_id=account.practice_id, line_ids=ids)
    return [(line_id, owed[line_id]) for line_id in ids if owed.get(line_id, 0) > 0]
