"""Reminders before and after the due date, by the practice's schedule; off until somebody switches them on."""

from __future__ import annotations

import logging
from collections.abc import Collection, Sequence
from datetime import date, timedelta
from typing import Final
from uuid import UUID
from zoneinfo import ZoneInfo

from django.utils.translation import gettext as _

from paywell.accounts.types import Permission, StaffViewer
from paywell.agreements.chargeable import find_untouchable
from paywell.agreements.queries import find_covered
from paywell.audit.actions import record
from paywell.clients.models import BillingAccount
from paywell.core import clock
from paywell.core.clock import business_date
from paywell.core.db import phase
from paywell.core.errors import NotAllowed, UserError
from paywell.invoicing.models import InvoiceLine
from paywell.ledger.models import LineBalance
from paywell.ledger.queries import get_line_balances
from paywell.notifications import messages, recipients
from paywell.notifications.models import ReminderRules
from paywell.notifications.outside import mail_outside, or_tell_desk
from paywell.notifications.send import Mail, send_all
from paywell.outbox.actions import emit
from paywell.outbox.models import OutboxEvent
from paywell.practice.models import Practice

_log = logging.getLogger("paywell.notifications")

KIND: Final = "notifications.reminder_due"
#: Reminders leave from this hour of the day on, where the practice is.
FROM_HOUR: Final = 9
#: A reminder whose day passed while nothing ran is sent up to this many days late.
LATE_DAYS: Final = 3
MOST: Final = 5
LONGEST_BEFORE: Final = 30
LONGEST_AFTER: Final = 180
_BOUNDS: Final = {"days_before": (0, LONGEST_BEFORE), "days_after": (1, LONGEST_AFTER)}


def get_reminder_rules(practice: Practice) -> ReminderRules:
    """The practice's schedule; where none was chosen, one that reminds of nothing (not saved)."""
    found = ReminderRules.objects.filter(practice=practice).first()
    return found or ReminderRules(practice=practice, days_before=[3], days_after=[3, 14])


def set_reminder_rules(
    *, viewer: StaffViewer, is_on: bool, days_before: Collection[int], days_after: Collection[int]
) -> ReminderRules:
    """Choose the schedule. It begins today: nothing whose day is past is sent after the fact."""
    if not viewer.may(Permission.CHANGE_SETTINGS):
        raise NotAllowed
    before, after = check_days("days_before", days_before), check_days("days_after", days_after)
    if is_on and not before and not after:
        raise UserError(_("Choose at least one day, or switch reminders off."), code="no_days", field="days_before")
    with phase():
        rules, _made = ReminderRules.objects.update_or_create(
            practice=viewer.practice,
            defaults={
                "is_on": is_on,
                "days_before": before,
                "days_after": after,
                "since": business_date(clock.now(), viewer.practice.timezone),
            },
        )
        record(
            practice_id=viewer.practice.id, actor_id=viewer.id, action="notifications.set_reminders",
            target_kind="practice", target_id=viewer.practice.id,
            detail={"on": is_on, "before": before, "after": after},
        )  # fmt: skip
    return rules


def check_days(field: str, days: Collection[int]) -> list[int]:
    """The days of one field, each once and in order. Raises UserError `too_many_days`, `days_out_of_range`."""
    least, longest = _BOUNDS[field]
    if len(set(days)) > MOST:
        raise UserError(_("Use at most %(count)d days.") % {"count": MOST}, code="too_many_days", field=field)
    if any(not least <= each <= longest for each in days):
        words = _("Use whole days from %(least)d to %(longest)d.") % {"least": least, "longest": longest}
        raise UserError(words, code="days_out_of_range", field=field)
    return sorted(set(days))


def remind_due() -> int:
    """Write an event for each account and due date whose reminder is due. The same again changes nothing."""
    made = 0
    for rules in ReminderRules.objects.filter(is_on=True).select_related("practice").order_by("practice_id"):
        local = clock.now().astimezone(ZoneInfo(rules.practice.timezone))
        if local.hour < FROM_HOUR:
            continue
        try:
            made += _remind(rules, business_date(clock.now(), rules.practice.timezone))
        except Exception:
            _log.exception("reminders of practice %s could not be looked for; they come again", rules.practice_id)
    return made


def find_due_dates(rules: ReminderRules, today: date) -> dict[date, tuple[int, date]]:
    """For each due date that is reminded of today: days from it (negative: before), and the reminder's own day.

    Where two reminders of a due date fall into the days that may be caught up with, the later one alone counts.
    """
    found: dict[date, tuple[int, date]] = {}
    for late in range(LATE_DAYS + 1):
        day = today - timedelta(days=late)
        if rules.since is None or day < rules.since:
            break
        for days in [*rules.days_after, *(-before for before in rules.days_before)]:
            due_on = day - timedelta(days=days)
            if days > 0 or due_on >= today:
                found.setdefault(due_on, (days, day))
    return found


def _remind(rules: ReminderRules, today: date) -> int:
    practice, due_dates = rules.practice, find_due_dates(rules, today)
    open_lines = LineBalance.objects.filter(
        practice_id=practice.id, due_on__in=list(due_dates), balance_minor__gt=0
    ).values("line_id")
    rows = InvoiceLine.objects.filter(practice=practice, id__in=open_lines, voided_at=None)
    wanted: dict[str, tuple[UUID, date, int]] = {}
    for account_id, due_on, issued_on in rows.values_list(
        "account_id", "invoice__due_on", "invoice__issued_on"
    ).distinct():
        if due_on not in due_dates or issued_on >= due_dates[due_on][1]:
            continue  # Its first e-mail left that day, or later.
        days = due_dates[due_on][0]
        wanted[f"reminder:{account_id}:{due_on}:{days}"] = (account_id, due_on, days)
    known = OutboxEvent.objects.filter(practice_id=practice.id, dedupe__in=list(wanted))
    for dedupe in known.values_list("dedupe", flat=True):
        del wanted[dedupe]
    for dedupe, (account_id, due_on, days) in wanted.items():
        payload = {
            "account_id": str(account_id),
            "due_on": due_on.isoformat(),
            "when": "after" if days > 0 else "before",
        }
        with phase():
            emit(practice_id=practice.id, kind=KIND, dedupe=dedupe, payload=payload)
    return len(wanted)


def on_reminder_due(event: OutboxEvent) -> None:
    """Looks again at what is owed: paid, questioned, covered by AutoPay or a plan meanwhile, and nobody hears."""
    account = (
        BillingAccount.objects.select_related("practice")
        .filter(practice_id=event.practice_id, id=event.payload["account_id"])
        .first()
    )
    if account is None:
        return
    practice, due_on = account.practice, date.fromisoformat(event.payload["due_on"])
    days = (due_on - business_date(clock.now(), practice.timezone)).days
    is_before = event.payload["when"] == "before"
    lines = [] if is_before and days < 0 else find_lines_to_remind(account, due_on)
    message = messages.reminder_before(practice, days) if is_before else messages.reminder_after(practice, -days)
    mails: list[Mail] = []
    if lines:
        mails = [Mail(to, message) for to in recipients.get_payers(account, {line.client_id for line in lines})]
        mails += mail_outside(account, lines, "reminder_link")
        mails = or_tell_desk(account, mails, message)
    send_all(event, practice, mails)


def find_lines_to_remind(account: BillingAccount, due_on: date) -> Sequence[InvoiceLine]:
    """Lines of the account due on that day that somebody has to pay by themselves, summed from the ledger."""
    rows = list(
        InvoiceLine.objects.filter(
            practice=account.practice_id, account=account, invoice__due_on=due_on, voided_at=None,
            invoice__voided_at=None,
        ).order_by("on", "id")
    )  # fmt: skip
    ids = [line.id for line in rows]
    owed = get_line_balances(practice_id=account.practice_id, line_ids=ids)
    out = find_untouchable(account.practice_id, ids) | find_covered(account, ids)
    return [line for line in rows if owed.get(line.id, 0) > 0 and line.id not in out]
