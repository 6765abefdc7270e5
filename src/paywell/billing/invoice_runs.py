"""Many invoices at once, in the room for long work: a range that staff chose, or what a rule says."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence
from datetime import date, timedelta
from typing import Final
from uuid import UUID
from zoneinfo import ZoneInfo

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from paywell.accounts.types import Permission
from paywell.billing.models import BillingRules, Cadence, NotInvoicedByRule
from paywell.billing.rules import is_due
from paywell.care.models import Service
from paywell.clients.models import BillingAccount
from paywell.core import clock
from paywell.core.db import lock, phase
from paywell.core.errors import UserError
from paywell.core.templatetags.paywell import day as write_day
from paywell.invoicing.actions import issue_invoice
from paywell.invoicing.models import Invoice
from paywell.invoicing.queries import get_uninvoiced
from paywell.practice.models import Practice
from paywell.work.actions import request_work
from paywell.work.kinds import Kind, work_kind
from paywell.work.models import Work, WorkItem
from paywell.work.types import Done, Finished, Item, Result

_log = logging.getLogger("paywell.billing")

INVOICES: Final = "issue_invoices"
#: A rule looks back this far: older services were left out on purpose, or belong before a person.
LOOK_BACK: Final = timedelta(days=92)
#: By when in the morning, where the practice is, a rule may issue.
FROM_HOUR: Final = 6

#: Why these services should not go onto an invoice before somebody has looked; nothing: they may.
Objection = Callable[[Practice, Sequence[Service]], Sequence[str]]
_objections: Final[list[Objection]] = []


def register_objection(objection: Objection) -> None:
    """Ask this before each invoice of a rule. What a person previewed is not held up by it."""
    if objection not in _objections:
        _objections.append(objection)


@work_kind(INVOICES, needs=Permission.ISSUE_INVOICES.value)
class IssueInvoices(Kind):
    """One invoice for each account that owes something. What stands on an invoice meanwhile is left out."""

    in_transaction = False

    def plan(self, work: Work) -> Iterable[Item]:
        practice = Practice.objects.get(pk=work.practice_id)
        services = Service.objects.filter(practice=practice)
        if work.parameters.get("by_rule"):
            by_hand = NotInvoicedByRule.objects.filter(practice=practice)
            services = services.exclude(client__in=by_hand.values("client"))
        first, last = (date.fromisoformat(work.parameters[name]) for name in ("date_from", "date_to"))
        for found in get_uninvoiced(practice, first, last, services):
            yield Item(
                subject_id=found.account.id,
                label=found.account.name,
                data={"services": [str(service.id) for service in found.services]},
            )

    def do(self, work: Work, items: Sequence[WorkItem]) -> Sequence[Result]:
        practice = Practice.objects.get(pk=work.practice_id)
        for item in items:
            services = list(
                Service.objects.filter(practice=practice, id__in=item.data["services"]).select_related("client")
            )
            if work.parameters.get("by_rule"):
                _refuse_objections(practice, services)
            issue_invoice(
                practice=practice,
                account=BillingAccount.objects.get(practice=practice, id__in=[item.subject_id]),
                services=services,
                actor_id=work.requested_by,
            )
        return [Done() for _item in items]

    def finish(self, work: Work) -> Finished:
        count = work.items.filter(state="done").count()
        told = ngettext("%(n)s invoice was issued.", "%(n)s invoices were issued.", count)
        return Finished({"lines": [told % {"n": count}] if count else []})


def _refuse_objections(practice: Practice, services: Sequence[Service]) -> None:
    """Raises UserError `held_from_rule` with every objection: the work leaves the account out and says why."""
    said = [words for objection in _objections for words in objection(practice, services)]
    if said:
        raise UserError(" ".join([*said, _("To bill it all the same, invoice it by hand.")]), code="held_from_rule")


def issue_by_rule() -> int:
    """Begin what the practices' rules say is due today. Safe to run any number of times. Returns how many began."""
    began = 0
    for rules in BillingRules.objects.exclude(invoice_cadence=Cadence.OFF).select_related("practice"):
        local = clock.now().astimezone(ZoneInfo(rules.practice.timezone))
        if local.hour >= FROM_HOUR and is_due(rules, local.date()):
            began += _begin(rules, local.date())
    return began


def _begin(rules: BillingRules, today: date) -> bool:
    """Mark the day and queue the work in one transaction: neither without the other."""
    with phase():
        row = lock(BillingRules.objects.filter(pk=rules.pk)).get()
        if not is_due(row, today):
            return False
        row.invoiced_through = today
        row.save(update_fields=["invoiced_through"])
        request_work(
            practice_id=rules.practice_id,
            kind=INVOICES,
            title=_("Invoices by rule, %(day)s") % {"day": write_day(today)},
            actor_id=None,
            parameters={
                "date_from": (today - LOOK_BACK).isoformat(),
                "date_to": (today - timedelta(days=1)).isoformat(),
                "by_rule": True,
            },
            key=f"invoices:{today.isoformat()}",
        )
    _log.info("practice %s: invoices by rule for %s", rules.practice_id, today)
    return True


def reissue_invoice(*, invoice: Invoice, actor_id: UUID | None) -> Invoice:
    """A voided invoice's services once more, as they are now, on a new one that replaces it.

    Raises UserError `not_voided`, `already_replaced`, and those of `issue_invoice`.
    """
    if invoice.voided_at is None:
        raise UserError("Void the invoice first.", code="not_voided")
    if Invoice.objects.filter(practice_id=invoice.practice_id, replaces=invoice, voided_at=None).exists():
        raise UserError("Another invoice replaces this one already.", code="already_replaced")
    return issue_invoice(
        practice=invoice.practice,
        account=invoice.account,
        services=get_reissued(invoice),
        actor_id=actor_id,
        replaces=invoice,
    )


def get_reissued(invoice: Invoice) -> list[Service]:
    """The services that `reissue_invoice` would bill: the invoice's, without those voided since."""
    lines = invoice.lines.select_related("service__client").order_by("position")
    return [line.service for line in lines if line.service.voided_at is None]
