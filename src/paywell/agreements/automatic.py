"""AutoPay and plans by the clock: announced the day before, charged on the day, tried again a few times."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Final
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db.models import Q, Sum
from django.utils.translation import gettext as _

from paywell.agreements.chargeable import (
    ABOVE,
    Parts,
    above_in_month,
    cut_to_owed,
    find_given_up,
    find_open_lines,
    find_payer,
    get_month_left,
    spread,
)
from paywell.agreements.charging import add_lines, get_agreement, tell_skipped, try_charge
from paywell.agreements.models import (
    Agreement,
    AgreementKind,
    Charge,
    ChargeLine,
    ChargeState,
    Installment,
)
from paywell.clients.models import BillingAccount
from paywell.core import clock
from paywell.core.clock import business_date
from paywell.core.db import lock, phase
from paywell.ledger.models import LineBalance
from paywell.ledger.queries import get_line_balances
from paywell.outbox.actions import emit

_log = logging.getLogger("paywell.agreements")

#: Charges are made from this hour of the day on, where the practice is.
FROM_HOUR: Final = 10
_LIVE: Final = (ChargeState.PLANNED, ChargeState.RUNNING)
#: So far apart are two installments of a plan at least, however many were missed.
APART: Final = timedelta(days=7)


def announce_due() -> int:
    """Plan what is charged tomorrow, and tell the payers today. Safe to run any number of times."""
    live = Agreement.objects.filter(
        ended_at=None, held_at=None, kind__in=[AgreementKind.AUTOPAY, AgreementKind.PLAN]
    )
    made = 0
    for agreement_id in live.order_by("id").values_list("id", flat=True):
        try:
            made += _announce(get_agreement(agreement_id))
        except Exception:
            _log.exception("agreement %s could not be looked at; it comes again", agreement_id)
    _announce_retries()
    return made


def charge_due() -> int:
    """Charge what was announced and is due, and look again at what has no final answer. Returns how many."""
    now = clock.now()
    due = Charge.objects.filter(state__in=_LIVE, due_on__lte=now.date() + timedelta(days=1))
    done = 0
    for charge in due.select_related("practice").order_by("due_on", "id")[:500]:
        local = now.astimezone(ZoneInfo(charge.practice.timezone))
        is_time = (charge.due_on, FROM_HOUR) <= (local.date(), local.hour) or charge.due_on < local.date()
        if charge.state == ChargeState.PLANNED and not is_time:
            continue
        try:
            try_charge(charge.id)
            done += 1
        except Exception:
            _log.exception("charge %s could not be tried; it comes again", charge.id)
    return done


def _announce_retries() -> None:
    """A declined charge that is tried again is announced again."""
    now = clock.now()
    again = Charge.objects.filter(
        state=ChargeState.PLANNED, tries__gt=0, due_on__lte=now.date() + timedelta(days=2)
    )
    for charge in again.select_related("practice"):
        if charge.due_on <= business_date(now, charge.practice.timezone) + timedelta(days=1):
            tell_ahead(charge)


def tell_ahead(charge: Charge) -> None:
    """The payer hears of it the day before, once for each day. In the transaction that plans it."""
    emit(
        practice_id=charge.practice_id,
        kind="agreements.charge_ahead",
        dedupe=f"charge_ahead:{charge.id}:{charge.due_on.isoformat()}",
        payload={"charge_id": str(charge.id)},
    )


def _announce(agreement: Agreement) -> int:
    tomorrow = business_date(clock.now(), agreement.practice.timezone) + timedelta(days=1)
    if agreement.kind == AgreementKind.PLAN:
        return _announce_plan(agreement, tomorrow)
    return _announce_autopay(agreement, tomorrow)


def _announce_plan(agreement: Agreement, tomorrow: date) -> int:
    """At most one installment, the earliest that was not charged; what was skipped on hold or for a question too.

    So a plan that goes on again catches up one by one, each announced, and what is left moves back.
    """
    payer = find_payer(agreement)
    with phase():
        lock(BillingAccount.objects.filter(pk=agreement.account_id)).get()
        if Charge.objects.filter(practice_id=agreement.practice_id, agreement=agreement, state__in=_LIVE).exists():
            return 0
        last = _last_charge(agreement)
        if last is not None and last.due_on + APART > tomorrow:
            return 0
        due = Installment.objects.filter(
            practice_id=agreement.practice_id, plan__agreement=agreement, due_on__lte=tomorrow
        ).filter(Q(charge=None) | Q(charge__state=ChargeState.SKIPPED))
        for installment in due.select_related("charge", "plan").order_by("number"):
            if payer.viewer is None:
                _explain_installment(agreement, installment, tomorrow, payer.why_not)
                return 0
            if _announce_installment(agreement, installment, tomorrow):
                return 1
    return 0


def _announce_installment(agreement: Agreement, installment: Installment, tomorrow: date) -> bool:
    """Plan it for tomorrow, anew where it was skipped. Whether anything of it can be charged."""
    before = Charge.objects.filter(practice_id=agreement.practice_id, installment=installment).first()
    if before is not None:
        announced = before.lines.order_by("line__on", "line_id").values_list("line_id", "amount_minor")
        if not cut_to_owed(agreement.practice_id, dict(announced)):
            return False
        _catch_up(before, tomorrow)
        return True
    lines = installment.plan.lines.order_by("line__on", "line_id").values_list("line_id", "amount_minor")
    parts = spread(cut_to_owed(agreement.practice_id, dict(lines)), installment.amount_minor)
    key = f"installment:{installment.id}"
    if parts:
        _plan(agreement, key, parts, tomorrow, installment)
        return True
    if not _is_owed(agreement, dict(lines)):
        words = _("Nothing of the plan is owed any more.")
        _skip(agreement, key, installment.amount_minor, tomorrow, words, installment)
    return False


def _is_owed(agreement: Agreement, lines: Mapping[UUID, int]) -> bool:
    """Whether anything is left to pay of the plan's lines, free to be charged or not."""
    owed = get_line_balances(practice_id=agreement.practice_id, line_ids=list(lines))
    return any(minor > 0 for minor in owed.values())


def _catch_up(charge: Charge, tomorrow: date) -> None:
    charge.state, charge.due_on, charge.closed_at = ChargeState.PLANNED, tomorrow, None
    charge.words = _("It was skipped before and is caught up.")
    charge.seen_at = charge.seen_by_id = None
    charge.save(update_fields=["state", "due_on", "closed_at", "words", "seen_at", "seen_by"])
    tell_ahead(charge)


def _explain_installment(agreement: Agreement, installment: Installment, tomorrow: date, why_not: str) -> None:
    """It is due and can't be charged: said once a week, as for AutoPay. It is caught up when it can."""
    year, week, _day = tomorrow.isocalendar()
    _skip(agreement, f"obstacle:{agreement.id}:{year}-{week}", installment.amount_minor, tomorrow, why_not)


def _last_charge(agreement: Agreement) -> Charge | None:
    rows = Charge.objects.filter(practice_id=agreement.practice_id, agreement=agreement, state=ChargeState.DONE)
    return rows.order_by("-due_on").first()


def _announce_autopay(agreement: Agreement, tomorrow: date) -> int:
    payer = find_payer(agreement)
    with phase():
        lock(BillingAccount.objects.filter(pk=agreement.account_id)).get()
        if payer.viewer is None:
            _explain(agreement, tomorrow, payer.why_not)
            return 0
        parts = _not_dealt_with(agreement, find_open_lines(agreement, payer.viewer, due_by=tomorrow), tomorrow)
        most = agreement.charge_limit_minor
        left = get_month_left(agreement, tomorrow)
        if left is not None:
            most = min(most, max(left.minor - _get_announced(agreement, tomorrow), 0))
        fitting, beyond = _fit(parts, most)
        for line_id, minor in beyond:
            _say_beyond(agreement, line_id, minor, tomorrow)
        if not fitting:
            return 0
        _plan(agreement, f"autopay:{agreement.id}:{tomorrow.isoformat()}", fitting, tomorrow)
    return 1


def _get_announced(agreement: Agreement, day: date) -> int:
    """What is announced for the day's month and not tried yet."""
    rows = Charge.objects.filter(
        practice_id=agreement.practice_id, agreement=agreement, state=ChargeState.PLANNED,
        due_on__year=day.year, due_on__month=day.month,
    )  # fmt: skip
    return rows.aggregate(total=Sum("amount_minor"))["total"] or 0


def _say_beyond(agreement: Agreement, line_id: UUID, minor: int, tomorrow: date) -> None:
    """It does not fit: for ever, or into what this month leaves. Said once, or once a month."""
    of_line = f"{agreement.id}:{line_id}"
    if minor > agreement.charge_limit_minor:
        words = _("It is more than the limit for one charge. It waits until it is paid in another way.")
        key = ABOVE + of_line
    else:
        words = _("It is more than this month's limit leaves. It is charged next month, unless it is paid before.")
        key = above_in_month(tomorrow) + of_line
    _skip(agreement, key, minor, tomorrow, words, line_id=line_id)


def _explain(agreement: Agreement, tomorrow: date, why_not: str) -> None:
    """Something is due and can't be charged: said once a week, so that nobody waits for it."""
    due = LineBalance.objects.filter(
        practice_id=agreement.practice_id, owner_id=agreement.account_id, balance_minor__gt=0, due_on__lte=tomorrow
    ).aggregate(total=Sum("balance_minor"))["total"]
    if due:
        year, week, _day = tomorrow.isocalendar()
        _skip(agreement, f"obstacle:{agreement.id}:{year}-{week}", due, tomorrow, why_not)


def _not_dealt_with(agreement: Agreement, parts: Parts, tomorrow: date) -> Parts:
    """Without lines that are announced already, failed, or were above a limit: for a person, or for next month."""
    ids = [line_id for line_id, _minor in parts]
    rows = ChargeLine.objects.filter(
        practice_id=agreement.practice_id, line_id__in=ids, charge__agreement__account_id=agreement.account_id,
    )  # fmt: skip
    out = set(rows.filter(charge__state__in=_LIVE).values_list("line_id", flat=True))
    out |= {line_id for _agreement, line_id in find_given_up([agreement], ids, tomorrow)}
    return [(line_id, minor) for line_id, minor in parts if line_id not in out]


def _fit(parts: Parts, most: int) -> tuple[Parts, Parts]:
    """Whole lines while they fit the limit together, oldest first; and those that do not even fit alone."""
    fitting: Parts = []
    beyond: Parts = []
    total = 0
    for line_id, minor in parts:
        if total + minor <= most:
            fitting.append((line_id, minor))
            total += minor
        elif minor > most:
            beyond.append((line_id, minor))
    return fitting, beyond


def _plan(
    agreement: Agreement,
    key: str,
    parts: Sequence[tuple[UUID, int]],
    due_on: date,
    installment: Installment | None = None,
) -> None:
    charge, is_new = Charge.objects.get_or_create(
        practice_id=agreement.practice_id,
        key=key,
        defaults={
            "agreement": agreement,
            "installment": installment,
            "amount_minor": sum(minor for _line, minor in parts),
            "currency": agreement.currency,
            "due_on": due_on,
            "created_at": clock.now(),
        },
    )
    if is_new:
        add_lines(charge, parts)
        tell_ahead(charge)


def _skip(
    agreement: Agreement,
    key: str,
    minor: int,
    due_on: date,
    words: str,
    installment: Installment | None = None,
    line_id: UUID | None = None,
) -> None:
    now = clock.now()
    charge, is_new = Charge.objects.get_or_create(
        practice_id=agreement.practice_id,
        key=key,
        defaults={
            "agreement": agreement, "installment": installment, "amount_minor": minor,
            "currency": agreement.currency, "due_on": due_on, "state": ChargeState.SKIPPED, "words": words,
            "created_at": now, "closed_at": now,
        },
    )  # fmt: skip
    if is_new and line_id is not None:
        add_lines(charge, [(line_id, minor)])
    if is_new and installment is None:  # An installment is skipped here only where nothing of it is owed.
        tell_skipped(charge)
