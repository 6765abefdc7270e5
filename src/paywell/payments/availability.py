"""Whether a viewer can pay online now. Three switches must be on, and the viewer needs the right to pay."""

from __future__ import annotations

from paywell.accounts.types import Permission, StaffViewer
from paywell.core.closing import get_closing
from paywell.core.errors import NotAllowed, UserError
from paywell.core.prepared import Prepared
from paywell.payments.models import ProcessorAccount
from paywell.payments.payer import Payer
from paywell.payments.types import Availability, Closed
from paywell.practice.actions import set_payments_allowed
from paywell.practice.models import Practice
from paywell.processors.registry import CONNECTORS

_CONNECTED = Prepared(
    lambda practice: ProcessorAccount.objects.filter(practice_id=practice, is_active=True).values_list(
        "id", "connector"
    )
)


def get_availability(viewer: Payer) -> Availability:
    """The switches in this order: pause, processor, organization, client, right. The first that is off is named.

    The client's switch and the right count for all clients of the open account together: as long as one of them
    can be paid for, the page opens, and the rows of the others can't be ticked. One query.
    """
    if get_closing() is not None:
        return Availability(Closed.PAUSED)
    connected = _CONNECTED.first(practice=viewer.practice.id)
    if connected is None or connected[1] not in CONNECTORS:
        return Availability(Closed.NO_PROCESSOR)
    if not viewer.practice.payments_allowed:
        return Availability(Closed.PRACTICE_SWITCH)
    if not any(right.payments_allowed for right in viewer.rights):
        return Availability(Closed.CLIENT_SWITCH)
    if not viewer.payable_client_ids:
        return Availability(Closed.NO_RIGHT)
    return Availability(None, CONNECTORS[connected[1]].style, connected[0])


def has_processor(practice: Practice) -> bool:
    """Whether a processor takes the practice's new payments. Without one the switch is greyed out."""
    return ProcessorAccount.objects.filter(practice=practice, is_active=True).exists()


def allow_payments(viewer: StaffViewer, allowed: bool) -> Practice:
    """Turn **Allow Payments Through Client Portal** on or off.

    Raises NotAllowed without the permission to change settings, and UserError `no_processor` when it is turned on
    before a processor is connected.
    """
    if not viewer.may(Permission.CHANGE_SETTINGS):
        raise NotAllowed
    if allowed and not has_processor(viewer.practice):
        raise UserError("Connect a processor first. Then clients can pay online.", code="no_processor")
    return set_payments_allowed(practice=viewer.practice, allowed=allowed, actor_id=viewer.id)
