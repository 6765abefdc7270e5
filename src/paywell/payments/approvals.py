"""Refunds above the practice's amount: one person asks, another one decides, and only then anything is sent."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from django.db.models import Exists, OuterRef, QuerySet, Sum

from paywell.accounts.types import StaffViewer
from paywell.billing import second_person
from paywell.billing.rules import needs_second_person
from paywell.billing.second_person import Act
from paywell.clients.models import BillingAccount
from paywell.core.db import lock, phase
from paywell.core.money import Money
from paywell.outbox.actions import emit
from paywell.payments import errors
from paywell.payments.models import Attempt, Refund, RefundRequest, RefundState

_GIVEN_UP: Final = (RefundState.FAILED, RefundState.FAILED_LATE)
REFUND: Final = Act(
    RefundRequest, "attempt", "payments", "refund", "refund_request",
    Exists(Refund.objects.filter(practice=OuterRef("practice"), pk=OuterRef("pk"))),
    ("attempt__account", "attempt__contact", "attempt__processor_account"), errors.refund_form_reused,
)  # fmt: skip


def needs_approval(attempt: Attempt, amount: Money) -> bool:
    """Whether this refund, with those of the same payment before it, is above what one person may give back."""
    given = Refund.objects.filter(practice_id=attempt.practice_id, attempt=attempt).exclude(state__in=_GIVEN_UP)
    before = given.aggregate(total=Sum("amount_minor"))["total"] or 0
    return needs_second_person(attempt.practice_id, before + amount.minor)


def is_approved(attempt: Attempt, amount: Money, refund_id: UUID) -> bool:
    """Whether a second person approved exactly this refund, in time."""
    return second_person.has_approval(
        REFUND, attempt.practice_id, attempt=attempt, pk=refund_id, amount_minor=amount.minor
    )


def request_refund(
    *, viewer: StaffViewer, attempt: Attempt, amount: Money, reason: str, request_id: UUID
) -> RefundRequest:
    """Ask for it. The same form again gives the same request. Raises UserError `refund_above_captured`."""
    second_person.refuse_unless_refunding(viewer, attempt.practice_id)
    with phase():
        lock(BillingAccount.objects.filter(attempts__id=attempt.id)).values_list("pk").get()
        before = second_person.find_asked(REFUND, request_id, attempt.id, amount)
        if before is not None:
            return before
        left = Money(attempt.captured_minor - attempt.refunded_minor, attempt.currency)
        if amount.minor > left.minor:
            raise errors.refund_above_captured(left)
        request = second_person.ask(REFUND, viewer, request_id, amount, reason.strip()[:200], attempt=attempt)
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
    return second_person.decide(REFUND, viewer, request, is_approved=is_approved)


def list_open_requests(viewer: StaffViewer) -> QuerySet[RefundRequest]:
    """What waits for a second person: not decided and not expired; or approved, and the refund not made yet."""
    return second_person.list_open(REFUND, viewer)


def list_payment_requests(attempt: Attempt) -> list[RefundRequest]:
    """Every request for a refund of the payment, decided or not, the oldest first. One query."""
    rows = RefundRequest.objects.filter(practice_id=attempt.practice_id, attempt=attempt)
    return list(rows.select_related("requested_by").order_by("requested_at", "id"))


def get_stage(request: RefundRequest) -> str:
    """Where a request stands, see `second_person.get_stage`."""
    return second_person.get_stage(REFUND, request)


def access_request(viewer: StaffViewer, request_id: UUID) -> RefundRequest:
    """One of the practice's, for whoever may refund. Raises NotFoundForViewer, with a security log line."""
    return second_person.access(REFUND, viewer, request_id)
