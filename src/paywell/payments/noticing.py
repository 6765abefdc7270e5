"""Acting on stored notices. What they say is not believed: the charge they name is looked up."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import Final
from uuid import UUID

from django.db.models import F, Q

from paywell.core import clock
from paywell.core.errors import UserError
from paywell.core.money import Money
from paywell.core.prepared import Prepared
from paywell.payments import processor_accounts
from paywell.payments.models import Attempt, StoredNotice
from paywell.payments.orders import ask_about, charge_order
from paywell.payments.reviews import open_review
from paywell.payments.settle import settle
from paywell.processors.contract import Outcome, Verdict

_log = logging.getLogger("paywell.payments.notices")

#: A notice about a charge that we don't know by then lands before a person.
UNKNOWN_CHARGE_AFTER: Final = timedelta(minutes=15)
#: A notice whose own job should have run by now is taken up by the reconciler.
_LATE_AFTER: Final = timedelta(minutes=1)
_MAX_TRIES: Final = 20

_NOTICE = Prepared(lambda notice: StoredNotice.objects.select_related("processor_account").filter(id=notice))
_NAMED = Prepared(
    lambda practice, account, references, charge_refs: Attempt.objects.filter(
        Q(reference__in=references) | Q(processor_ref__in=charge_refs),
        practice_id=practice,
        processor_account_id=account,
    ).order_by("id")[:1]
)


def settle_stored_notice(notice_id: UUID) -> None:
    """Look up the notice's charge and settle it, then mark the notice done: after the effect, never before.

    A notice of a refund may name the charge by another name than ours; the processor knows whose it is.
    """
    notice = _NOTICE.first(notice=notice_id)
    if notice is None:
        raise StoredNotice.DoesNotExist
    if notice.done_at is not None:
        return
    attempt = _find_attempt(notice)
    if attempt is None and notice.charge_ref:
        told = _ask_whose(notice)
        attempt = _find_named(notice, told.reference) if told.reference else None
        if attempt is None and told.processor_ref and not told.reference:
            # A charge that no program of ours made: the account serves others, too.
            StoredNotice.objects.filter(pk=notice_id).update(done_at=clock.now())
            return
    if attempt is not None:
        # Waiting for a charge to become known is no try: two workers would use them up before the wait is over.
        StoredNotice.objects.filter(pk=notice_id).update(tries=F("tries") + 1)
        processor = processor_accounts.make_processor(notice.processor_account)
        settle(attempt_id=attempt.id, truth=processor.look_up(charge_order(attempt)), cause="notice")
    elif not _is_unknown_for_good(notice):
        return
    StoredNotice.objects.filter(pk=notice_id).update(done_at=clock.now())


def settle_due_notices(limit: int = 50) -> int:
    """Notices that were stored and not acted on. Returns how many were tried."""
    before = clock.now() - _LATE_AFTER
    due = StoredNotice.objects.filter(done_at=None, received_at__lte=before, tries__lt=_MAX_TRIES)
    ids = list(due.order_by("received_at").values_list("id", flat=True)[:limit])
    for notice_id in ids:
        try:
            settle_stored_notice(notice_id)
        except Exception:
            _log.exception("notice %s could not be settled; it is tried again", notice_id)
    return len(ids)


def _find_attempt(notice: StoredNotice) -> Attempt | None:
    return _find_named(notice, notice.reference, notice.charge_ref)


def _ask_whose(notice: StoredNotice) -> Outcome:
    """What the processor tells of the charge that the notice names."""
    try:
        processor = processor_accounts.make_processor(notice.processor_account)
    except (UserError, LookupError):  # not allowed here any more, or a setting is missing
        return Outcome(Verdict.UNKNOWN)
    return processor.look_up(ask_about(notice.charge_ref))


def _find_named(notice: StoredNotice, reference: str, charge_ref: str = "") -> Attempt | None:
    """By our name or by theirs; a blank one names nobody."""
    return _NAMED.first(
        practice=notice.practice_id,
        account=notice.processor_account_id,
        references=[reference] if reference else [],
        charge_refs=[charge_ref] if charge_ref else [],
    )


def _is_unknown_for_good(notice: StoredNotice) -> bool:
    """Whether its charge has had time to become known; then a person hears of it. The sweep finds its money."""
    if not notice.charge_ref and not notice.reference:
        return True
    if clock.now() - notice.received_at < UNKNOWN_CHARGE_AFTER:
        return False
    open_review(
        practice_id=notice.practice_id,
        kind="notice_of_unknown_charge",
        about=f"{notice.processor_account_id}:{notice.charge_ref or notice.reference}",
        money=Money(0, "USD"),
        processor_account_id=notice.processor_account_id,
        detail=f"notice {notice.event_id}"[:300],
    )
    return True
