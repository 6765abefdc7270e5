"""Reads of invoices, and of what is still to be invoiced."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import date
from uuid import UUID

from django.db.models import QuerySet

from paywell.accounts.models import Role
from paywell.accounts.types import StaffViewer
from paywell.care.models import Service
from paywell.clients.access import clients_of, own_client_ids
from paywell.clients.models import BillingAccount, StandingShare
from paywell.core.money import Money
from paywell.invoicing.models import Invoice, InvoiceLine
from paywell.invoicing.shares import Share, choose_shares, share_out
from paywell.invoicing.types import LeftOut, Uninvoiced, WhyLeftOut
from paywell.practice.models import Practice


def list_uninvoiced(viewer: StaffViewer, date_from: date, date_to: date) -> list[Uninvoiced]:
    """What a batch of that range would invoice, for the preview. A clinician sees their own clients alone."""
    services = Service.objects.filter(practice=viewer.practice, client__in=clients_of(viewer))
    return get_uninvoiced(viewer.practice, date_from, date_to, services)


def get_uninvoiced(
    practice: Practice, date_from: date, date_to: date, services: QuerySet[Service] | None = None
) -> list[Uninvoiced]:
    """One entry for each billing account that owes something for services of the range (both days included).

    Four queries, whatever the range holds. By the account's name.
    """
    if services is None:
        services = Service.objects.filter(practice=practice)
    rows = list(
        services.filter(voided_at=None, on__gte=date_from, on__lte=date_to)
        .select_related("client", "clinician")
        .order_by("on", "id")
    )
    shares = get_shares(practice.id, {row.client_id for row in rows})
    invoiced = set(
        InvoiceLine.objects.filter(
            practice=practice, voided_at=None, service__on__gte=date_from, service__on__lte=date_to
        ).values_list("service_id", "account_id")
    )
    owed: dict[UUID, list[tuple[Service, Money]]] = {}
    for row in rows:
        parts = get_parts(row, shares)
        for account_id, money in parts.items():
            if (row.id, account_id) not in invoiced:
                owed.setdefault(account_id, []).append((row, money))
    accounts = BillingAccount.objects.filter(practice=practice, id__in=owed).order_by("name", "id")
    return [
        Uninvoiced(
            account=account,
            services=tuple(service for service, _ in owed[account.id]),
            parts=tuple(money for _, money in owed[account.id]),
            total=sum((money for _, money in owed[account.id]), Money(0, account.currency)),
        )
        for account in accounts
    ]


def list_left_out(viewer: StaffViewer, date_from: date, date_to: date) -> list[LeftOut]:
    """Every service of the range that a batch would not invoice, with the reason, by day. Three queries.

    A service that several accounts share can stand here for one of them and in `list_uninvoiced` for another.
    """
    services = Service.objects.filter(practice=viewer.practice, client__in=clients_of(viewer))
    services = services.filter(on__gte=date_from, on__lte=date_to).select_related("client", "clinician")
    rows = list(services.order_by("on", "id"))
    shares = get_shares(viewer.practice.id, {row.client_id for row in rows})
    lines: dict[UUID, list[InvoiceLine]] = {}
    for line in InvoiceLine.objects.filter(
        practice=viewer.practice, voided_at=None, service__on__gte=date_from, service__on__lte=date_to
    ).select_related("invoice__account").order_by("invoice__number"):  # fmt: skip
        lines.setdefault(line.service_id, []).append(line)
    found: list[LeftOut] = []
    for row in rows:
        found += [LeftOut(row, WhyLeftOut.INVOICED, line) for line in lines.get(row.id, ())]
        if row.voided_at is not None:
            found.append(LeftOut(row, WhyLeftOut.VOIDED))
        elif row.id not in lines and not get_parts(row, shares):
            found.append(LeftOut(row, WhyLeftOut.INSURER_ONLY))
    return found


def get_shares(practice_id: UUID, client_ids: set[UUID]) -> dict[UUID, list[Share]]:
    """The standing shares of each client, of every kind. Clients without shares are absent."""
    shares: dict[UUID, list[Share]] = {}
    for row in StandingShare.objects.filter(practice_id=practice_id, client_id__in=client_ids):
        share = Share(row.account_id, row.basis_points or 0, row.fixed_minor or 0, row.applies_to)
        shares.setdefault(row.client_id, []).append(share)
    return shares


def get_parts(service: Service, shares: Mapping[UUID, Sequence[Share]]) -> dict[UUID, Money]:
    """What each billing account owes of the service, by what `get_shares` gave."""
    held = choose_shares(shares.get(service.client_id, ()), service.kind)
    return share_out(Money(service.client_minor, service.currency), held, service.client.default_account_id)


def list_invoices(viewer: StaffViewer, account_id: UUID | None = None) -> QuerySet[Invoice]:
    """The practice's invoices, newest first, with their account (lazy: page it)."""
    invoices = Invoice.objects.filter(practice=viewer.practice).select_related("account")
    if account_id is not None:
        invoices = invoices.filter(account_id=account_id)
    if viewer.role is Role.CLINICIAN:
        own = InvoiceLine.objects.filter(practice=viewer.practice, client_id__in=own_client_ids(viewer))
        invoices = invoices.filter(id__in=own.values("invoice_id"))
    return invoices.order_by("-issued_on", "-number")


def list_lines(viewer: StaffViewer, invoice: Invoice) -> QuerySet[InvoiceLine]:
    """The lines of one invoice in printed order."""
    return (
        InvoiceLine.objects.filter(practice=viewer.practice, invoice=invoice)
        .select_related("client", "service")
        .order_by("position")
    )


def is_on_live_invoice(service_ids: Collection[UUID]) -> bool:
    """Whether any of the services stands on an invoice that is not voided. Asked by care before a void."""
    return InvoiceLine.objects.filter(service_id__in=service_ids, voided_at=None).exists()
