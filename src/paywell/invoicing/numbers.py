"""Numbers without gaps, for each practice and kind of document."""

from __future__ import annotations

from paywell.core.db import lock
from paywell.invoicing.models import NumberSequence
from paywell.practice.models import Practice


def take_number(practice: Practice, kind: str) -> int:
    """The next number. Its row stays locked until the transaction ends, and a rollback gives the number back.

    Call it within the transaction that stores the document.
    """
    NumberSequence.objects.get_or_create(practice=practice, kind=kind)
    sequence = lock(NumberSequence.objects.filter(practice=practice, kind=kind)).get()
    number = sequence.next_number
    sequence.next_number = number + 1
    sequence.save(update_fields=["next_number"])
    return number
