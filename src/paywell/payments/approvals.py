"""Refunds above the practice's amount: one person asks, another one decides, and only then anything is sent."""

from __future__ import annotations

from datetime import timedelta
from typing import Final
from uuid import UUID

from django.db.models import Exists, OuterRef, Q, QuerySet, Sum

from paywell.accounts.types import Permission, StaffViewer
from paywell.audit.actions import record
from paywell.billing.rules import needs_second_person
from paywell.clients.models import BillingAccount
from paywell.core import clock
from paywell.core.db import lock, phase
from paywell.core.errors import NotAllowed, NotFoundForViewer, UserError
from paywell.core.money import Money
from paywell.core.security_log import access_refused
from paywell.outbox.actions import emit
from paywell.payments import errors
from paywell.payments.models import Attempt, Refund, RefundRequest, RefundState

#: After it nobody's word makes a refund of the request any more; it can be asked for again.
VALID: Final = timedelta(days=7)
_GIVEN_UP: Final = (RefundState.FAILED, RefundState.FAILED_LATE)


def needs_approval(attempt: Attempt, amount: Money) -> bool:
    """Whether this refund, with those of the same payment before it, is above what one person may give back."""
    given = Refund.objects.filter(practice_id=attempt.practice_id, attempt=attempt).exclude(state__in=_GIVEN_UP)
    before = given.aggregate(total=Sum("amount_minor"))["total"] or 0
    return needs_second_person(attempt.practice_id, before + amount.minor)


def is_approved(attempt: Attempt, amount: Money, refund_id: UUID) -> bool:
    """Whether a second person approved exactly this refund, in time."""
    return RefundRequest.objects.filter(
        practice_id=attempt.practice_id, attempt=attempt, pk=refund_id, amount_minor=amount.minor, is_approved=True,
        expires_at__gt=clock.now(),
    ).exists()  # fmt: skip


def request_refund(
    *, viewer: StaffViewer, attempt: Attempt, amount: Money, reason: str, request_id: UUID
) -> RefundRequest:
    """Ask for it. The same form again gives the same request. Raises UserError `refund_above_captured`."""
    if not viewer.may(Permission.REFUND):
        raise NotAllowed
    if attempt.practice_id != viewer.practice.id:
        raise NotFoundForViewer
    now = clock.now()
    with phase():
        lock(BillingAccount.objects.filter(attempts__id=attempt.id)).values_list("pk").get()
        before = RefundRequest.objects.filter(pk=request_id).first()
        if before is not None:
            if (before.attempt_id, before.amount_minor) != (attempt.id, amount.minor):
                raise errors.refund_form_reused()
            return before
        if amount.minor > attempt.captured_minor - attempt.refunded_minor:
            raise errors.refund_above_captured(
                Money(attempt.captured_minor - attempt.refunded_minor, attempt.currency)
            )
        request = RefundRequest.objects.create(
            id=request_id,
            practice=viewer.practice,
            attempt=attempt,
            amount_minor=amount.minor,
            currency=amount.currency,
            reason=reason.strip()[:200],
            requested_by_id=viewer.id,
            requested_at=now,
            expires_at=now + VALID,
        )
        _tell(request, viewer, "payments.request_refund")
        emit(
            practice_id=viewer.practice.id,
            kind="payments.refund_requested",
            dedupe=f"refund_requested:{request.id}",
            payload={"request_id": str(request.id)},
        )
    return request


def decide_request(*, viewer: StaffViewer, request: RefundRequest, is_approved: bool) -> RefundRequest:
    """Another person's word. Whoever asked may only take it back (`is_approved` False).

    Approving sends nothing yet: `refund_payment` with the request's id does. Raises UserError `own_request`,
    `request_over`.
    """
    if not viewer.may(Permission.REFUND):
        raise NotAllowed
    with phase():
        row = lock(RefundRequest.objects.filter(practice=viewer.practice, pk=request.pk)).first()
        if row is None:
            raise NotFoundForViewer
        if row.is_approved is not None:
            if row.is_approved is is_approved:
                return row
            raise _over()
        if row.expires_at <= clock.now():
            raise _over()
        if is_approved and row.requested_by_id == viewer.id:
            raise UserError("Somebody else has to approve it. You asked for it.", code="own_request")
        row.is_approved, row.decided_by_id, row.decided_at = is_approved, viewer.id, clock.now()
        row.save(update_fields=["is_approved", "decided_by", "decided_at"])
        _tell(row, viewer, "payments.approve_refund" if is_approved else "payments.decline_refund")
    return row


def list_open_requests(viewer: StaffViewer) -> QuerySet[RefundRequest]:
    """What waits for a second person: not decided and not expired; or approved, and the refund not made yet."""
    rows = RefundRequest.objects.filter(practice=viewer.practice, expires_at__gt=clock.now())
    made = Exists(Refund.objects.filter(practice=viewer.practice, pk=OuterRef("pk")))
    rows = rows.filter(Q(is_approved=None) | Q(is_approved=True) & ~Q(made))
    return rows.select_related("attempt__account", "attempt__contact", "requested_by").order_by(
        "requested_at", "id"
    )


def list_payment_requests(attempt: Attempt) -> list[RefundRequest]:
    """Every request for a refund of the payment, decided or not, the oldest first. One query."""
    rows = RefundRequest.objects.filter(practice_id=attempt.practice_id, attempt=attempt)
    return list(rows.select_related("requested_by").order_by("requested_at", "id"))


def get_stage(request: RefundRequest) -> str:
    """Where a request stands: "made" once its refund exists, "declined", "over" after its week, else "open"."""
    if Refund.objects.filter(practice_id=request.practice_id, pk=request.pk).exists():
        return "made"
    if request.is_approved is False:
        return "declined"
    return "over" if request.expires_at <= clock.now() else "open"


def access_request(viewer: StaffViewer, request_id: UUID) -> RefundRequest:
    """One of the practice's, for whoever may refund. Raises NotFoundForViewer, with a security log line."""
    row = (
        RefundRequest.objects.filter(practice=viewer.practice, id=request_id)
        .select_related("attempt__account", "attempt__contact", "attempt__processor_account", "requested_by")
        .first()
    )
    if row is None or not viewer.may(Permission.REFUND):
        access_refused(viewer=viewer, kind="refund request", target=request_id, reason="not theirs")
        raise NotFoundForViewer
    return row


def _over() -> UserError:
    return UserError("This was decided already, or its week is over. Ask for it again.", code="request_over")


def _tell(row: RefundRequest, viewer: StaffViewer, action: str) -> None:
    record(
        practice_id=row.practice_id,
        actor_id=viewer.id,
        action=action,
        target_kind="refund_request",
        target_id=row.id,
    )
