"""What was given up of what clients and insurers owed, with the reason."""

from __future__ import annotations

from collections import defaultdict
from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _

from paywell.accounts.types import StaffViewer
from paywell.clients.access import clients_of
from paywell.core.money import Money
from paywell.ledger.models import AccountKind, Transfer
from paywell.reports.movements import (
    counted_on,
    day_of,
    entry_of,
    insurer_entries_in,
    is_narrowed,
    lines_of,
    transfers_of,
)
from paywell.reports.types import Column, Period, Report, Row, make_chart

Of = tuple[UUID, str]  #: client, service


def report_write_offs(viewer: StaffViewer, period: Period) -> Report:
    """Write-offs and adjustments, the latest first; what was taken back stands below zero. Four queries."""
    kinds = (AccountKind.WRITE_OFF, AccountKind.ADJUSTMENT)
    moved = transfers_of(viewer, *kinds, start=period.start, end=period.end)
    of_lines, of_entries = _read_services(viewer, period, moved)
    names = {client.id: client.name for client in clients_of(viewer)}
    currency = viewer.practice.currency
    rows: list[Row] = []
    reasons: dict[str, int] = defaultdict(int)
    for row in moved.select_related("debit", "credit").order_by(counted_on(period.zone).desc(), "-at", "-id"):
        of = of_lines.get(row.line_id) if row.line_id else of_entries.get(entry_of(row.source))
        if of is None and is_narrowed(viewer):
            continue
        client_id, service = of or (None, "")
        for account, sign in ((row.debit, 1), (row.credit, -1)):
            if account.kind not in kinds:
                continue
            kind = _("Write-off") if account.kind == AccountKind.WRITE_OFF else _("Adjustment")
            reason = row.reason or _("No reason")
            label = reason if sign > 0 else _("Taken back: %(reason)s") % {"reason": reason}
            reasons[label] += sign * row.amount_minor
            day = day_of(row, period.zone)
            amount = Money(sign * row.amount_minor, currency)
            name = names.get(client_id, _("Of no service"))  # type: ignore[arg-type]
            rows.append(Row((name, day, service, kind, reason, amount), client_id))
    total = Money(sum(reasons.values()), currency)
    figures = sorted(reasons.items(), key=lambda each: (-each[1], each[0]))
    return Report(
        columns=(
            Column(_("Client")), Column(_("Day")), Column(_("Service")), Column(_("Kind")), Column(_("Reason")),
            Column(_("Amount"), True),
        ),
        rows=tuple(rows),
        total=(_("All"), None, None, None, None, total) if rows else None,
        charts=(
            make_chart(
                _("By reason"), (_("Reason"), _("Amount")),
                [(reason, Money(minor, currency)) for reason, minor in figures],
            ),
        ),
    )  # fmt: skip


def _read_services(viewer: StaffViewer, period: Period, moved: Any) -> tuple[dict[UUID, Of], dict[UUID | None, Of]]:
    """Client and service of each line, and of each entry about an insurer's part."""
    keys = Transfer.objects.filter(pk__in=moved.order_by().values("pk")).exclude(line_id=None).values("line_id")
    lines = lines_of(viewer).filter(pk__in=keys).values_list("id", "client_id", "wording")
    entries = insurer_entries_in(viewer, period).values_list("id", "service__client_id", "service__wording")
    return {key: (client, words) for key, client, words in lines}, {
        key: (client, words) for key, client, words in entries
    }
