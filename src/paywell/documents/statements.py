"""Statements: a billing account over a period."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from uuid import UUID

from paywell.clients.models import BillingAccount
from paywell.core import clock
from paywell.documents.actions import Draft, issue_current
from paywell.documents.models import IssuedDocument
from paywell.documents.movements import (
    Movement,
    Period,
    get_attempts,
    get_balance_before,
    get_credit_before,
    get_lines,
    get_movements,
    get_open_before,
    get_period,
)
from paywell.documents.parts import address_lines, letterhead, setting
from paywell.documents.text import clean
from paywell.documents.types import Ageing, Entry, StatementDocument, StatementItem
from paywell.invoicing.models import InvoiceLine
from paywell.payments.models import Attempt
from paywell.practice.models import Practice


def issue_statement(
    *, practice: Practice, account: BillingAccount, date_from: date, date_to: date, actor_id: UUID | None
) -> IssuedDocument:
    """The account's statement for these days, both included. The one on file where nothing has changed since; else
    a new one, which replaces it.

    Raises UserError `range_invalid`, `range_ahead`, `range_too_long`.
    """
    period = get_period(practice, date_from, date_to)
    return issue_current(practice=practice, draft=_draft(practice, account, period), actor_id=actor_id)


def get_account_clients(account: BillingAccount) -> frozenset[UUID]:
    """Everybody for whose services the account was ever billed: a statement's balance tells of all of them."""
    lines = InvoiceLine.objects.filter(practice_id=account.practice_id, account=account)
    return frozenset(lines.values_list("client_id", flat=True))


def _draft(practice: Practice, account: BillingAccount, period: Period) -> Draft:
    previous = get_balance_before(account, period.since)
    items = _items(practice, account, period, previous)
    sums = dict.fromkeys(Entry, 0)
    for item in items:
        sums[item.entry] += item.amount_minor
    document = StatementDocument(
        letterhead=letterhead(practice),
        setting=setting(practice, account.currency),
        number="",
        addressee=(clean(account.name), *address_lines(account.mail_address)),
        issued_on=clock.business_date(clock.now(), practice.timezone),
        period_from=period.first,
        period_to=period.last,
        previous_minor=previous,
        items=items,
        charges_minor=sums[Entry.CHARGE] + sums[Entry.VOID],
        payments_minor=sums[Entry.PAYMENT] + sums[Entry.REFUND],
        adjustments_minor=sums[Entry.ADJUSTMENT] + sums[Entry.CREDIT],
        ending_minor=items[-1].balance_minor if items else previous,
        ageing=_ageing(account, period),
        credit_minor=get_credit_before(account, period.until),
    )
    return Draft(document, account, get_account_clients(account), period=(period.first, period.last))


def _items(practice: Practice, account: BillingAccount, period: Period, previous: int) -> tuple[StatementItem, ...]:
    """Charges line by line; a payment as one, whatever it covered. Credit that was only applied moves nothing."""
    found: dict[tuple[str, UUID | None, Entry], tuple[Movement, int]] = {}
    for movement in get_movements(account, period, practice.timezone):
        if movement.delta_minor:
            line_id = None if movement.is_money else movement.line_id
            key = (movement.source, line_id, movement.entry)
            first, sum_ = found.get(key, (movement, 0))
            found[key] = (first, sum_ + movement.delta_minor)
    lines = get_lines(account, (line_id for _, line_id, _ in found))
    attempts = get_attempts(practice, (source for source, _, _ in found))
    items, balance = [], previous
    for (source, line_id, _), (movement, sum_) in found.items():
        balance += sum_
        items.append(_item(movement, sum_, balance, lines.get(line_id) if line_id else None, attempts.get(source)))
    return tuple(items)


def _item(
    movement: Movement, sum_: int, balance: int, line: InvoiceLine | None, attempt: Attempt | None
) -> StatementItem:
    return StatementItem(
        on=movement.on,
        entry=movement.entry,
        amount_minor=sum_,
        balance_minor=balance,
        service_on=line.on if line else None,
        wording=clean(line.wording) if line else "",
        client=clean(line.client.name) if line else "",
        clinician=clean(line.clinician_name) if line else "",
        invoice=clean(line.invoice.label) if line else "",
        card_brand=clean(attempt.card_brand) if attempt else "",
        card_last4=attempt.card_last4 if attempt else "",
        contact_id=str(attempt.contact_id) if attempt and attempt.contact_id else "",
        client_id=str(line.client_id) if line else "",
    )


def _ageing(account: BillingAccount, period: Period) -> Ageing:
    """By the days from the invoice to the end of the period."""
    owed = get_open_before(account, period.until)
    lines: Mapping[UUID | None, InvoiceLine] = get_lines(account, owed)
    buckets = [0, 0, 0, 0]
    for line_id, minor in owed.items():
        line = lines.get(line_id)
        days = (period.last - line.invoice.issued_on).days if line else 0
        buckets[0 if days <= 30 else 1 if days <= 60 else 2 if days <= 90 else 3] += minor
    return Ageing(*buckets)
