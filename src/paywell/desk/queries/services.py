"""Services with where each stands between recorded and paid."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Final
from uuid import UUID

from django.db.models import F, Prefetch, Q, QuerySet

from paywell.accounts.types import StaffViewer
from paywell.care.models import NEVER_ON_A_SUPERBILL, Service
from paywell.care.wordings import list_wordings
from paywell.clients.access import clients_of
from paywell.clients.models import BillingAccount, Client
from paywell.clients.search import find_clients, split_words
from paywell.core.money import Money
from paywell.core.paging import Page
from paywell.desk.queries.scope import get_today, services_of
from paywell.desk.types import Ower, ServiceRow, ServiceState, paginate_whole
from paywell.invoicing.models import InvoiceLine
from paywell.invoicing.queries import get_parts, get_shares, get_uninvoiced
from paywell.invoicing.types import Uninvoiced
from paywell.ledger.models import LineBalance
from paywell.ledger.queries import get_line_balances

#: Clients found by a search whose services are asked for by name.
_FEW_CLIENTS: Final = 200


def list_services(
    viewer: StaffViewer, *, client: Client | None = None, words: str = "", show: str = "all", page: int = 1
) -> Page[ServiceRow]:
    """Pages of ServiceRow, newest first. `show`: all, uninvoiced, upcoming, voided. Three queries, with words five.

    Each of the words begins one of the client's own words, stands in what was done, or is its code.
    """
    services = services_of(viewer)
    if client is not None:
        services = services.filter(client=client)
    if words.strip():
        services = _find(viewer, services, words)
    if show == "uninvoiced":
        services = _waiting(viewer, services)
    elif show == "upcoming":
        services = services.filter(voided_at=None, on__gt=get_today(viewer))
    elif show == "voided":
        services = services.filter(voided_at__isnull=False)
    whole = _with_lines(Service.objects.filter(practice=viewer.practice))
    return paginate_whole(services, whole, page, lambda rows: _rows(viewer, rows))


def _find(viewer: StaffViewer, services: QuerySet[Service], words: str) -> QuerySet[Service]:
    """Those that have every word. Most words stand in no wording: then the clients called so are asked for."""
    known = list_wordings(viewer.practice.id)
    of_clients = []
    for word in words.split()[:6]:
        folded = word.casefold()
        wordings = [each for each in known.wordings if folded in each.casefold()]
        codes = [each for each in known.codes if folded == each.casefold()]
        if known.is_whole and not (wordings or codes):
            of_clients.append(word)
            continue
        if known.is_whole:
            done = Q(wording__in=wordings) | Q(code__in=codes)
        else:
            done = Q(wording__icontains=word) | Q(code__iexact=word)
        called = find_clients(clients_of(viewer), viewer.practice.id, word)
        services = services.filter(Q(client__in=called.values("pk")) | done)
    if not of_clients:
        return services
    if not all(map(split_words, of_clients)):
        return services.none()
    called = find_clients(clients_of(viewer), viewer.practice.id, " ".join(of_clients)).order_by()
    few = list(called.values_list("pk", flat=True)[: _FEW_CLIENTS + 1])
    # Named one by one, so that each database goes by the client and not through the list.
    if len(few) <= _FEW_CLIENTS:
        return services.filter(client__in=few)
    return services.filter(client__in=called.values("pk"))


def list_uninvoiced_rows(viewer: StaffViewer, client: Client) -> list[ServiceRow]:
    """All of a client's services that an invoice could take up, also still to come, oldest first. Three queries."""
    services = _with_lines(_uninvoiced(services_of(viewer).filter(client=client))).order_by("on", "id")
    return _rows(viewer, list(services))


def list_superbill_services(viewer: StaffViewer, client: Client) -> list[Service]:
    """A client's newest services that a superbill could list: they took place, and no insurer is kept out."""
    services = services_of(viewer).filter(client=client, voided_at=None, is_kept_from_insurer=False)
    newest = services.exclude(kind__in=NEVER_ON_A_SUPERBILL).select_related("clinician").order_by("-on", "-id")
    return list(newest[:100])


def get_uninvoiced_sum(viewer: StaffViewer, client: Client) -> tuple[Money, int]:
    """What the client's services that wait for an invoice come to, and how many they are. One query."""
    rows = _waiting(viewer, services_of(viewer).filter(client=client)).values_list(
        F("fee_minor") - F("insurer_minor") - F("invoiced_minor"), flat=True
    )
    amounts = list(rows)
    return Money(sum(amounts), viewer.practice.currency), len(amounts)


def count_uninvoiced(viewer: StaffViewer) -> int:
    """How many services wait for an invoice. One query."""
    return _waiting(viewer, services_of(viewer)).count()


def preview_invoices(viewer: StaffViewer, client: Client, service_ids: Collection[UUID]) -> list[Uninvoiced]:
    """The invoices that issuing the chosen services of one client would make, one for each account that owes."""
    services = services_of(viewer).filter(client=client, id__in=service_ids)
    days = list(services.values_list("on", flat=True))
    return get_uninvoiced(viewer.practice, min(days), max(days), services) if days else []


def get_service_row(viewer: StaffViewer, service: Service) -> ServiceRow:
    """One service as in the list. Three queries."""
    return _rows(viewer, list(_with_lines(services_of(viewer).filter(pk=service.pk))))[0]


def list_owers(viewer: StaffViewer, service: Service) -> list[Ower]:
    """Who owes the service, by name: as it is invoiced; before that, as it would be shared out today.

    Two queries, three before it is invoiced.
    """
    own = {"practice": viewer.practice}
    lines = list(
        InvoiceLine.objects.filter(**own, service=service, voided_at=None)
        .select_related("account")
        .order_by("account__name", "id")
    )
    if lines:
        left = get_line_balances(practice_id=viewer.practice.id, line_ids=[line.id for line in lines])
        return [
            Ower(
                line.account.name,
                Money(line.amount_minor, line.currency),
                Money(left.get(line.id, 0), line.currency),
                line.id,
            )
            for line in lines
        ]
    if service.voided_at is not None:
        return []
    parts = get_parts(service, get_shares(viewer.practice.id, {service.client_id}))
    accounts = BillingAccount.objects.filter(**own, id__in=parts).order_by("name", "id")
    return [Ower(account.name, parts[account.id], parts[account.id], None) for account in accounts]


def _waiting(viewer: StaffViewer, services: QuerySet[Service]) -> QuerySet[Service]:
    """Not invoiced, and not still to come: what repeats weekly is recorded ahead."""
    return _uninvoiced(services.filter(on__lte=get_today(viewer)))


def _uninvoiced(services: QuerySet[Service]) -> QuerySet[Service]:
    """Not void, and all live lines together are less than the client's part. As the index `service_uninvoiced`."""
    return services.filter(voided_at=None, fee_minor__gt=F("insurer_minor") + F("invoiced_minor"))


def _with_lines(services: QuerySet[Service]) -> QuerySet[Service]:
    lines = InvoiceLine.objects.filter(voided_at=None).select_related("invoice").order_by("invoice__number")
    return (
        services.select_related("client", "clinician")
        .prefetch_related(Prefetch("lines", queryset=lines))
        .order_by("-on", "-id")
    )


def _rows(viewer: StaffViewer, services: Sequence[Service]) -> list[ServiceRow]:
    line_ids = [line.id for service in services for line in service.lines.all()]
    left: dict[UUID, int] = dict(
        LineBalance.objects.filter(practice_id=viewer.practice.id, line_id__in=line_ids).values_list(
            "line_id", "balance_minor"
        )
    )
    rows = []
    for service in services:
        lines = list(service.lines.all())
        balance = sum(left.get(line.id, 0) for line in lines)
        rows.append(
            ServiceRow(
                service=service,
                state=_state(service, sum(line.amount_minor for line in lines), balance),
                fee=Money(service.fee_minor, service.currency),
                client_part=Money(service.client_minor, service.currency),
                balance=Money(balance, service.currency),
                invoices=tuple({line.invoice_id: line.invoice.label for line in lines}.items()),
            )
        )
    return rows


def _state(service: Service, invoiced: int, balance: int) -> ServiceState:
    if service.voided_at is not None:
        return ServiceState.VOIDED
    if service.client_minor == 0:
        return ServiceState.INSURER_ONLY
    if invoiced < service.client_minor:
        return ServiceState.PARTLY_INVOICED if invoiced else ServiceState.NOT_INVOICED
    return ServiceState.OPEN if balance > 0 else ServiceState.PAID
