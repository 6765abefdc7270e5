"""An attempt after it was started: the payer comes back, somebody looks, somebody cancels."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from django.db import OperationalError
from django.db.models import Q

from paywell.accounts.types import Permission, StaffViewer
from paywell.core import clock
from paywell.core.db import is_busy
from paywell.core.errors import NotAllowed, NotFoundForViewer
from paywell.core.security_log import access_refused
from paywell.payments import errors, machine, processor_accounts
from paywell.payments.models import Attempt, AttemptState
from paywell.payments.orders import charge_order, is_return_signature
from paywell.payments.payer import Payer
from paywell.payments.schedule import READ_PAUSE
from paywell.payments.settle import Answer, settle, settle_answers
from paywell.processors.contract import Verdict

_LOOKED_UP: Final = machine.OPEN - {AttemptState.CREATED}


def return_from_processor(*, attempt_id: UUID, signature: str) -> Attempt:
    """The payer's browser is back from step 2. Works without a session, and is only a hint: look soon.

    The first return is stored; another one, whoever makes it, changes nothing. Raises NotFoundForViewer for a
    signature that is not this attempt's.
    """
    attempt = Attempt.objects.select_related("pay_link").filter(pk=attempt_id).first()
    if attempt is None or not is_return_signature(attempt, signature):
        access_refused(viewer="anonymous", kind="return", target=attempt_id, reason="wrong signature")
        raise NotFoundForViewer
    now = clock.now()
    first = Attempt.objects.filter(pk=attempt_id, returned_at=None, state__in=machine.OPEN)
    if first.update(returned_at=now, next_check_at=now):
        # Whoever looked a moment ago did so before the payer's answer: the page that follows may look at once.
        Attempt.objects.filter(pk=attempt_id, state=AttemptState.AWAITING_ACTION).update(lease_until=None)
        from paywell.payments.jobs import look_up

        look_up.enqueue(str(attempt_id))
    return attempt


def check_attempt(*, attempt: Attempt, cause: str = "read") -> Attempt:
    """Look up the truth of an open attempt because somebody wants to know. Returns it as it stands then.

    Nothing is asked while a worker owns the call, nor twice within READ_PAUSE: then it comes back as it is.
    """
    if attempt.state not in _LOOKED_UP:
        return attempt
    try:
        if not _take_turn(attempt):
            return attempt
        processor = processor_accounts.make_processor(attempt.processor_account)
        return settle(attempt_id=attempt.id, truth=processor.look_up(charge_order(attempt)), cause=cause)
    except OperationalError as error:
        if not is_busy(error):
            raise
        return attempt  # somebody else is at work on it; the page asks again


def cancel_attempt(*, viewer: Payer | StaffViewer, attempt: Attempt) -> Attempt:
    """Fence the attempt at the processor, then settle: canceled, or what happened instead.

    A payer may while only they could go on with it, staff while it is open. Raises UserError `too_late`.
    """
    if attempt.practice_id != viewer.practice.id:
        raise NotFoundForViewer
    if not isinstance(viewer, StaffViewer):
        if attempt.account_id != viewer.account.id:
            raise NotFoundForViewer
        may = attempt.state in machine.REPLACEABLE
    else:
        if not viewer.may(Permission.TAKE_PAYMENTS):
            raise NotAllowed
        may = attempt.state in machine.OPEN
    if not may:
        raise errors.too_late_to_cancel()
    return fence(attempt=attempt, cause="cancel")


def fence(*, attempt: Attempt, cause: str) -> Attempt:
    """See to it that the charge can no longer take money, or learn that it did. Settles either way."""
    processor = processor_accounts.make_processor(attempt.processor_account)
    order = charge_order(attempt)
    answers = [Answer(processor.cancel(order), cause)]
    if answers[0].outcome.verdict is not Verdict.CANCELED:
        answers.append(Answer(processor.look_up(order), "confirm"))
    return settle_answers(attempt_id=attempt.id, answers=answers)


def _take_turn(attempt: Attempt) -> bool:
    """One look-up at a time: a short lease, taken in one statement that works on both databases."""
    now = clock.now()
    free = Q(lease_until=None) | Q(lease_until__lte=now)
    return bool(Attempt.objects.filter(free, pk=attempt.pk).update(lease_until=now + READ_PAUSE))
