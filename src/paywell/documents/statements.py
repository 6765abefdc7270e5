"""Statements: a billing account over a period."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from uuid import UUID

from paywell.clients.models import BillingAccount, Client
from paywell.core import clock
from paywell.core.db import apart
from paywell.documents.actions import Draft, issue_current_many
from paywell.documents.models import IssuedDocument
from paywell.documents.movements import (
    History,
    Movement,
    Period,
    get_attempts,
    get_histories,
    get_lines,
    get_period,
)
from paywell.documents.parts import address_lines, letterhead, pay_to_at, setting
from paywell.documents.text import clean
from paywell.documents.types import Ageing, Entry, Letterhead, StatementDocument, StatementItem
from paywell.invoicing.models import InvoiceLine
from paywell.payments.models import Attempt
from paywell.practice.models import Location, Practice
from paywell.practice.remittance import choose_location, get_paid_elsewhere


def issue_statement(
    *, practice: Practice, account: BillingAccount, date_from: date, date_to: date, actor_id: UUID | None
) -> IssuedDocument:
    """The account's statement for these days, both included. The one on file where nothing has changed since; else
    a new one, which replaces it.

    Raises UserError `range_invalid`, `range_ahead`, `range_too_long`.
    """
    return issue_statements(
        practice=practice, accounts=[account], date_from=date_from, date_to=date_to, actor_id=actor_id
    )[0]


def issue_statements(
    *,
    practice: Practice,
    accounts: Sequence[BillingAccount],
    date_from: date,
    date_to: date,
    actor_id: UUID | None,
) -> list[IssuedDocument]:
    """The same for several accounts, in their order: all or none, and hardly more queries than for one."""
    period = get_period(practice, date_from, date_to)
    return issue_current_many(
        practice=practice, drafts=_draft_all(practice, accounts, period), actor_id=actor_id
    )  # fmt: skip


def get_account_clients(account: BillingAccount) -> frozenset[UUID]:
    """Everybody for whose services the account was ever billed: a statement's balance tells of all of them."""
    lines = InvoiceLine.objects.filter(practice_id=account.practice_id, account=account)
    return frozenset(lines.values_list("client_id", flat=True))


def _draft_all(practice: Practice, accounts: Sequence[BillingAccount], period: Period) -> list[Draft]:
    histories = get_histories(practice, accounts, period.until)
    elsewhere = get_paid_elsewhere(practice)
    moved = {key: history.since(period.since) for key, history in histories.items()}
    found = _Found(
        practice,
        lines=get_lines(
            practice,
            {each.line_id for movements in moved.values() for each in movements}.union(
                *(history.open_lines() for history in histories.values())
            ),
        ),
        attempts=get_attempts(practice, {each.source for movements in moved.values() for each in movements}),
        of_account=_get_clients(practice, accounts),
        mailed=_get_mailed(practice, accounts),
        head=letterhead(practice),
        elsewhere=elsewhere,
        places=_get_places(practice, histories.values()) if elsewhere else {},
    )
    return [_draft(found, account, period, histories[account.id]) for account in accounts]


@dataclass(frozen=True, slots=True)
class _Found:
    """What the statements of several accounts print, fetched once for all of them."""

    practice: Practice
    lines: Mapping[UUID | None, InvoiceLine]
    attempts: Mapping[str, Attempt]
    of_account: Mapping[UUID, frozenset[UUID]]  #: see `get_account_clients`
    mailed: Mapping[UUID, Sequence[Client]]  #: see `BillingAccount.choose_mail_address`
    head: Letterhead
    elsewhere: Mapping[UUID, Location]  #: see `remittance.get_paid_elsewhere`
    places: Mapping[UUID, UUID | None]  #: where the services of open lines were, if that matters

    def head_for(self, owed: Iterable[UUID]) -> Letterhead:
        """The letterhead for these open lines: a location of all of them may have checks sent elsewhere."""
        place = choose_location(self.elsewhere, {self.places.get(line_id) for line_id in owed})
        return replace(self.head, pay_to=pay_to_at(self.practice, place)) if place else self.head


def _get_places(practice: Practice, histories: Iterable[History]) -> dict[UUID, UUID | None]:
    ids = {line_id for history in histories for line_id in history.open_lines()}
    lines = InvoiceLine.objects.filter(practice=practice, id__in=ids)
    return dict(lines.values_list("id", "service__location"))


def _get_clients(practice: Practice, accounts: Sequence[BillingAccount]) -> dict[UUID, frozenset[UUID]]:
    lines = InvoiceLine.objects.filter(practice=practice, account__in=accounts)
    found: dict[UUID, set[UUID]] = {account.id: set() for account in accounts}
    for account_id, client_id in lines.values_list("account_id", "client_id").distinct():
        found[account_id].add(client_id)
    return {account_id: frozenset(client_ids) for account_id, client_ids in found.items()}


def _get_mailed(practice: Practice, accounts: Sequence[BillingAccount]) -> dict[UUID, list[Client]]:
    found: dict[UUID, list[Client]] = {account.id: [] for account in accounts}
    clients = Client.objects.alias(of=apart("practice_id"))
    for client in clients.filter(of=practice.id, default_account__in=accounts):
        found[client.default_account_id].append(client)
    return found


def _draft(found: _Found, account: BillingAccount, period: Period, history: History) -> Draft:
    practice, previous = found.practice, history.balance_at(period.since)
    items = _items(found, history.since(period.since), previous)
    sums = dict.fromkeys(Entry, 0)
    for item in items:
        sums[item.entry] += item.amount_minor
    mail_address = account.choose_mail_address(found.mailed[account.id])
    document = StatementDocument(
        letterhead=found.head_for(history.open_lines()),
        setting=setting(practice, account.currency),
        number="",
        addressee=(clean(account.name), *address_lines(mail_address)),
        issued_on=clock.business_date(clock.now(), practice.timezone),
        period_from=period.first,
        period_to=period.last,
        previous_minor=previous,
        items=items,
        charges_minor=sums[Entry.CHARGE] + sums[Entry.VOID],
        payments_minor=sums[Entry.PAYMENT] + sums[Entry.REFUND],
        adjustments_minor=sums[Entry.ADJUSTMENT] + sums[Entry.CREDIT],
        ending_minor=items[-1].balance_minor if items else previous,
        ageing=_ageing(found.lines, history.open_lines(), period),
        credit_minor=history.credit(),
    )
    return Draft(document, account, found.of_account[account.id], period=(period.first, period.last))


def _items(facts: _Found, movements: Iterable[Movement], previous: int) -> tuple[StatementItem, ...]:
    """Charges line by line; a payment as one, whatever it covered. Credit that was only applied moves nothing."""
    found: dict[tuple[str, UUID | None, Entry], tuple[Movement, int]] = {}
    for movement in movements:
        if movement.delta_minor:
            line_id = None if movement.is_money else movement.line_id
            key = (movement.source, line_id, movement.entry)
            first, sum_ = found.get(key, (movement, 0))
            found[key] = (first, sum_ + movement.delta_minor)
    items, balance = [], previous
    for (source, line_id, _), (movement, sum_) in found.items():
        balance += sum_
        line = facts.lines.get(line_id) if line_id else None
        items.append(_item(movement, sum_, balance, line, facts.attempts.get(source)))
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


def _ageing(lines: Mapping[UUID | None, InvoiceLine], owed: Mapping[UUID, int], period: Period) -> Ageing:
    """By the days from the invoice to the end of the period."""
    buckets = [0, 0, 0, 0]
    for line_id, minor in owed.items():
        line = lines.get(line_id)
        days = (period.last - line.invoice.issued_on).days if line else 0
        buckets[0 if days <= 30 else 1 if days <= 60 else 2 if days <= 90 else 3] += minor
    return Ageing(*buckets)
