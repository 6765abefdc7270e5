"""What the last invoices by rule left out and still waits for a person."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from paywell.accounts.models import Role
from paywell.accounts.types import Permission, StaffViewer
from paywell.billing.invoice_runs import INVOICES
from paywell.care.models import Service
from paywell.desk.types import LeftOut
from paywell.invoicing.models import InvoiceLine
from paywell.work.models import ItemState, Work, WorkItem

#: Named in the inbox; the work's own page has all of them.
MOST: Final = 200


def get_left_out(viewer: StaffViewer) -> LeftOut | None:
    """Accounts that are to be invoiced by hand since a rule would not: $400 above an estimate, for instance.

    None where nothing waits, or the viewer can't act. At most four queries, one where no rule ran.
    """
    if not viewer.may(Permission.ISSUE_INVOICES) or viewer.role is Role.CLINICIAN:
        return None
    works = Work.objects.filter(practice_id=viewer.practice.id, kind=INVOICES, requested_by=None)
    last = works.order_by("-created_at").values_list("id", flat=True).first()
    if last is None:
        return None
    items = list(
        WorkItem.objects.filter(
            practice_id=viewer.practice.id, work=last, state__in=(ItemState.SKIPPED, ItemState.FAILED)
        ).order_by("position")[:MOST]
    )
    names = tuple(item.label for item in _find_waiting(viewer, items)) if items else ()
    return LeftOut(last, names) if names else None


def _find_waiting(viewer: StaffViewer, items: list[WorkItem]) -> list[WorkItem]:
    """Those of which at least one service, not voided, is on no invoice of that account."""
    ids = {UUID(service) for item in items for service in item.data["services"]}
    kept = set(
        Service.objects.filter(practice=viewer.practice, id__in=ids, voided_at=None).values_list("id", flat=True)
    )
    invoiced = set(
        InvoiceLine.objects.filter(practice=viewer.practice, service__in=ids, voided_at=None).values_list(
            "service_id", "account_id"
        )
    )
    return [
        item
        for item in items
        if any((each, item.subject_id) not in invoiced for each in map(UUID, item.data["services"]) if each in kept)
    ]
