"""A payment by hand above the practice's amount is taken back by two people: money that was noted is gone by it.

A client's payment and an insurer's alike.
"""

from __future__ import annotations

from uuid import UUID

from django.db.models import QuerySet

from paywell.accounts.types import StaffViewer
from paywell.billing import errors, second_person
from paywell.billing.entries import one_line, reverse_entry
from paywell.billing.limits import TAKE_BACK
from paywell.billing.models import Entry, TakeBackRequest
from paywell.clients.models import BillingAccount
from paywell.core import clock
from paywell.core.db import lock, phase
from paywell.core.ids import new_id
from paywell.core.money import Money


def request_take_back(*, viewer: StaffViewer, entry: Entry, reason: str) -> TakeBackRequest:
    """Ask for it. While one request for the entry is open, asking again gives that one.

    Raises NotAllowed, NotFoundForViewer, UserError `reason_missing`, `already_reversed`.
    """
    second_person.refuse_unless_refunding(viewer, entry.practice_id)
    reason = one_line(reason, 200)
    if not reason:
        raise errors.reason_missing()
    with phase():
        lock(BillingAccount.objects.filter(practice=viewer.practice, pk=entry.account_id)).values_list("pk").get()
        row = Entry.objects.get(practice=viewer.practice, pk=entry.pk)
        if row.reversed_at is not None:
            raise errors.already_reversed()
        waiting = TakeBackRequest.objects.filter(practice=viewer.practice, entry=row, expires_at__gt=clock.now())
        before = waiting.exclude(is_approved=False).first()
        if before is not None:
            return before
        return second_person.ask(
            TAKE_BACK, viewer, new_id(), Money(row.amount_minor, row.currency), reason, entry=row
        )


def decide_take_back(*, viewer: StaffViewer, request: TakeBackRequest, is_approved: bool) -> Entry | None:
    """Another person's word; once approved, the entry is taken back. None where it was declined.

    Whoever asked may only withdraw it. Raises UserError `own_request`, `request_over`; and what `reverse_entry`
    does (credit that was used meanwhile): then it stays approved, and counts while its week lasts.
    """
    row = second_person.decide(TAKE_BACK, viewer, request, is_approved=is_approved)
    if not is_approved:
        return None
    entry = Entry.objects.get(practice=viewer.practice, pk=row.entry_id)
    if entry.reversed_at is not None:
        return entry
    return reverse_entry(viewer=viewer, entry=entry, reason=row.reason)


def list_open_take_backs(viewer: StaffViewer) -> QuerySet[TakeBackRequest]:
    """What waits for a second person: neither decided nor expired, nor done."""
    return second_person.list_open(TAKE_BACK, viewer)


def get_take_back_stage(request: TakeBackRequest) -> str:
    """Where a request stands, see `second_person.get_stage`."""
    return second_person.get_stage(TAKE_BACK, request)


def access_take_back(viewer: StaffViewer, take_back_id: UUID) -> TakeBackRequest:
    """One of the practice's, for whoever may refund. Raises NotFoundForViewer, with a security log line."""
    return second_person.access(TAKE_BACK, viewer, take_back_id)
