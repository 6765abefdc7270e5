"""Which lines a form pays and how much of each: decided from the rows, never from the form."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from paywell.core.errors import NotFoundForViewer
from paywell.core.money import MAX_MINOR, Money
from paywell.core.prepared import Prepared
from paywell.core.security_log import access_refused
from paywell.invoicing.models import InvoiceLine
from paywell.ledger.queries import get_line_balances
from paywell.payments import errors
from paywell.payments.models import Attempt, Claim
from paywell.payments.payer import OnBehalf, Payer
from paywell.payments.types import PayForm


@dataclass(frozen=True, slots=True)
class ChosenLine:
    """One line, the part of it that is to be paid, and the open attempt that holds it."""

    line_id: UUID
    share: Money
    held_by: Attempt | None


_LINES = Prepared(
    lambda practice, account, clients, lines: (
        InvoiceLine.objects.filter(practice_id=practice, account_id=account, client_id__in=clients, id__in=lines)
        .select_related("invoice")
        .only("id", "client_id", "currency", "voided_at", "invoice__voided_at")
        .order_by("id")
    )
)
_CLAIMS = Prepared(
    lambda practice, lines: Claim.objects.filter(practice_id=practice, line_id__in=lines).select_related(
        "attempt__processor_account"
    )
)


def choose_lines(viewer: Payer, form: PayForm) -> list[ChosenLine]:
    """The form's lines with what is to be paid of each. Inside T1, with the billing account held.

    One line: the form's amount, more than zero and at most the balance due; without one the balance. Several:
    always their balances; an amount in the form must be their sum (product.md 1.3). Raises NotFoundForViewer
    for a line that is not the viewer's, UserError for one that can't be paid.
    """
    lines = _get_lines(viewer, form.line_ids)
    owed = get_line_balances(practice_id=viewer.practice.id, line_ids=form.line_ids)
    balances = [Money(owed.get(line.id, 0), line.currency) for line in lines]
    held_by = _get_holders(viewer.practice.id, form.line_ids)
    # Before the balance: while a payment runs, "already paid" would be a guess.
    if not held_by and any(balance.minor <= 0 for balance in balances):
        raise errors.already_paid()
    if held_by:
        shares = balances
    elif form.shares and isinstance(viewer, OnBehalf):
        shares = _take_shares(lines, balances, dict(form.shares))
    else:
        shares = _get_shares(balances, form.amount)
    return [ChosenLine(line.id, share, held_by.get(line.id)) for line, share in zip(lines, shares, strict=True)]


def _get_lines(viewer: Payer, line_ids: Sequence[UUID]) -> list[InvoiceLine]:
    lines = _LINES(
        practice=viewer.practice.id, account=viewer.account.id, clients=viewer.client_ids, lines=list(line_ids)
    )
    if len(lines) != len(line_ids):
        missing = set(line_ids) - {line.id for line in lines}
        access_refused(viewer=viewer, kind="invoice line", target=str(min(missing)), reason="not theirs")
        raise NotFoundForViewer
    if any(line.voided_at or line.invoice.voided_at for line in lines):
        raise errors.voided()
    if any(line.client_id not in viewer.payable_client_ids for line in lines):
        raise errors.payments_closed()
    return lines


def _get_holders(practice_id: UUID, line_ids: Sequence[UUID]) -> dict[UUID, Attempt]:
    """The open attempts that hold these lines."""
    return {claim.line_id: claim.attempt for claim in _CLAIMS(practice=practice_id, lines=list(line_ids))}


def _take_shares(
    lines: Sequence[InvoiceLine], balances: Sequence[Money], wanted: Mapping[UUID, int]
) -> list[Money]:
    """Parts chosen line by line: each more than zero and at most what is owed on its line."""
    shares = [Money(wanted.get(line.id, 0), line.currency) for line in lines]
    for share, balance in zip(shares, balances, strict=True):
        if share.minor <= 0:
            raise errors.amount_not_positive()
        if share > balance:
            raise errors.amount_above_balance(balance)
    return shares


def _get_shares(balances: Sequence[Money], amount: Money | None) -> list[Money]:
    total = sum(balances[1:], start=balances[0])
    if total.minor > MAX_MINOR:
        raise errors.amount_too_large()
    if amount is None:
        return list(balances)
    if amount.currency != total.currency:
        raise errors.other_currency(total.currency)
    if len(balances) > 1:
        if amount != total:
            raise errors.amount_not_editable(total)
        return list(balances)
    if amount.minor <= 0:
        raise errors.amount_not_positive()
    if amount > total:
        raise errors.amount_above_balance(total)
    return [amount]
