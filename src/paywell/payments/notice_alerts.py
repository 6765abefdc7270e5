"""Whether notices still arrive. Nothing depends on them, but without them news is late, and there is a reason:
a secret that was changed on one side only, a clock that is wrong, an address that is no longer reached."""

from __future__ import annotations

from datetime import timedelta
from typing import Final
from urllib.parse import urlsplit

from django.db.models import F

from paywell.core import clock, http
from paywell.core.db import phase
from paywell.core.money import Money
from paywell.core.prepared import Prepared
from paywell.payments.models import Attempt, AttemptState, ProcessorAccount
from paywell.payments.reviews import open_review
from paywell.processors.contract import Capability, Processor

#: So many in a row that could not be verified.
REFUSED_MAX: Final = 3
#: A payment was made that long ago, and no notice came since.
SILENCE: Final = timedelta(hours=1)
#: Signatures are good for five minutes on either side.
SKEW_MAX: Final = timedelta(minutes=2)

_LAST_PAID = Prepared(
    lambda account, since, until: Attempt.objects.filter(
        processor_account_id=account, state=AttemptState.SUCCEEDED, rebuilt_at=None,
        closed_at__lt=until, closed_at__gt=since,
    ).order_by("-closed_at").values_list("submitted_at", "created_at")[:1]
)  # fmt: skip


def count_refused(account: ProcessorAccount, reason: str) -> None:
    """One more notice that was not believed. Counts no further than the alert: strangers can send them, too."""
    counting = ProcessorAccount.objects.filter(pk=account.pk, notices_refused__lt=REFUSED_MAX)
    if not counting.update(notices_refused=F("notices_refused") + 1):
        return
    if ProcessorAccount.objects.filter(pk=account.pk, notices_refused__gte=REFUSED_MAX).exists():
        _alert(account, "notices_refused", detail=reason)


def count_taken(account: ProcessorAccount) -> None:
    """A notice was verified: those before it that were not are forgotten."""
    ProcessorAccount.objects.filter(pk=account.pk).update(notices_refused=0, noticed_at=clock.now())


def check_silence(account: ProcessorAccount, processor: Processor) -> bool:
    """Open a review where payments were made and no notice came. Once for each silence. Whether it is silent."""
    if Capability.NOTICES not in processor.capabilities or not account.is_active:
        return False
    now = clock.now()
    last = _LAST_PAID.first(account=account.id, until=now - SILENCE, since=now - SILENCE - timedelta(days=1))
    if last is None:
        return False
    began = last[0] or last[1]
    # A minute's grace: the processor may ring before our own transaction is over.
    if account.noticed_at is not None and account.noticed_at >= began - timedelta(minutes=1):
        return False
    since = account.noticed_at.isoformat() if account.noticed_at else "ever"
    _alert(account, "notices_silent", about=since, detail="payments were made, and no notice came for an hour")
    return True


def check_clocks(account: ProcessorAccount) -> bool:
    """Open a review where the processor's last answer shows that a clock is wrong. Whether one is."""
    host = urlsplit(str(account.settings.get("base_url", ""))).hostname or ""
    skews = [skew for name, skew in http.list_skews() if not host or name == host]
    wrong = next((skew for skew in skews if abs(skew) > SKEW_MAX), None)
    if wrong is None:
        return False
    seconds = round(wrong.total_seconds())
    _alert(account, "clock_differs", detail=f"the processor's clock is {seconds} s ahead of ours")
    return True


def _alert(account: ProcessorAccount, kind: str, *, about: str = "", detail: str) -> None:
    """A review a day for each reason, at most."""
    with phase():
        open_review(
            practice_id=account.practice_id,
            kind=kind,
            about=f"{account.id}:{about or clock.now().date().isoformat()}",
            money=Money(0),
            processor_account_id=account.id,
            detail=detail,
        )
