"""When open attempts and refunds are looked up again, and when waiting ends."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

#: So long after sending; later, every hour. The fourth is the first that may believe that there is no such charge
#: (`machine.GRACE_S`).
LOOK_AFTER: Final = tuple(timedelta(minutes=minutes) for minutes in (1, 2, 5, 15, 60))
LOOK_EVERY: Final = timedelta(hours=1)
#: What no look-up could settle by then lands before a person.
GIVE_UP_AFTER: Final = timedelta(hours=72)
#: How long the payer has for the processor's page or a bank check; then it is fenced.
STEP_VALID: Final = timedelta(minutes=30)
#: How long one worker owns an attempt: longer than `open`, `submit` and `look_up` can take together.
LEASE: Final = timedelta(seconds=90)
#: Somebody watching a payment's page causes at most one look-up in this time.
READ_PAUSE: Final = timedelta(seconds=3)
#: A payment is taken to be settled at the processor by then: partial refunds are possible everywhere.
SETTLED_AFTER: Final = timedelta(hours=24)


def find_next_look(sent_at: datetime, now: datetime) -> datetime:
    """The next moment of the schedule of what was sent then."""
    passed = now - sent_at
    for after in LOOK_AFTER:
        if after > passed:
            return sent_at + after
    return sent_at + (passed // LOOK_EVERY + 1) * LOOK_EVERY
