"""Above the practice's amount one person asks and another decides: refunds, pay-outs, payments taken back alike.

Each of them says what it is by an `Act`; deciding does nothing yet, the act itself asks for the approval.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final, Generic, TypeVar
from uuid import UUID

from django.db.models import Exists, Q, QuerySet

from paywell.accounts.models import Role
from paywell.accounts.types import Permission, StaffViewer
from paywell.audit.actions import record
from paywell.billing import errors
from paywell.billing.models import SecondPersonRequest
from paywell.core import clock
from paywell.core.db import lock, phase
from paywell.core.errors import NotAllowed, NotFoundForViewer, UserError
from paywell.core.money import Money
from paywell.core.security_log import access_refused

#: After it nobody's word does anything of the request any more; it can be asked for again.
VALID: Final = timedelta(days=7)

Request = TypeVar("Request", bound=SecondPersonRequest)


@dataclass(frozen=True, slots=True)
class Act(Generic[Request]):
    """One thing that needs two people."""

    model: type[Request]
    about: str  #: the field that names what it is about
    room: str  #: in the audit trail: `billing.request_pay_out`
    word: str
    target_kind: str
    is_done: Exists | Q  #: which requests came to what they asked for
    along: tuple[str, ...]  #: fetched with a request
    form_reused: Callable[[], UserError]


def refuse_unless_refunding(viewer: StaffViewer, practice_id: UUID) -> None:
    """All that needs two people needs the right to refund. Raises NotAllowed, NotFoundForViewer."""
    if not viewer.may(Permission.REFUND):
        raise NotAllowed
    if practice_id != viewer.practice.id:
        raise NotFoundForViewer


def find_asked(act: Act[Request], request_id: UUID, about_id: UUID, amount: Money) -> Request | None:
    """What the same form asked for before. Raises the act's `form_reused` if the form says something else now."""
    before = act.model._default_manager.filter(pk=request_id).first()
    if before is not None and (getattr(before, f"{act.about}_id"), before.amount_minor) != (about_id, amount.minor):
        raise act.form_reused()
    return before


def ask(
    act: Act[Request], viewer: StaffViewer, request_id: UUID, amount: Money, reason: str, **fields: Any
) -> Request:
    """Write the request down. Inside the caller's transaction, which holds the account."""
    now = clock.now()
    row = act.model._default_manager.create(
        id=request_id, practice=viewer.practice, amount_minor=amount.minor, currency=amount.currency, reason=reason,
        requested_by_id=viewer.id, requested_at=now, expires_at=now + VALID, **fields,
    )  # fmt: skip
    _tell(act, row, viewer, "request")
    return row


def decide(act: Act[Request], viewer: StaffViewer, request: Request, *, is_approved: bool) -> Request:
    """Another person's word; the same word twice is one. Whoever asked may only take it back (`is_approved` False).

    Raises NotAllowed, NotFoundForViewer, UserError `own_request`, `request_over`.
    """
    refuse_unless_refunding(viewer, viewer.practice.id)
    with phase():
        row = lock(act.model._default_manager.filter(practice=viewer.practice, pk=request.pk)).first()
        if row is None:
            raise NotFoundForViewer
        if row.is_approved is is_approved:
            return row
        if row.is_approved is not None or row.expires_at <= clock.now():
            raise errors.request_over()
        if is_approved and row.requested_by_id == viewer.id:
            raise errors.own_request()
        row.is_approved, row.decided_by_id, row.decided_at = is_approved, viewer.id, clock.now()
        row.save(update_fields=["is_approved", "decided_by", "decided_at"])
        _tell(act, row, viewer, "approve" if is_approved else "decline")
    return row


def has_approval(act: Act[Request], practice_id: UUID, **exactly: Any) -> bool:
    """Whether a second person approved exactly this, in time."""
    rows = act.model._default_manager.filter(practice_id=practice_id, is_approved=True, expires_at__gt=clock.now())
    return rows.filter(**exactly).exists()


def list_open(act: Act[Request], viewer: StaffViewer) -> QuerySet[Request]:
    """What waits for a second person: not decided and not expired; or approved, and not done yet."""
    rows = act.model._default_manager.filter(practice=viewer.practice, expires_at__gt=clock.now())
    rows = rows.filter(Q(is_approved=None) | Q(is_approved=True) & ~Q(act.is_done))
    return rows.select_related(*act.along, "requested_by").order_by("requested_at", "id")


def get_stage(act: Act[Request], request: Request) -> str:
    """Where a request stands: "made" once it was done, "declined", "over" after its week, else "open"."""
    if act.model._default_manager.filter(act.is_done, practice=request.practice_id, pk=request.pk).exists():
        return "made"
    if request.is_approved is False:
        return "declined"
    return "over" if request.expires_at <= clock.now() else "open"


def access(act: Act[Request], viewer: StaffViewer, request_id: UUID) -> Request:
    """One of the practice's, for whoever may refund. Raises NotFoundForViewer, with a security log line."""
    rows = act.model._default_manager.filter(practice=viewer.practice, id=request_id)
    row = rows.select_related(*act.along, "requested_by", "decided_by").first()
    if row is None or not viewer.may(Permission.REFUND) or viewer.role is Role.CLINICIAN:
        access_refused(viewer=viewer, kind=act.target_kind, target=request_id, reason="not theirs")
        raise NotFoundForViewer
    return row


def _tell(act: Act[Request], row: Request, viewer: StaffViewer, verb: str) -> None:
    record(
        practice_id=row.practice_id, actor_id=viewer.id, action=f"{act.room}.{verb}_{act.word}",
        target_kind=act.target_kind, target_id=row.pk,
    )  # fmt: skip
