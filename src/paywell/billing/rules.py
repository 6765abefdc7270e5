"""How a practice bills: invoices by rule, and from which amount a refund needs a second person."""

from __future__ import annotations

from datetime import date, timedelta
from uuid import UUID

from paywell.accounts.types import Permission, StaffViewer
from paywell.audit.actions import record
from paywell.billing.models import BillingRules, Cadence, NotInvoicedByRule
from paywell.clients.models import Client
from paywell.core import clock
from paywell.core.clock import business_date
from paywell.core.db import phase
from paywell.core.errors import NotAllowed
from paywell.core.money import Money
from paywell.practice.models import Practice


def get_rules(practice: Practice) -> BillingRules:
    """The practice's rules; where none were chosen, those that do nothing by themselves (not saved)."""
    return BillingRules.objects.filter(practice=practice).first() or BillingRules(practice=practice)


def set_rules(*, viewer: StaffViewer, cadence: Cadence, approve_above: Money | None) -> BillingRules:
    """Choose them. A rule for invoices begins with the next day, week or month, never with what is past."""
    if not viewer.may(Permission.CHANGE_SETTINGS):
        raise NotAllowed
    today = business_date(clock.now(), viewer.practice.timezone)
    with phase():
        rules, _ = BillingRules.objects.get_or_create(practice=viewer.practice)
        if rules.invoice_cadence != cadence:
            rules.invoice_cadence, rules.invoiced_through = cadence, today
        rules.approve_refunds_above_minor = approve_above.minor if approve_above else None
        rules.save()
        record(
            practice_id=viewer.practice.id, actor_id=viewer.id, action="billing.set_rules", target_kind="practice",
            target_id=viewer.practice.id, detail={"invoices": cadence.value},
        )  # fmt: skip
    return rules


def is_due(rules: BillingRules, today: date) -> bool:
    """Whether the rule issues today: nothing was issued by it since its latest day."""
    latest = {
        Cadence.DAILY: today,
        Cadence.WEEKLY: today - timedelta(days=today.weekday()),
        Cadence.MONTHLY: today.replace(day=1),
    }.get(Cadence(rules.invoice_cadence))
    return latest is not None and (rules.invoiced_through is None or rules.invoiced_through < latest)


def needs_second_person(practice_id: UUID, minor: int) -> bool:
    """Whether refunds that come to this much need somebody else's word."""
    above = (
        BillingRules.objects.filter(practice_id=practice_id)
        .values_list("approve_refunds_above_minor", flat=True)
        .first()
    )
    return above is not None and minor > above


def set_invoiced_by_rule(*, viewer: StaffViewer, client: Client, is_on: bool) -> None:
    """A client whose invoices the practice makes by hand, or again by the rule."""
    if not viewer.may(Permission.ISSUE_INVOICES):
        raise NotAllowed
    rows = NotInvoicedByRule.objects.filter(practice=viewer.practice, client=client)
    with phase():
        if is_on:
            rows.delete()
        else:
            NotInvoicedByRule.objects.get_or_create(practice=viewer.practice, client=client)
        record(
            practice_id=viewer.practice.id, actor_id=viewer.id, action="billing.set_invoiced_by_rule",
            target_kind="client", target_id=client.id, detail={"on": is_on},
        )  # fmt: skip


def is_invoiced_by_rule(client: Client) -> bool:
    return not NotInvoicedByRule.objects.filter(practice_id=client.practice_id, client=client).exists()
