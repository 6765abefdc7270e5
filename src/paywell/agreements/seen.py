"""Staff take note of what happened without them: a charge that did not come through, a payer who stopped."""

from __future__ import annotations

from paywell.accounts.types import Permission, StaffViewer
from paywell.agreements.models import Agreement, Charge
from paywell.audit.actions import record
from paywell.core import clock
from paywell.core.db import phase
from paywell.core.errors import NotAllowed


def mark_charge_seen(*, viewer: StaffViewer, charge: Charge) -> None:
    """The first who takes note stands there."""
    if not viewer.may(Permission.TAKE_PAYMENTS):
        raise NotAllowed
    rows = Charge.objects.filter(practice=viewer.practice, pk=charge.pk, seen_at=None)
    rows.update(seen_at=clock.now(), seen_by=viewer.id)


def mark_stop_seen(*, viewer: StaffViewer, agreement: Agreement) -> None:
    """Staff know that the payer held or ended it. Who took note stands in the audit trail, the first alone."""
    if not viewer.may(Permission.TAKE_PAYMENTS):
        raise NotAllowed
    rows = Agreement.objects.filter(practice=viewer.practice, pk=agreement.pk, stopped_at__isnull=False)
    with phase():
        if rows.update(stopped_at=None):
            record(
                practice_id=viewer.practice.id, actor_id=viewer.id, action="agreements.see_stop",
                target_kind="agreement", target_id=agreement.id, detail={"kind": agreement.kind},
            )  # fmt: skip
