"""What was given up of what clients and insurers owed, with the reason."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Final
from uuid import UUID

from django.db.models import Q, QuerySet, Sum
from django.db.models.functions import Coalesce
from django.utils.translation import gettext as _

from paywell.accounts.types import StaffViewer
from paywell.clients.access import clients_of
from paywell.core.money import Money
from paywell.ledger.models import AccountKind, Transfer
from paywell.reports.movements import (
    accounts_of,
    counted_on,
    day_of,
    entry_of,
    insurer_entries_in,
    is_narrowed,
    lines_of,
    touching,
    transfers_of,
)
from paywell.reports.types import Column, Period, Report, Row, Rows, make_chart

Of = tuple[UUID, str]  #: client, service


KINDS: Final = (AccountKind.WRITE_OFF, AccountKind.ADJUSTMENT)


def report_write_offs(viewer: StaffViewer, period: Period) -> Report:
    """Write-offs and adjustments, the latest first; what was taken back stands below zero. Seven queries.

    The sums are the database's; the rows of a page alone are read whole.
    """
    kinds = accounts_of(viewer, *KINDS)
    entries = _read_entries(viewer, period)
    moved = transfers_of(viewer, start=period.start, end=period.end).filter(touching(kinds))
    if is_narrowed(viewer):
        own = [f"{name}:{key}" for key in entries for name in ("entry", "entry_reversed")]
        moved = moved.filter(Q(line_id__in=lines_of(viewer).values("id")) | Q(line_id=None, source__in=own))
    currency = viewer.practice.currency
    reasons = _sum_reasons(moved, kinds)
    total = Money(sum(reasons.values()), currency)
    figures = sorted(reasons.items(), key=lambda each: (-each[1], each[0]))
    keys = list(moved.order_by(counted_on(period.zone).desc(), "-at", "-id").values_list("id", flat=True))
    return Report(
        columns=(
            Column(_("Client")), Column(_("Day")), Column(_("Service")), Column(_("Kind")), Column(_("Reason")),
            Column(_("Amount"), True),
        ),
        rows=Rows(keys, lambda some: _make_rows(viewer, period, some, entries)),
        total=(_("All"), None, None, None, None, total) if keys else None,
        charts=(
            make_chart(
                _("By reason"), (_("Reason"), _("Amount")),
                [(reason, Money(minor, currency)) for reason, minor in figures],
            ),
        ),
    )  # fmt: skip


def _sum_reasons(moved: QuerySet[Transfer], kinds: Collection[UUID]) -> dict[str, int]:
    """What was given up for each reason, and what was taken back for each. One query."""
    given, back = (
        Coalesce(Sum("amount_minor", filter=Q(**{f"{side}_id__in": kinds})), 0) for side in ("debit", "credit")
    )
    sums: dict[str, int] = {}
    for reason, plus, minus in moved.order_by().values_list("reason").annotate(plus=given, minus=back):
        words = reason or _("No reason")
        for label, minor in ((words, plus), (_("Taken back: %(reason)s") % {"reason": words}, -minus)):
            if minor:
                sums[label] = sums.get(label, 0) + minor
    return sums


def _make_rows(
    viewer: StaffViewer, period: Period, keys: Sequence[UUID], entries: Mapping[UUID | None, Of]
) -> list[Row]:
    """The rows of these transfers, in their order. Three queries."""
    found = Transfer.objects.filter(practice_id=viewer.practice.id).select_related("debit", "credit").in_bulk(keys)
    transfers = [found[key] for key in keys]
    rows = lines_of(viewer).filter(pk__in=[row.line_id for row in transfers if row.line_id])
    lines: dict[UUID, Of] = {key: (of, words) for key, of, words in rows.values_list("id", "client_id", "wording")}
    services = [lines.get(row.line_id) if row.line_id else entries.get(entry_of(row.source)) for row in transfers]
    names = {
        client.id: client.name for client in clients_of(viewer).filter(pk__in={of[0] for of in services if of})
    }
    return [
        _make_row(row, of, names, period.zone, viewer.practice.currency)
        for row, of in zip(transfers, services, strict=True)
    ]


def _make_row(row: Transfer, of: Of | None, names: Mapping[UUID, str], zone: str, currency: str) -> Row:
    client_id, service = of or (None, "")
    name = names.get(client_id) if client_id else None
    is_given = row.debit.kind in KINDS
    is_write_off = AccountKind.WRITE_OFF in (row.debit.kind, row.credit.kind)
    return Row(
        (
            name or _("Of no service"), day_of(row, zone), service,
            _("Write-off") if is_write_off else _("Adjustment"), row.reason or _("No reason"),
            Money(row.amount_minor if is_given else -row.amount_minor, currency),
        ),
        client_id,
    )  # fmt: skip


def _read_entries(viewer: StaffViewer, period: Period) -> dict[UUID | None, Of]:
    """Client and service of each entry about an insurer's part. One query."""
    rows = insurer_entries_in(viewer, period).values_list("id", "service__client_id", "service__wording")
    return {key: (client, words) for key, client, words in rows}
