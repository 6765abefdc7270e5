"""Lists of the desk as CSV: a short one at once, a long one by the worker.

One rule for all of them: up to `AT_ONCE` rows are sent as they are asked for; what is longer is written by the
worker in pieces, each once, and waits on the page of that work for a week. Reports are sums that their own page has
counted already: their files are sent at once.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Final
from uuid import UUID

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from paywell.accounts.access import access_desk_as
from paywell.accounts.types import Permission, StaffViewer
from paywell.core.clock import business_date
from paywell.core.csv_export import write_csv, write_rows
from paywell.core.money import Money
from paywell.desk.forms.audit import AuditFilterForm
from paywell.desk.forms.billing import PaymentFilter
from paywell.desk.queries.audit import find_events, make_audit_rows
from paywell.desk.queries.clients import find_clients, make_client_rows
from paywell.desk.queries.payments import STATUS_FILTERS
from paywell.desk.templatetags.desk import card
from paywell.payments.queries import find_practice_payments, get_practice_payments
from paywell.payments.types import PaymentRow
from paywell.work.actions import request_work
from paywell.work.kinds import Kind, work_kind
from paywell.work.models import Work, WorkFile, WorkItem
from paywell.work.types import Done, Finished, Item, NewFile, Result

#: Rows that a page may wait for; longer lists are long work.
AT_ONCE: Final = 2_000
#: Rows read and written together.
PIECE: Final = 500

#: What narrows the list, as it stands in the address.
Asked = Mapping[str, str]
Line = Sequence[str | Money]


@dataclass(frozen=True, slots=True)
class Export:
    """One list: which rows it has, in order, and what stands in each."""

    title: str | Promise
    needs: Permission
    header: Sequence[str]
    find: Callable[[StaffViewer, Asked, int | None], list[UUID]]  #: the first so many
    make: Callable[[StaffViewer, Sequence[UUID]], Iterable[Line]]


def write_all(viewer: StaffViewer, export: Export, ids: Sequence[UUID]) -> Iterator[Line]:
    """The rows of a short list, read in pieces while they are sent."""
    for begin in range(0, len(ids), PIECE):
        yield from export.make(viewer, ids[begin : begin + PIECE])


def request_export(viewer: StaffViewer, name: str, asked: Asked) -> Work:
    """Have a long list written. While one of the same person and choice is under way, that one."""
    parameters = dict(asked)
    waiting = Work.objects.filter(
        practice_id=viewer.practice.id, kind=f"export_{name}", requested_by=viewer.id, finished_at=None
    )
    for work in waiting.order_by("-created_at"):
        if work.parameters == parameters:
            return work
    return request_work(
        practice_id=viewer.practice.id, kind=f"export_{name}", title=str(EXPORTS[name].title), actor_id=viewer.id,
        parameters=parameters,
    )  # fmt: skip


class _Export(Kind):
    """A list in pieces. What is found when it begins is written, whatever comes or changes its place meanwhile."""

    in_transaction: ClassVar[bool] = False
    batch: ClassVar[int] = 4
    writes: ClassVar[str]

    def plan(self, work: Work) -> Iterable[Item]:
        export = EXPORTS[self.writes]
        viewer = access_desk_as(work.requested_by, work.practice_id, export.needs)
        ids = export.find(viewer, work.parameters, None)
        return [
            Item(data={"ids": [str(one) for one in ids[begin : begin + PIECE]]})
            for begin in range(0, len(ids), PIECE)
        ]  # fmt: skip

    def do(self, work: Work, items: Sequence[WorkItem]) -> Sequence[Result]:
        export = EXPORTS[self.writes]
        viewer = access_desk_as(work.requested_by, work.practice_id, export.needs)
        results = []
        for item in items:
            lines = write_rows(export.make(viewer, [UUID(one) for one in item.data["ids"]]))
            part = NewFile(f"part-{item.position:06}.csv", "text/csv", "".join(lines).encode())
            results.append(Done(files=[part]))
        return results

    def finish(self, work: Work) -> Generator[None, None, Finished]:
        whole = bytearray("".join(write_csv(EXPORTS[self.writes].header, [])).encode())
        parts = WorkFile.objects.filter(practice_id=work.practice_id, work=work).order_by("name")
        for part_id in parts.values_list("id", flat=True):
            whole += bytes(parts.get(pk=part_id).content)
            yield
        file = NewFile(f"{self.writes}.csv", "text/csv; charset=utf-8", bytes(whole))
        return Finished(files=[file], replaces_item_files=True)


def _find_clients(viewer: StaffViewer, asked: Asked, most: int | None) -> list[UUID]:
    rows = find_clients(viewer, words=asked.get("q", "").strip()[:100], show=asked.get("show", "all"))
    return list(rows.values_list("id", flat=True)[:most])


def _make_clients(viewer: StaffViewer, ids: Sequence[UUID]) -> Iterator[Line]:
    for row in make_client_rows(viewer, ids):
        client = row.client
        yield [
            client.legal_last_name, client.legal_first_name, client.preferred_name, client.external_id,
            client.email, client.phone, client.clinician.name if client.clinician else "",
            str(row.portal_status.label), row.owed.balance, row.owed.overdue,
        ]  # fmt: skip


def _find_payments(viewer: StaffViewer, asked: Asked, most: int | None) -> list[UUID]:
    form = PaymentFilter(asked)
    date_from, date_to = form.days()
    states = STATUS_FILTERS.get(asked.get("show", "all"), STATUS_FILTERS["all"])
    return find_practice_payments(viewer, date_from, date_to, states=states, method=form.method(), most=most)


def _make_payments(viewer: StaffViewer, ids: Sequence[UUID]) -> Iterator[Line]:
    return (_payment_line(viewer, row) for row in get_practice_payments(viewer, ids))


def _payment_line(viewer: StaffViewer, row: PaymentRow) -> Line:
    return [
        business_date(row.at, viewer.practice.timezone).isoformat(), row.payer_name or row.account_name,
        row.account_name, ", ".join(dict.fromkeys(line.client_name for line in row.lines)), card(row),
        row.status.value, row.amount, row.refunded, row.amount.currency, str(row.attempt_id),
    ]  # fmt: skip


def _find_audit(viewer: StaffViewer, asked: Asked, most: int | None) -> list[UUID]:
    wanted = AuditFilterForm(asked, viewer=viewer).wanted()
    return list(find_events(viewer, wanted).values_list("id", flat=True)[:most])


def _make_audit(viewer: StaffViewer, ids: Sequence[UUID]) -> Iterator[Line]:
    for row in make_audit_rows(viewer, ids):
        event = row.event
        yield [
            event.at.isoformat(timespec="milliseconds"), row.actor or "Paywell", event.action, event.target_kind,
            row.name, str(event.target_id or ""), json.dumps(event.detail, sort_keys=True), str(event.chain_id),
            str(event.seq), event.hash,
        ]  # fmt: skip


EXPORTS: Final[Mapping[str, Export]] = {
    "clients": Export(
        _("Clients as CSV"), Permission.SEE_MONEY,
        ("Last name", "First name", "Preferred name", "Number", "E-mail", "Phone", "Clinician", "Portal", "Balance",
         "Overdue"),
        _find_clients, _make_clients,
    ),
    "payments": Export(
        _("Payments as CSV"), Permission.SEE_MONEY,
        ("Date", "From", "Account", "For", "Method", "Status", "Amount", "Refunded", "Currency", "Payment ID"),
        _find_payments, _make_payments,
    ),
    "audit": Export(
        _("Audit trail as CSV"), Permission.SEE_CLIENTS,
        ("Time (UTC)", "By", "What", "Of", "Name", "ID", "Detail", "Chain", "Place", "Hash"),
        _find_audit, _make_audit,
    ),
}  # fmt: skip


def register() -> None:
    """Make each list a kind of long work."""
    for name, export in EXPORTS.items():
        kind = type(f"export_{name}", (_Export,), {"writes": name})
        work_kind(f"export_{name}", needs=export.needs.value)(kind)
