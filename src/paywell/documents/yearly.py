"""Yearly statements: what was paid in a calendar year, for taxes and for HSA and FSA.

By the day on which the money moved, net of refunds, with the dates of service. Credit that was paid before and used
later counts in the year in which it was paid: using it adds to the service and takes from the credit.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import date
from uuid import UUID

from paywell.clients.models import BillingAccount
from paywell.core import clock
from paywell.core.errors import UserError
from paywell.documents.actions import Draft, issue_current
from paywell.documents.models import IssuedDocument
from paywell.documents.movements import Movement, get_attempts, get_lines, get_movements, get_period
from paywell.documents.parts import address_lines, letterhead, setting
from paywell.documents.text import clean
from paywell.documents.types import YearlyDocument, YearlyItem
from paywell.invoicing.models import InvoiceLine
from paywell.payments.models import Attempt
from paywell.practice.models import Practice


def issue_yearly(
    *,
    practice: Practice,
    account: BillingAccount,
    year: int,
    actor_id: UUID | None,
    client_ids: Collection[UUID] | None = None,
) -> IssuedDocument:
    """The account's yearly statement, of these clients alone where some are named. The one on file where nothing
    has changed since; else a new one, which replaces it.

    Raises UserError `year_ahead`, `nothing_paid`.
    """
    today = clock.business_date(clock.now(), practice.timezone)
    if not 1990 <= year <= today.year:
        raise UserError(f"Choose a year up to {today.year}.", code="year_ahead", field="year")
    last = min(date(year, 12, 31), today)
    items = _items(practice, account, _get_moved(practice, account, year, today), client_ids)
    if not items:
        raise UserError(f"Nothing was paid in {year}.", code="nothing_paid", field="year")
    paid = sum(item.amount_minor for item in items if item.amount_minor > 0 and not item.is_transfer)
    net = sum(item.amount_minor for item in items)
    document = YearlyDocument(
        letterhead=letterhead(practice),
        setting=setting(practice, account.currency),
        number="",
        addressee=(clean(account.name), *address_lines(account.mail_address)),
        issued_on=today,
        year=year,
        through=last,
        tax_id=practice.tax_id if practice.tax_id_kind == "EIN" else "",
        items=items,
        paid_minor=paid,
        refunded_minor=paid - net,
        net_minor=net,
    )
    named = {UUID(item.client_id) for item in items if item.client_id}
    draft = Draft(document, account, named, period=(date(year, 1, 1), date(year, 12, 31)))
    return issue_current(practice=practice, draft=draft, actor_id=actor_id)


def _get_moved(practice: Practice, account: BillingAccount, year: int, today: date) -> list[Movement]:
    """What moved in the year. A check that came in December counts there, also when it was entered in January."""
    period = get_period(practice, date(year, 1, 1), min(date(year + 1, 12, 31), today))
    return [each for each in get_movements(account, period) if each.on.year == year]


def _items(
    practice: Practice,
    account: BillingAccount,
    movements: list[Movement],
    client_ids: Collection[UUID] | None,
) -> tuple[YearlyItem, ...]:
    """By day of payment, then by day of service. Credit on account stands last of its day, and only where the
    statement is of all clients: whose it will be is not known yet."""
    moved = [each for each in movements if each.is_money or each.applied_minor]
    lines = get_lines(practice, (each.line_id for each in moved))
    attempts = get_attempts(practice, (each.source for each in moved))
    found: dict[tuple[date, str, UUID | None, bool], int] = {}
    for each in moved:
        if each.applied_minor:
            _add(found, each, each.line_id, each.applied_minor)
            _add(found, each, None, -each.applied_minor)
        else:
            _add(found, each, each.line_id, -each.delta_minor)
    items = [
        _item(key, minor, lines.get(key[2]) if key[2] else None, attempts.get(key[1]))
        for key, minor in found.items()
        if minor
    ]
    if client_ids is not None:
        wanted = {str(client_id) for client_id in client_ids}
        everybody = {str(line.client_id) for line in lines.values()} <= wanted
        items = [item for item in items if item.client_id in wanted or (everybody and not item.client_id)]
    return tuple(sorted(items, key=lambda item: (item.paid_on, item.service_on or date.max)))


def _add(
    found: dict[tuple[date, str, UUID | None, bool], int], each: Movement, line_id: UUID | None, minor: int
) -> None:
    key = (each.on, each.source, line_id, bool(each.applied_minor))
    found[key] = found.get(key, 0) + minor


def _item(
    key: tuple[date, str, UUID | None, bool], minor: int, line: InvoiceLine | None, attempt: Attempt | None
) -> YearlyItem:
    paid_on, _, _, is_transfer = key
    return YearlyItem(
        paid_on=paid_on,
        amount_minor=minor,
        service_on=line.on if line else None,
        wording=clean(line.wording) if line else "",
        client=clean(line.client.name) if line else "",
        clinician=clean(line.clinician_name) if line else "",
        invoice=clean(line.invoice.label) if line else "",
        payer=clean(attempt.contact.name) if attempt and attempt.contact else "",
        is_transfer=is_transfer,
        client_id=str(line.client_id) if line else "",
    )
