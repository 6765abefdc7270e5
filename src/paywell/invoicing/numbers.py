"""Numbers without gaps, for each practice and kind of document."""

from __future__ import annotations

from paywell.core.db import lock
from paywell.invoicing.models import NumberSequence
from paywell.practice.models import Practice


def take_number(practice: Practice, kind: str) -> int:
    """The next number. Call it within the transaction that stores the document; see `take_numbers`."""
    return take_numbers(practice, kind, 1)[0]


def take_numbers(practice: Practice, kind: str, count: int) -> range:
    """The next `count` numbers. Their row stays locked until the transaction ends; a rollback gives them back."""
    NumberSequence.objects.get_or_create(practice=practice, kind=kind)
    sequence = lock(NumberSequence.objects.filter(practice=practice, kind=kind)).get()
    first = sequence.next_number
    sequence.next_number = first + count
    sequence.save(update_fields=["next_number"])
    return range(first, first + count)
