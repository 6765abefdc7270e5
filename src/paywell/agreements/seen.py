"""Staff take note of a charge by rule that did not come through."""

from __future__ import annotations

from paywell.accounts.types import Permission, StaffViewer
from paywell.agreements.models import Charge
from paywell.core import clock
from paywell.core.errors import NotAllowed


def mark_charge_seen(*, viewer: StaffViewer, charge: Charge) -> None:
    """The first who takes note stands there."""
    if not viewer.may(Permission.TAKE_PAYMENTS):
        raise NotAllowed
    rows = Charge.objects.filter(practice=viewer.practice, pk=charge.pk, seen_at=None)
    rows.update(seen_at=clock.now(), seen_by=viewer.id)
