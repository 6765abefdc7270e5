"""A billing account as the desk works on it: what is open on it, its credit, its ledger."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Final
from uuid import UUID

from paywell.accounts.types import StaffViewer
from paywell.clients.access import clients_of
from paywell.clients.models import BillingAccount, Client
from paywell.clients.queries import list_accounts
from paywell.core.clock import business_date
from paywell.core.money import Money
from paywell.core.paging import Page, cut_page, page_bounds
from paywell.desk.access import refuse
from paywell.invoicing.models import InvoiceLine
from paywell.ledger.models import AccountKind
from paywell.ledger.queries import (
    book_of,
    get_listed_balance,
    get_listed_balances,
    get_open_lines,
    sum_receivable_after,
)
from paywell.payments.story import Step, name_actors, tell_account


@dataclass(frozen=True, slots=True)
class OpenLine:
    """A line on which something is owed."""

    line_id: UUID
    on: date
    wording: str
    client_name: str
    balance: Money


@dataclass(frozen=True, slots=True)
class AccountState:
    """One billing account of a client: what is owed on it and what credit it has."""

    account: BillingAccount
    owed: Money
    credit: Money
    lines: tuple[OpenLine, ...]  #: oldest first


def choose_account(viewer: StaffViewer, client: Client, asked: str) -> tuple[BillingAccount, list[BillingAccount]]:
    """The account that the address asks for, else the client's default one; and all that owe for the client.

    One that owes only what was issued before, because another became the default, is among them.
    Raises NotFoundForViewer for one that owes nothing for this client.
    """
    owing = InvoiceLine.objects.filter(practice=viewer.practice, client=client).values("account_id")
    accounts = list_accounts(viewer=viewer, client=client, others=owing)
    if not asked:
        return client.default_account, accounts
    chosen = next((account for account in accounts if str(account.id) == asked), None)
    if chosen is None:
        refuse(viewer, "billing account", asked[:60], "not of this client")
    return chosen, accounts


def get_account_state(viewer: StaffViewer, account: BillingAccount) -> AccountState:
    """For the forms: everything open on the account, and its credit. Three queries."""
    balances = dict(
        get_open_lines(practice_id=viewer.practice.id, owner_id=account.id).values_list("line_id", "balance_minor")
    )
    lines = InvoiceLine.objects.filter(practice=viewer.practice, id__in=balances).select_related("client")
    opened = tuple(
        OpenLine(line.id, line.on, line.wording, line.client.name, Money(balances[line.id], line.currency))
        for line in lines.order_by("on", "id")
    )
    return AccountState(
        account=account,
        owed=Money(sum(balances.values()), account.currency),
        credit=get_account_credit(viewer, account),
        lines=opened,
    )


def get_account_credit(viewer: StaffViewer, account: BillingAccount) -> Money:
    """The account's credit as lists show it. Below zero where a refund took back what was used already."""
    balance = get_listed_balance(
        practice_id=viewer.practice.id,
        kind=AccountKind.CLIENT_CREDIT,
        owner_id=account.id,
        currency=account.currency,
    )
    return Money(-balance, account.currency)


@dataclass(frozen=True, slots=True)
class LedgerRow:
    """One step of an account's ledger, with who did it and what stood afterwards."""

    step: Step
    who: str
    owed_after: Money
    lines: tuple[InvoiceLine, ...]
    is_late: bool = False  #: recorded on another day than the one on which it counts


@dataclass(frozen=True, slots=True)
class AccountLedger:
    account: BillingAccount
    owed: Money
    credit: Money
    page: Page[LedgerRow]


#: Steps on one page of a ledger.
LEDGER_PAGE: Final = 50


def get_ledger(viewer: StaffViewer, account: BillingAccount, number: int = 1) -> AccountLedger:
    """One page of the account's steps, newest first, with what was owed after each. Eight queries, then nine.

    The steps are found by their first transfers, and only those of the page are read. What stood after the newest
    of them is the balance that the ledger keeps, less what came later.
    """
    book = book_of(practice_id=viewer.practice.id, owner_id=account.id, currency=account.currency)
    firsts = book.filter(leg=0).order_by("-seq").values_list("source", flat=True)
    found = cut_page(firsts[page_bounds(number, LEDGER_PAGE)], number, LEDGER_PAGE)
    transfers = list(book.filter(source__in=found.rows).select_related("debit", "credit"))
    kept = get_listed_balances(practice_id=viewer.practice.id, owner_id=account.id, currency=account.currency)
    owed, credit = (
        Money(minor, account.currency) for minor in (kept[AccountKind.RECEIVABLE], -kept[AccountKind.CLIENT_CREDIT])
    )
    steps = tell_account(viewer.practice.id, transfers)[::-1]
    later = sum_receivable_after(book, transfers[-1].seq) if transfers and found.has_previous else 0
    owed_then = owed - Money(later, account.currency)
    after: list[tuple[Step, Money]] = []
    for step in steps:
        after.append((step, owed_then))
        owed_then -= step.owed
    shown = found.with_rows(after)
    who = name_actors([step.actor_id for step, _ in shown.rows])
    wanted = {line_id for step, _ in shown.rows for line_id in step.line_ids}
    lines = {
        line.id: line
        for line in InvoiceLine.objects.filter(
            practice=viewer.practice, id__in=wanted, client__in=clients_of(viewer)
        ).select_related("client")
    }
    page = shown.with_rows(
        LedgerRow(
            step=step,
            who=who.get(step.actor_id, "") if step.actor_id else "",
            owed_after=owed_then,
            lines=tuple(lines[line_id] for line_id in step.line_ids if line_id in lines),
            is_late=step.counts_on not in (None, business_date(step.at, viewer.practice.timezone)),
        )
        for step, owed_then in shown.rows
    )
    return AccountLedger(account, owed, credit, page)
