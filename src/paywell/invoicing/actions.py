"""Issuing and voiding invoices. Issuing is what makes a service payable."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import date, timedelta
from uuid import UUID

from paywell.audit.actions import record
from paywell.care.models import Service
from paywell.clients.models import BillingAccount
from paywell.core import clock
from paywell.core.db import lock, phase
from paywell.core.errors import UserError
from paywell.core.ids import new_id
from paywell.core.money import Money
from paywell.core.templatetags.paywell import day as write_day
from paywell.invoicing import holds
from paywell.invoicing.frozen import freeze_invoice, get_digest
from paywell.invoicing.models import Invoice, InvoiceLine
from paywell.invoicing.numbers import take_number
from paywell.invoicing.queries import get_parts, get_shares, get_uninvoiced
from paywell.invoicing.types import Batch, BatchProblem
from paywell.ledger.actions import Line, Posting, Side, post
from paywell.ledger.models import AccountKind, Transfer
from paywell.ledger.queries import get_line_balances
from paywell.outbox.actions import emit
from paywell.practice.models import Location, Practice
from paywell.practice.remittance import choose_location, get_paid_elsewhere


def issue_invoice(
    *,
    practice: Practice,
    account: BillingAccount,
    services: Sequence[Service],
    actor_id: UUID | None,
    issued_on: date | None = None,
    replaces: Invoice | None = None,
) -> Invoice:
    """Bill one account its part of `services`: number, document, lines, transfers and event in one transaction.

    Each line is what the account owes by the client's standing shares of the client's part (the fee less the
    insurer's). Services of which the client's part is zero are left out. `issued_on` is today at the practice
    unless given. Raises UserError: `nothing_to_invoice`, `service_voided`, `already_invoiced`,
    `not_owed_by_account`, `shares_changed`, `issued_in_future`; then no number is used up.
    """
    today = clock.business_date(clock.now(), practice.timezone)
    issued_on = issued_on or today
    if issued_on > today:
        raise UserError("An invoice can't be dated ahead.", code="issued_in_future", field="issued_on")
    with phase():
        account = lock(BillingAccount.objects.filter(practice=practice, pk=account.pk)).get()
        practice = Practice.objects.get(pk=practice.pk)  # the letterhead as it is now
        rows = _lock_services(practice, services)
        invoice_id = new_id()
        lines = _make_lines(practice, account, rows, invoice_id)
        number = take_number(practice, "invoice")
        label = f"{practice.invoice_prefix}{number:04d}"
        due_on = issued_on + timedelta(days=practice.payment_terms_days)
        frozen = freeze_invoice(
            practice=practice,
            account=account,
            lines=lines,
            number=number,
            label=label,
            issued_on=issued_on,
            due_on=due_on,
            location=_get_location(practice, lines),
        )
        invoice = Invoice.objects.create(
            id=invoice_id,
            practice=practice,
            account=account,
            number=number,
            label=label,
            issued_on=issued_on,
            issued_at=clock.now(),
            due_on=due_on,
            total_minor=frozen["total_minor"],
            currency=account.currency,
            frozen=frozen,
            digest=get_digest(frozen),
            replaces=replaces,
        )
        InvoiceLine.objects.bulk_create(lines)
        _post_lines(invoice, lines, actor_id)
        emit(
            practice_id=practice.id,
            kind="invoicing.invoice_issued",
            dedupe=f"invoice_issued:{invoice.id}",
            payload={"invoice_id": str(invoice.id), "account_id": str(account.id)},
        )
        record(
            practice_id=practice.id,
            actor_id=actor_id,
            action="invoicing.issue_invoice",
            target_kind="invoice",
            target_id=invoice.id,
            detail={"label": label},
        )
    return invoice


def issue_batch(
    *,
    practice: Practice,
    date_from: date,
    date_to: date,
    actor_id: UUID | None,
    issued_on: date | None = None,
) -> Batch:
    """One invoice for each billing account that owes something for services of the range, each in its own
    transaction.

    What stands on an invoice already is left out, so a second run issues nothing. An account that can't be
    invoiced stops no other: it stands in the batch's `problems`. Raises UserError `range_invalid`.
    """
    if date_to < date_from:
        raise UserError("The range ends before it begins.", code="range_invalid", field="date_to")
    batch = Batch()
    for found in get_uninvoiced(practice, date_from, date_to):
        try:
            batch.append(
                issue_invoice(
                    practice=practice,
                    account=found.account,
                    services=found.services,
                    actor_id=actor_id,
                    issued_on=issued_on,
                )
            )
        except UserError as error:
            batch.problems.append(BatchProblem(found.account.id, found.account.name, error.code, error.message))
    return batch


def void_invoice(*, invoice: Invoice, reason: str, actor_id: UUID | None) -> Invoice:
    """Take an invoice back. Its number stays used, its transfers are reversed, its services can be invoiced again.

    Raises UserError: `reason_missing`, `voided`, `being_paid` while an open payment holds a line, `has_payments`
    where anything but the charge was posted on a line.
    """
    reason = " ".join(reason.split())[:200]
    if not reason:
        raise UserError("Say why the invoice is voided.", code="reason_missing", field="reason")
    with phase():
        lock(BillingAccount.objects.filter(practice_id=invoice.practice_id, pk=invoice.account_id)).get()
        row = lock(Invoice.objects.filter(practice_id=invoice.practice_id, pk=invoice.pk)).get()
        lines = list(InvoiceLine.objects.filter(practice_id=row.practice_id, invoice=row).order_by("position"))
        _refuse_void(row, lines)
        _hold_services(row.practice_id, {line.service_id for line in lines})
        _reverse_lines(row, lines, reason, actor_id)
        now = clock.now()
        InvoiceLine.objects.filter(practice_id=row.practice_id, invoice=row).update(voided_at=now)
        row.voided_at, row.void_reason = now, reason
        row.save(update_fields=["voided_at", "void_reason"])
        emit(
            practice_id=row.practice_id,
            kind="invoicing.invoice_voided",
            dedupe=f"invoice_voided:{row.id}",
            payload={"invoice_id": str(row.id), "account_id": str(row.account_id)},
        )
        record(
            practice_id=row.practice_id,
            actor_id=actor_id,
            action="invoicing.void_invoice",
            target_kind="invoice",
            target_id=row.id,
        )
    return row


def _hold_services(practice_id: UUID, ids: Collection[UUID]) -> None:
    """Hold services in the order in which issuing does: voiding a line changes what its service keeps."""
    services = Service.objects.filter(practice_id=practice_id, id__in=ids)
    list(lock(services).order_by("on", "id").values_list("pk", flat=True))


def _lock_services(practice: Practice, services: Sequence[Service]) -> list[Service]:
    """The services as they are now, held, by date; none of them voided."""
    ids = {service.id for service in services}
    rows = list(
        lock(Service.objects.filter(practice=practice, id__in=ids))
        .select_related("client", "clinician")
        .order_by("on", "id")
    )
    if len(rows) != len(ids):
        raise ValueError("Services of one practice are invoiced together.")
    if any(row.voided_at for row in rows):
        raise UserError("One of the services is voided. Leave it out.", code="service_voided")
    return rows


def _make_lines(
    practice: Practice, account: BillingAccount, services: Sequence[Service], invoice_id: UUID
) -> list[InvoiceLine]:
    """The account's line for each service, not yet saved."""
    shares = get_shares(practice.id, {service.client_id for service in services})
    live = list(
        InvoiceLine.objects.filter(
            practice=practice, service__in=[service.id for service in services], voided_at=None
        ).values_list("service_id", "account_id", "amount_minor")
    )
    lines: list[InvoiceLine] = []
    for service in services:
        part = Money(service.client_minor, service.currency)
        if not part:
            continue
        parts = get_parts(service, shares)
        if account.id not in parts:
            raise UserError(
                f"{account.name} owes nothing for the service of {write_day(service.on)}. Leave it out, or "
                "change the "
                "standing shares.",
                code="not_owed_by_account",
            )
        _refuse_twice(account, service, parts[account.id], part, live)
        lines.append(
            InvoiceLine(
                practice=practice,
                invoice_id=invoice_id,
                account=account,
                service=service,
                client=service.client,
                position=len(lines) + 1,
                on=service.on,
                wording=service.wording,
                clinician_name=str(service.clinician),
                amount_minor=parts[account.id].minor,
                currency=account.currency,
            )
        )
    if not lines:
        raise UserError("There is nothing to invoice.", code="nothing_to_invoice")
    return lines


def _get_location(practice: Practice, lines: Sequence[InvoiceLine]) -> Location | None:
    """The place of all these services, where it has an address of its own for payments."""
    ids = {line.service.location_id for line in lines}
    return choose_location(get_paid_elsewhere(practice), ids) if any(ids) else None


def _refuse_twice(
    account: BillingAccount, service: Service, share: Money, part: Money, live: Sequence[tuple[UUID, UUID, int]]
) -> None:
    """Once on a live invoice of an account; and all accounts together never owe more than the client's part."""
    others = [(account_id, minor) for service_id, account_id, minor in live if service_id == service.id]
    if any(account_id == account.id for account_id, _ in others):
        raise UserError(
            f"The service of {write_day(service.on)} stands on an invoice already.", code="already_invoiced"
        )
    if sum(minor for _, minor in others) + share.minor > part.minor:
        raise UserError(
            f"The shares changed after the service of {write_day(service.on)} was invoiced to somebody else. "
            "Void that "
            "invoice first.",
            code="shares_changed",
        )


def _post_lines(invoice: Invoice, lines: Sequence[InvoiceLine], actor_id: UUID | None) -> None:
    """Receivable against income, a leg for each line in printed order."""
    receivable = Side(AccountKind.RECEIVABLE, invoice.account_id)
    income = Side(AccountKind.INCOME, invoice.practice_id)
    post(
        practice_id=invoice.practice_id,
        book_owner_id=invoice.account_id,
        source=f"invoice:{invoice.id}",
        postings=[
            Posting(
                debit=receivable,
                credit=income,
                money=Money(line.amount_minor, line.currency),
                line=Line(line.id, on=line.on, due_on=invoice.due_on, subject_id=line.client_id),
                reason=invoice.label,
            )
            for line in lines
        ],
        actor_id=actor_id,
    )


def _refuse_void(invoice: Invoice, lines: Sequence[InvoiceLine]) -> None:
    if invoice.voided_at is not None:
        raise UserError("The invoice is voided already.", code="voided")
    ids = [line.id for line in lines]
    if holds.any_held(ids):
        raise UserError("A payment on this invoice is under way. Wait until it is through.", code="being_paid")
    balances = get_line_balances(practice_id=invoice.practice_id, line_ids=ids)
    if any(balances.get(line.id) != line.amount_minor for line in lines):
        raise UserError("The invoice has payments or adjustments. Refund or undo them first.", code="has_payments")


def _reverse_lines(invoice: Invoice, lines: Sequence[InvoiceLine], reason: str, actor_id: UUID | None) -> None:
    charges = {
        transfer.line_id: transfer.id
        for transfer in Transfer.objects.filter(
            practice_id=invoice.practice_id, source=f"invoice:{invoice.id}"
        ).only("id", "line_id")
    }
    post(
        practice_id=invoice.practice_id,
        book_owner_id=invoice.account_id,
        source=f"void:{invoice.id}",
        postings=[
            Posting(
                debit=Side(AccountKind.INCOME, invoice.practice_id),
                credit=Side(AccountKind.RECEIVABLE, invoice.account_id),
                money=Money(line.amount_minor, line.currency),
                line=Line(line.id),
                reason=reason,
                reverses=charges[line.id],
            )
            for line in lines
        ],
        actor_id=actor_id,
    )
